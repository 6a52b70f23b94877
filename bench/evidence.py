"""How fast the proof goes: a log of many events is sealed, signed and verified, by one process and by one per core.

`EVIDENCE_EVENTS` says how many events (200,000). They are as gates write them, with persons, and stand in the tables as
ingestion leaves them. What 10 million would take is the rate of all processes, extrapolated.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from bench.place import HOUSE, SECRET
from bench.report import Goal, line_of_json, table
from domain.kernel.caller import SERVICE
from domain.kernel.runtime import Runtime
from gatehouse.embedded.postgres import Postgres
from gatehouse.migrate import migrate
from gatehouse.parts import process_of
from gatehouse.settings import Settings, read
from gatehouse.verifying import verify_log

EVENTS = int(os.environ.get("EVIDENCE_EVENTS", "200000"))
GATES = 20
PER_S = 40
GOAL_S = 60
EPOCH = bytes(range(8))
KEY_COLUMNS = ("gate_id", "epoch", "seq", "hash", "received_at")
LOG_COLUMNS = (
    "received_at", "site_id", "gate_id", "epoch", "seq", "at", "clock", "kind", "rid", "source", "historical",
    "direction", "zone_id", "grant_id", "salt", "detail", "canonical", "previous_hash", "hash",
)  # fmt: skip
_encode = msgspec.json.Encoder(order="sorted").encode


async def run() -> None:
    """Build a log, prove it, print the table, and last the line of JSON."""
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as folder:
        async with Postgres.start(Path(folder)) as postgres:
            await migrate(postgres.url)
            environment = {"ENVIRONMENT": "test", "DATABASE_URL": postgres.url, "JWT_SECRET_KEY": SECRET}
            settings = read({**environment, "GATEHOUSE_DATA": folder}, Path(folder) / "no.env")
            async with process_of(settings, connections=2) as process:
                gates = await _furnish(process.runtime)
                await _fill(postgres.url, gates)
                signed = await _timed(_sign(process.runtime))
            await _show(settings, signed)


async def _furnish(runtime: Runtime) -> list[int]:
    site = (await runtime.call(HOUSE, "sites.create_site", {"name": "Arena"})).site_id
    zone = await runtime.call(HOUSE, "access.create_zone", {"siteId": site, "name": "hall"})
    made = [
        await runtime.call(
            HOUSE, "access.create_gate", {"siteId": site, "name": f"gate {n}", "toZoneId": zone.zone_id}
        )
        for n in range(GATES)
    ]
    return [gate.gate_id for gate in made]


async def _fill(url: str, gates: list[int]) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        async with connection.transaction():
            rows = list(_rows(gates))
            await connection.copy_records_to_table(
                "access_log", records=[row for _, row in rows], columns=LOG_COLUMNS
            )
            await connection.copy_records_to_table(
                "access_keys", records=[key for key, _ in rows], columns=KEY_COLUMNS
            )
            await connection.executemany(
                "INSERT INTO gate_epochs (gate_id, epoch, first_seen_at, watermark, highest) "
                "VALUES ($1, $2, now(), $3, $3)",
                [(gate, EPOCH, EVENTS // GATES) for gate in gates],
            )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _rows(gates: list[int]) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Each event's key and row, the gates taking turns."""
    began = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(seconds=EVENTS / PER_S + 120)
    hashes = dict.fromkeys(gates, bytes(32))
    for number in range(EVENTS // GATES * GATES):
        gate, seq = gates[number % GATES], number // GATES + 1
        received = began + timedelta(seconds=number / PER_S)
        at = received.replace(microsecond=received.microsecond // 1000 * 1000)
        salt, rid = number.to_bytes(16, "big"), f"{number:016x}"
        said = {
            "d": "in", "e": EPOCH.hex(), "k": "passage", "pd": sha256(salt + b"7").hexdigest(), "rid": rid,
            "s": seq, "src": "online", "t": round(at.timestamp() * 1000), "tq": "ok", "z": 1,
        }  # fmt: skip
        canonical = _encode(said)
        before = hashes[gate]
        hashes[gate] = own = sha256(before + canonical).digest()
        yield (gate, EPOCH, seq, own, received), (
            received, 1, gate, EPOCH, seq, at, "ok", "passage", rid, "online", False, "in", 1, 7, salt, "{}", canonical,
            before, own,
        )  # fmt: skip


async def _sign(runtime: Runtime) -> None:
    await runtime.call(SERVICE, "access.seal_log")
    while await runtime.call(SERVICE, "access.sign_roots"):
        pass


async def _timed(work: Any) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


async def _show(settings: Settings, signed: float) -> None:
    cores = os.cpu_count() or 1
    alone = await _timed(verify_log(settings, [], jobs=1))
    together = await _timed(verify_log(settings, [], jobs=cores))
    rows = [
        ("seal and sign", f"{signed:.1f} s", f"{EVENTS / signed:,.0f}/s"),
        ("verify, one process", f"{alone:.1f} s", f"{EVENTS / alone:,.0f}/s"),
        (f"verify, {cores} processes", f"{together:.1f} s", f"{EVENTS / together:,.0f}/s"),
    ]
    print(table((f"{EVENTS:,} events", "took", "events"), rows))
    goals = {"G7": Goal(10_000_000 / (EVENTS / together), GOAL_S, "s for 10 million events at this rate")}
    print("\n".join(goal.words(name) for name, goal in goals.items()))
    print(line_of_json("evidence", goals))
