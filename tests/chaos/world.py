"""A site with gates in processes of their own, a broker that may be killed, and the house's own processes."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from domain.kernel.caller import SERVICE, Caller
from domain.kernel.runtime import Runtime
from gate_bridge.calls import asks
from gate_bridge.desired import Desired
from gatehouse.brokers import account_url, house_accounts
from gatehouse.crash import VARIABLE
from gatehouse.embedded.accounts import Account
from gatehouse.embedded.broker import Broker, dynamic_security_plugin, mosquitto_program
from gatehouse.embedded.child import Child, Command, last_words
from gatehouse.parts import process_of
from gatehouse.settings import Settings, read
from simulators.plan import FleetPlan, GatePlan, Zone
from tests.eventually import eventually
from tests.services.needs import missing

SECRET = "a secret of tests that is long enough"
HOUSE = Caller(roles=frozenset({"admin", "service", "member"}))
OBSERVER = Account(username="svc-observer", password="observing", publish=("gh/1/+/+/dn/want",))
PASSES_PER_GATE = 2
WALK_S = 0.25


@dataclass
class Fleet:
    """One gate in a process of its own, and what the test needs to speak to it."""

    folder: Path
    gate: GatePlan
    tokens: Sequence[str]
    child: Child | None = None
    deaths: int = 0

    @property
    def plan(self) -> Path:
        return self.folder / "fleet.json"

    @property
    def door(self) -> Path:
        return self.folder / "fleet.sock"

    @property
    def journal(self) -> Path:
        return self.folder / "journals" / f"{self.gate.site_id}-{self.gate.gate_id}.journal"

    @property
    def journals(self) -> Sequence[Path]:
        """Return that of the gate, and those it had before a factory reset; not that of a clone."""
        files = sorted(self.journal.parent.glob(f"{self.journal.stem}.*"))
        return [file for file in files if re.fullmatch(r"\.(journal|[0-9a-f]{16})", file.suffix)]


@dataclass
class World:
    """Everything a test of crashes holds."""

    folder: Path
    database: str
    broker: Broker
    stack: AsyncExitStack
    fleets: list[Fleet] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return read(self.environment, self.folder / "no.env")

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: text for name, text in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
            "ENVIRONMENT": "test",
            "LOG_LEVEL": "WARNING",
            "GATEHOUSE_DATA": str(self.folder / "data"),
            "DATABASE_URL": self.database,
            "MQTT_URL": self.broker.url,
            "JWT_SECRET_KEY": SECRET,
        }

    async def start(self, *argv: str, crash_at: str = "", **more: str) -> Child:
        """Start a process with the settings of this world; it ends with it."""
        environment = {**self.environment, **more, **({VARIABLE: crash_at} if crash_at else {})}
        log = self.folder / "log" / "-".join(Path(arg).name for arg in argv[-2:])
        child = await Child.start(Command(argv=argv, log=log, env=environment))
        self.stack.push_async_callback(child.stop, 5)
        return child

    async def gatehouse(self, role: str, *, crash_at: str = "", **more: str) -> Child:
        """Start a process of the house, as an operator would."""
        program = str(Path(sys.executable).with_name("gatehouse"))
        return await self.start(program, role, crash_at=crash_at, **more)

    async def python(self, module: str, *arguments: str, crash_at: str = "") -> Child:
        """Start a module of ours."""
        return await self.start(sys.executable, "-m", module, *arguments, crash_at=crash_at)

    async def ask(self, question: str, *arguments: Any) -> list[Any]:
        """Ask the database, on a connection of its own."""
        connection = await asyncpg.connect(self.database.replace("+asyncpg", ""), timeout=5)
        try:
            return list(await connection.fetch(question, *arguments))
        finally:
            await connection.close()

    async def move_site(self, site_id: int, shard: int) -> None:
        """Have a site's gates taken in by another shard."""
        async with process_of(self.settings) as process:
            await process.runtime.call(HOUSE, "sites.move_site", {"siteId": site_id, "shard": shard})

    async def events(self, site_id: int | None = None) -> int:
        """Return how many events the log has, of one site or all; -1 while the database is away."""
        counted = "SELECT count(*) FROM access_keys JOIN gates ON gates.id = gate_id WHERE $1::bigint IN (site_id, 0)"
        try:
            return int((await self.ask(counted, site_id or 0))[0][0])
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return -1

    async def goes_on(self, by: int = 100, site_id: int | None = None) -> None:
        """Wait until the log has so many more events than now, of one site or all."""
        before = await self.events(site_id)

        async def more() -> bool:
            return await self.events(site_id) >= before + by

        await eventually(more, timeout_s=60)

    async def ingest_dies(self, where: str) -> None:
        """Run ingestion until it dies at a named point."""
        child = await self.gatehouse("ingest", crash_at=where)
        async with asyncio.timeout(90):
            assert await child.wait() == -signal.SIGKILL

    async def stop_gates(self) -> None:
        """Have the gates say farewell and end."""
        for fleet in self.fleets:
            assert fleet.child is not None
            assert await fleet.child.stop(10) == 0


