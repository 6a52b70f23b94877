"""How fast the proof goes: a log of many events is sealed, signed and verified, by one process and by one per core.

`EVIDENCE_EVENTS` says how many events (200,000). They are as gates write them, with persons, and stand in the tables as
ingestion leaves them. What 10 million would take is extrapolated: from the CPU that is spent, and from the rate here.
"""

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil

from bench.gates.place import HOUSE, SECRET
from bench.report import Goal, line_of_json, table
from domain.kernel.caller import SERVICE
from domain.kernel.runtime import Runtime
from gatehouse.embedded.postgres import Postgres
from gatehouse.migrate import migrate
from gatehouse.parts import process_of
from gatehouse.settings import read
from gatehouse.verifying import verify_log

EVENTS = int(os.environ.get("EVIDENCE_EVENTS", "200000"))
GATES = 20
PER_S = max(40, EVENTS // 5_000)
AT_ONCE = 50_000
GOAL_S = 60
EPOCH = bytes(range(8))
KEY_COLUMNS = ("gate_id", "epoch", "seq", "hash", "received_at")
LOG_COLUMNS = (
    "received_at", "site_id", "gate_id", "epoch", "seq", "at", "clock", "kind", "rid", "source", "historical",
    "direction", "zone_id", "grant_id", "salt", "detail", "canonical", "previous_hash", "hash",
)  # fmt: skip
CORES = 4
_encode = msgspec.json.Encoder(order="sorted").encode


class Measured(msgspec.Struct, frozen=True):
    """What some work took."""

    took_s: float
    cpu_s: float
    postgres_s: float


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
                signed = await _measured(postgres, _sign(process.runtime))
            alone = await _measured(postgres, verify_log(settings, [], jobs=1))
            processes = os.cpu_count() or 1
            together = await _measured(postgres, verify_log(settings, [], jobs=processes))
        _show(signed, alone, together, processes)


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
            rows = _rows(gates)
            while some := list(islice(rows, AT_ONCE)):
                await connection.copy_records_to_table(
                    "access_log", records=[row for _, row in some], columns=LOG_COLUMNS
                )
                await connection.copy_records_to_table(
                    "access_keys", records=[key for key, _ in some], columns=KEY_COLUMNS
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


async def _measured(postgres: Postgres, work: Any) -> Measured:
    """Do the work; return how long it took, and the CPU of ourselves with our readers, and of PostgreSQL."""
    began, ours, theirs = time.monotonic(), _own_cpu_s(), _cpu_s(postgres.pid)
    await work
    return Measured(time.monotonic() - began, _own_cpu_s() - ours, _cpu_s(postgres.pid) - theirs)


def _own_cpu_s() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a server's processes, also of those that have ended."""
    server = psutil.Process(pid)
    times = server.cpu_times()
    ended = times.user + times.system + times.children_user + times.children_system
    living = [one.cpu_times() for one in server.children()]
    return float(ended + sum(one.user + one.system for one in living))


def _show(signed: Measured, alone: Measured, together: Measured, processes: int) -> None:
    kinds = {
        "seal and sign": signed,
        "verify, one process": alone,
        f"verify, {processes} processes": together,
    }
    rows = [
        (
            name,
            f"{one.took_s:.1f} s",
            f"{EVENTS / one.took_s:,.0f}",
            f"{one.cpu_s / EVENTS * 1e6:.1f}",
            f"{one.postgres_s / EVENTS * 1e6:.1f}",
        )
        for name, one in kinds.items()
    ]
    head = (f"{EVENTS:,} events", "took", "events/s", "CPU µs/event", "PostgreSQL CPU µs/event")
    print(table(head, rows))
    cpu_s = (alone.cpu_s + alone.postgres_s) / EVENTS * 10_000_000
    goals = {
        "G7": Goal(cpu_s / CORES, GOAL_S, f"s for 10 million events on {CORES} cores that are free for it"),
        "G7 here": Goal(
            10_000_000 / EVENTS * together.took_s, GOAL_S, "s for 10 million events as it went here"
        ),
    }
    print("\n".join(goal.words(name) for name, goal in goals.items()))
    print(line_of_json("evidence", goals))
