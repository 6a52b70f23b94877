"""From a revocation to the word of every gate of a site that it knows of it; and what a change costs on a long list.

The gates are real ones to the broker: an account each, one connection each, QoS 1, in a process of their own; they
check signatures and digests. The house runs `ingest` and `work` as it always does.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import msgspec

from bench.gates.place import HOUSE, POSTGRES, SECRET, Place, answered
from bench.list_gates import Account, Plan
from bench.report import Goal, line_of_json, percentile, table
from domain.access.operations.list_publishing import PublishedList
from domain.kernel.caller import SERVICE
from domain.kernel.runtime import Runtime
from gate_bridge.calls import asks
from gate_bridge.desired import Desired
from gatehouse.brokers import account_url, house_accounts
from gatehouse.embedded.broker import Broker
from gatehouse.embedded.child import Child, Command
from gatehouse.embedded.postgres import Postgres
from gatehouse.migrate import migrate
from gatehouse.parts import process_of
from gatehouse.settings import read

GATES = 200
PASSES = 1_000
REVOCATIONS = 40
LONG = 100_000
CHANGES = 20
PATIENCE_S = 60

HEARD = """
SELECT count(*) FROM gates JOIN site_lists USING (site_id)
WHERE NOT gates.desk AND list_revision >= site_lists.revision
"""
MANY = """
WITH made AS (
    INSERT INTO grants
    SELECT (jsonb_populate_record(g, jsonb_build_object('id', nextval(pg_get_serial_sequence('grants', 'id'))))).*
    FROM grants g, generate_series(1, $2) WHERE g.id = $1
    RETURNING id
)
INSERT INTO list_entries (grant_id, site_id, revision, watch, entry)
SELECT made.id, e.site_id, e.revision, e.watch, jsonb_set(e.entry, '{p}', to_jsonb(made.id))
FROM made, list_entries e WHERE e.grant_id = $1
"""


async def run() -> None:
    """Measure, print the table, and last the line of JSON."""
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as folder:
        async with AsyncExitStack() as stack:
            where = await _place(Path(folder), stack)
            process = await stack.enter_async_context(
                process_of(read(where.environment, where.folder / "no.env"))
            )
            changes = await _long(where, process.runtime)
            badges = await _furnish(where, process.runtime)
            for role in ("ingest", "work"):
                await where.gatehouse(role)
            await _start_gates(where, stack)
            took = [await _revoke(where, process.runtime, badge) for badge in badges[:REVOCATIONS]]
            show(sorted(took), sorted(changes))


async def _place(folder: Path, stack: AsyncExitStack) -> Place:
    broker = await stack.enter_async_context(
        Broker.start(folder, accounts=house_accounts(SECRET), kind="mosquitto")
    )
    postgres = await stack.enter_async_context(Postgres.start(folder, settings=POSTGRES))
    await migrate(postgres.url)
    return Place(folder, postgres, broker, stack)


async def _furnish(where: Place, runtime: Runtime) -> list[int]:
    """Make a site with gates and badges, write down how to play the gates, and return the badges."""
    site_id = (await runtime.call(HOUSE, "sites.create_site", {"name": "Arena"})).site_id
    zone = {"siteId": site_id, "name": "hall", "offlinePolicy": "list_ok"}
    hall = await runtime.call(HOUSE, "access.create_zone", zone)
    accounts, keys = list[Account](), dict[int, str]()
    for number in range(GATES):
        asked = {"siteId": site_id, "name": f"gate {number}", "toZoneId": hall.zone_id}
        gate_id = (await runtime.call(HOUSE, "access.create_gate", asked)).gate_id
        device = await runtime.call(HOUSE, "access.provision_gate", {"gateId": gate_id})
        accounts.append(Account(gate_id, device.password))
        keys = device.pass_keys
    await _let_in(where, runtime)
    plan = Plan(where.broker.port, site_id, keys, accounts)
    (where.folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    return await _badges(where, runtime, site_id, PASSES)


async def _badges(where: Place, runtime: Runtime, site_id: int, count: int) -> list[int]:
    """Issue one as people do, and make copies of it."""
    now = runtime.clock()
    window = {"start": now.isoformat(), "end": (now + timedelta(days=30)).isoformat()}
    asked = {"siteId": site_id, "kind": "badge", "holderName": "Ada Lovelace", **window}
    first = (await runtime.call(HOUSE, "access.create_pass", asked)).pass_id
    await where.ask(MANY, first, count)
    await runtime.call(SERVICE, "access.recount_list", {"siteId": site_id})
    newest = "SELECT id FROM grants WHERE site_id = $1 ORDER BY id DESC LIMIT $2"
    return [row[0] for row in await where.ask(newest, site_id, count)]


async def _let_in(where: Place, runtime: Runtime) -> None:
    """Have the broker know the gates."""

    async def known() -> bool:
        return not await runtime.call(SERVICE, "access.list_device_accounts", {"pending": True})

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(
            Desired(account_url(where.broker.url, "control", SECRET), asks(runtime)).run()
        )
        await answered(known, PATIENCE_S)
        running.cancel()


async def _start_gates(where: Place, stack: AsyncExitStack) -> None:
    argv = (sys.executable, "-m", "bench.list_gates", str(where.folder / "plan.json"))
    gates = await Child.start(Command(argv=argv, log=where.folder / "log" / "gates.log"))
    stack.push_async_callback(gates.stop, 1)
    await answered(lambda: _all_heard(where), PATIENCE_S)


async def _revoke(where: Place, runtime: Runtime, badge: int) -> float:
    """Revoke a badge and return how long it took until all gates had said that they know, in ms."""
    began = time.perf_counter()
    await runtime.call(HOUSE, "access.revoke_pass", {"passId": badge})
    await answered(lambda: _all_heard(where), PATIENCE_S, every_s=0.01)
    return (time.perf_counter() - began) * 1000


async def _all_heard(where: Place) -> bool:
    return bool((await where.ask(HEARD))[0][0] >= GATES)


async def _long(where: Place, runtime: Runtime) -> list[float]:
    """Return how long it takes to read and sign what one revocation changes, on a list of many passes, in ms."""
    site_id = (await runtime.call(HOUSE, "sites.create_site", {"name": "Stadium"})).site_id
    await runtime.call(HOUSE, "access.create_zone", {"siteId": site_id, "name": "stands"})
    badges, ask, took = await _badges(where, runtime, site_id, LONG), asks(runtime), list[float]()
    for badge in badges[: CHANGES + 1]:
        await runtime.call(HOUSE, "access.revoke_pass", {"passId": badge})
        began = time.perf_counter()
        waiting = await ask(SERVICE, "access.list_unpublished_lists")
        took.append((time.perf_counter() - began) * 1000)
        out = [PublishedList(one.site_id, one.revision) for one in waiting]
        await ask(SERVICE, "access.lists_published", lists=out)
    return took[1:]  # the first has no change to tell


def show(took: list[float], changes: list[float]) -> None:
    """Print everything."""
    p50, p99, longest = percentile(took, 50), percentile(took, 99), took[-1]
    rows = [
        (f"a revocation until {GATES} gates have said that they know it, p50", f"{p50:.0f} ms"),
        ("the same, p99", f"{p99:.0f} ms"),
        ("the same, the longest", f"{longest:.0f} ms"),
        (
            f"reading and signing one change of a list of {LONG:,} passes, p50",
            f"{percentile(changes, 50):.1f} ms",
        ),
    ]
    print(table(("lists", "value"), rows))
    goals = {
        "G6": Goal(p99, 1_000, f"ms until a revocation is confirmed by {GATES} gates, p99"),
        "G6 long": Goal(percentile(changes, 50), 50, f"ms to make one change of {LONG:,} passes ready"),
    }
    print("\n".join(goal.words(name) for name, goal in goals.items()))
    print(line_of_json("revocation", goals))