@asynccontextmanager
async def world(folder: Path, database: str, *, gates: int, sites: int = 1) -> AsyncIterator[World]:
    """Furnish sites with so many gates each; a broker that forgets everything when it is killed serves them."""
    if mosquitto_program() is None or dynamic_security_plugin() is None:
        missing("needs Mosquitto with its dynamic security plugin: apt-get install mosquitto")
    async with AsyncExitStack() as stack:
        accounts = (*house_accounts(SECRET), OBSERVER)
        broker = await stack.enter_async_context(Broker.start(folder, accounts=accounts, kind="mosquitto"))
        made = World(folder, database, broker, stack)
        async with process_of(made.settings) as process:
            for number in range(sites):
                made.fleets += await _furnish(made, process.runtime, f"Loft {number}", gates)
            await _let_in(made, process.runtime)
        try:
            yield made
        except BaseException:
            for log in sorted((folder / "log").iterdir()):
                print(last_words(log, 30))
            raise


async def kill_broker(broker: Broker) -> None:
    """Kill it with -9 and start it again, with the accounts and nothing else that it knew."""
    broker.kill()
    await broker.wait()
    (broker.directory / "mosquitto.db").unlink(missing_ok=True)
    await broker.restart()


async def _furnish(made: World, runtime: Runtime, name: str, gates: int) -> list[Fleet]:
    site = await runtime.call(HOUSE, "sites.create_site", {"name": name})
    about = {"siteId": site.site_id, "capacity": None, "offlinePolicy": "signed_ok", "forGuests": True}
    zones = [
        await runtime.call(HOUSE, "access.create_zone", {**about, "name": name})
        for name in ("hall", "office")
    ]
    await _open_host(runtime, site.site_id)
    fleets = []
    for number in range(gates):
        gate, keys = await _gate(runtime, number, site.site_id, zones)
        tokens = [await a_token(runtime, site.site_id) for _ in range(PASSES_PER_GATE)]
        fleets.append(fleet := Fleet(made.folder / f"gate-{gate.gate_id}", gate, tokens))
        fleet.folder.mkdir()
        plan = FleetPlan(broker=made.broker.url, gates=(gate,), public_keys=keys, keep_journals=True)
        fleet.plan.write_bytes(msgspec.json.encode(plan))
    return fleets


async def _open_host(runtime: Runtime, site_id: int) -> None:
    name = f"host{site_id}"
    person = {"username": name, "email": f"{name}@example.com", "password": "a password of tests"}
    roles = [{"role": "member", "siteId": site_id}]
    await runtime.call(SERVICE, "identity.create_user", {**person, "roles": roles})


async def _gate(
    runtime: Runtime, number: int, site_id: int, zones: Sequence[Any]
) -> tuple[GatePlan, dict[str, str]]:
    """Four of five gates lead from the street into the hall, the fifth from there into the office."""
    hall, office = zones
    outer, inner = (hall, office) if number % 5 == 4 else (None, hall)
    between = {"fromZoneId": outer.zone_id if outer else None, "toZoneId": inner.zone_id}
    asked = {"siteId": site_id, "name": f"gate {number}", **between}
    gate_id = (await runtime.call(HOUSE, "access.create_gate", asked)).gate_id
    device = await runtime.call(HOUSE, "access.provision_gate", {"gateId": gate_id})
    gate = GatePlan(
        gate_id=gate_id,
        site_id=site_id,
        password=device.password,
        from_zone=Zone(outer.zone_id, outer.ordinal) if outer else None,
        to_zone=Zone(inner.zone_id, inner.ordinal),
        walk_s=WALK_S,
    )
    return gate, {str(key_id): key for key_id, key in device.pass_keys.items()}


async def a_token(runtime: Runtime, site_id: int, entries: str = "many") -> str:
    """Return the code of a new pass for the site."""
    now = runtime.clock()
    window = {
        # Of yesterday too, for a gate that was away for a day.
        "start": (now - timedelta(hours=26)).isoformat(),
        "end": (now + timedelta(hours=8)).isoformat(),
    }
    found: Any = await runtime.call(SERVICE, "identity.list_users", {"search": f"host{site_id}@example.com"})
    host = found.items[0].id
    asked = {"siteId": site_id, "hostUserId": host, "guestName": "Ada Lovelace", "entries": entries, **window}
    return str((await runtime.call(HOUSE, "access.create_guest_pass", asked)).qr_token)


async def _let_in(made: World, runtime: Runtime) -> None:
    """Have the broker know the gates."""
    url = account_url(made.broker.url, "control", SECRET)

    async def applied() -> bool:
        return not await runtime.call(SERVICE, "access.list_device_accounts", {"pending": True})

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(Desired(url, asks(runtime)).run())
        await eventually(applied, timeout_s=20)
        running.cancel()
