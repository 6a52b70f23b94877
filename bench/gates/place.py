"""A site to measure: its servers, its gates with accounts at the broker, thousands of passes, and its processes."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from bench.gates.load import GateAccount, Plan
from domain.access.rules import token
from domain.kernel.caller import SERVICE, Caller
from domain.kernel.runtime import Runtime
from gate_bridge.calls import asks
from gate_bridge.desired import Desired
from gatehouse.brokers import account_url, house_accounts
from gatehouse.embedded.accounts import Account
from gatehouse.embedded.address import free_port
from gatehouse.embedded.broker import Broker
from gatehouse.embedded.child import Child, Command
from gatehouse.embedded.postgres import Postgres
from gatehouse.embedded.redis import Redis
from gatehouse.migrate import migrate
from gatehouse.parts import process_of
from gatehouse.settings import read
from server.process import Process

SECRET = "a secret of benchmarks, long enough"
HOUSE = Caller(roles=frozenset({"admin", "service", "member"}))
ECHO = Account(
    username="svc-echo",
    password="echoing",
    subscribe=("gh/1/+/+/up/echo",),
    publish=("gh/1/+/+/dn/echo",),
)
# The time of each commit, to measure from it.
POSTGRES = {"track_commit_timestamp": "on"}
GATES = 20
READY_S = 30
PASSES = 6_000

CLONED = """
WITH made AS (
    INSERT INTO grants
    SELECT clone.* FROM grants AS pass, generate_series(1, $2) AS number,
    LATERAL jsonb_populate_record(
        pass, jsonb_build_object('id', nextval('grants_id_seq'), 'number', number)
    ) AS clone
    WHERE pass.id = $1
    RETURNING id
), guests AS (
    INSERT INTO guest_passes
    SELECT clone.* FROM guest_passes AS guest, made,
    LATERAL jsonb_populate_record(
        guest, jsonb_build_object('id', nextval('guest_passes_id_seq'), 'grant_id', made.id)
    ) AS clone
    WHERE guest.grant_id = $1
)
SELECT id FROM made ORDER BY id
"""


@dataclass
class Place:
    """Everything the measuring needs to know."""

    folder: Path
    postgres: Postgres
    broker: Broker
    stack: AsyncExitStack
    plan: Plan = field(default_factory=lambda: Plan(0, [], [], {}))
    redis: Redis | None = None

    @property
    def plan_file(self) -> Path:
        return self.folder / "plan.json"

    def process(self) -> AbstractAsyncContextManager[Process]:
        """Return a process of the house within this one."""
        return process_of(read(self.environment, self.folder / "no.env"))

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: text for name, text in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
            "ENVIRONMENT": "test",
            "LOG_LEVEL": "WARNING",
            "GATEHOUSE_DATA": str(self.folder / "data"),
            "DATABASE_URL": self.postgres.url,
            "MQTT_URL": self.broker.url,
            "JWT_SECRET_KEY": SECRET,
            **({"REDIS_URL": self.redis.url} if self.redis else {}),
        }

    async def gatehouse(self, role: str, port: int | None = None) -> Child:
        """Start a process of the house, as an operator would, and wait until it says that it is ready."""
        argv, port = (str(Path(sys.executable).with_name("gatehouse")), role), port or free_port()
        log = self.folder / "log" / f"{role}.log"
        environment = {**self.environment, "HEALTH_PORT" if role != "serve" else "PORT": str(port)}
        child = await Child.start(Command(argv=argv, log=log, env=environment))
        self.stack.push_async_callback(child.stop, 5)
        await answered(lambda: _is_ready(port), READY_S)
        return child

    async def ask(self, question: str, *arguments: Any) -> list[Any]:
        """Ask the database."""
        connection = await asyncpg.connect(self.postgres.url.replace("+asyncpg", ""))
        try:
            return list(await connection.fetch(question, *arguments))
        finally:
            await connection.close()


@asynccontextmanager
async def place(
    *, scanning: int = GATES, reporting: int = GATES, with_redis: bool = False
) -> AsyncIterator[Place]:
    """Serve and furnish a site with so many gates until the block ends; PostgreSQL with fsync, as in a real house."""
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True))
        )
        accounts = (*house_accounts(SECRET), ECHO)
        broker = await stack.enter_async_context(Broker.start(folder, accounts=accounts, kind="mosquitto"))
        postgres = await stack.enter_async_context(Postgres.start(folder, settings=POSTGRES))
        await migrate(postgres.url)
        made = Place(folder, postgres, broker, stack)
        if with_redis:
            made.redis = await stack.enter_async_context(Redis.start(folder))
        async with made.process() as process:
            made.plan = await _furnish(made, process.runtime, scanning, reporting)
        made.plan_file.write_bytes(msgspec.json.encode(made.plan))
        yield made


async def answered(question: Callable[[], Awaitable[bool]], within_s: float, every_s: float = 0.05) -> None:
    """Ask until the answer is yes: another process has no event to wait for.

    Raises:
        TimeoutError: It was not within that time.
    """
    async with asyncio.timeout(within_s):
        while True:
            if await question():
                return
            await asyncio.sleep(every_s)


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"GET /health/ready HTTP/1.0\r\n\r\n")
    status = await reader.readline()
    writer.close()
    return b" 200 " in status


async def _furnish(made: Place, runtime: Runtime, scanning: int, reporting: int) -> Plan:
    site_id = (await runtime.call(HOUSE, "sites.create_site", {"name": "Arena"})).site_id
    zone = {"siteId": site_id, "name": "hall", "forGuests": True, "offlinePolicy": "signed_ok"}
    hall = await runtime.call(HOUSE, "access.create_zone", zone)
    person = {"username": "host", "email": "host@example.com", "password": "a password of benchmarks"}
    roles = [{"role": "member", "siteId": site_id}]
    host = (await runtime.call(SERVICE, "identity.create_user", {**person, "roles": roles})).id
    keys: dict[str, str] = {}
    accounts = [
        await _gate(runtime, number, site_id, hall.zone_id, keys) for number in range(scanning + reporting)
    ]
    passes = await _passes(made, runtime, site_id, host)
    each = len(passes) // len(accounts)
    shares = [passes[start : start + each] for start in range(0, len(passes), each)]
    gates = [
        GateAccount(
            gate_id, site_id, password, [text for _, text in share], [pass_id for pass_id, _ in share]
        )
        for (gate_id, password), share in zip(accounts, shares, strict=False)
    ]
    await _let_in(made, runtime)
    return Plan(made.broker.port, gates[:scanning], gates[scanning:], keys)


async def _gate(
    runtime: Runtime, number: int, site_id: int, zone_id: int, keys: dict[str, str]
) -> tuple[int, str]:
    asked = {"siteId": site_id, "name": f"gate {number}", "toZoneId": zone_id}
    gate_id = (await runtime.call(HOUSE, "access.create_gate", asked)).gate_id
    device = await runtime.call(HOUSE, "access.provision_gate", {"gateId": gate_id})
    keys.update({str(key_id): key for key_id, key in device.pass_keys.items()})
    return gate_id, device.password


async def _passes(made: Place, runtime: Runtime, site_id: int, host: int) -> list[tuple[int, str]]:
    """Return ids and tokens of many passes; the first is asked for as people do, the others are copies of it."""
    now = runtime.clock().replace(microsecond=0)
    until = now + timedelta(hours=8)
    guest = {"siteId": site_id, "hostUserId": host, "guestName": "Ada Lovelace"}
    window = {"start": (now - timedelta(minutes=1)).isoformat(), "end": until.isoformat()}
    first = await runtime.call(HOUSE, "access.create_guest_pass", guest | window)
    key_id, seed = (await made.ask("SELECT id, seed FROM pass_keys ORDER BY id DESC LIMIT 1"))[0]
    key = Ed25519PrivateKey.from_private_bytes(seed)
    claim = token.read(str(first.qr_token), {key_id: key.public_key()})
    assert isinstance(claim, token.PassClaim)
    rows = await made.ask(CLONED, claim.pass_id, PASSES)
    return [(row[0], _signed(claim, row[0], key)) for row in rows]


def _signed(like: token.PassClaim, pass_id: int, key: Ed25519PrivateKey) -> str:
    return token.as_base64url(token.sign(replace(like, pass_id=pass_id), key))


async def _let_in(made: Place, runtime: Runtime) -> None:
    """Have the broker know the gates."""
    url = account_url(made.broker.url, "control", SECRET)
    pending = True
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(READY_S):
        running = tasks.create_task(Desired(url, asks(runtime)).run())
        while pending:
            await asyncio.sleep(0.05)
            pending = await runtime.call(SERVICE, "access.list_device_accounts", {"pending": True})
        running.cancel()
