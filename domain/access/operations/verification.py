"""Verification: the whole log of a house, cut into spans of time that many processes read at once.

A span holds whole minutes, so that their roots can be computed in it; the chains of gates, which run through
all spans, are put together at the end (``rules.chains``). Rows are read as they lie, without a sort, over a cursor.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import make_url

from domain.access.rules.audit import Audit, SiteDay
from domain.access.rules.chains import Chain, Journal, Run, join, measured
from domain.access.rules.minutes import MINUTE_US
from domain.access.rules.proof import Finding
from domain.access.rules.root_chain import RootFinding
from domain.access.rules.statements import Omission, Root
from domain.kernel import queries
from domain.kernel.driver import compiled, connect

ROWS = 100_000
"""About how many events a span has."""
FETCHED = 4_000
CONNECT_S = 10.0
Y2000_US = 946_684_800_000_000
FROM_US, TO_US = Y2000_US - 2**63, Y2000_US + 2**63 - 1
"""What PostgreSQL reads as the ends of time."""
SETTINGS = {
    "application_name": "gatehouse verify-log",
    "timezone": "UTC",
    "jit": "off",
    "work_mem": "96MB",
    "max_parallel_workers_per_gather": "0",
}
Connection = Any  # Any: asyncpg has no types
Span = tuple[int, int]
"""From and to, in microseconds of Unix time, both at a full minute."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What every reader needs to know: the moment that is looked at, and what was noted of the house then."""

    snapshot: str
    sites: Mapping[int, int]
    dropped: frozenset[SiteDay]
    rooted_us: int
    spans: Sequence[Span]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one span shows."""

    events: int
    found: int
    findings: Sequence[tuple[int, Finding]]
    roots: Sequence[RootFinding]
    runs: Mapping[Journal, Sequence[Run]]
    erased: Mapping[SiteDay, int]
    erased_in: Mapping[Journal, int]
    missing: Mapping[SiteDay, int]


class JournalReport(msgspec.Struct, frozen=True, kw_only=True):
    """One journal put together from all spans."""

    gate_id: int
    chain: Chain
    watermark: int
    erased: int


@asynccontextmanager
async def reading(url: str, snapshot: str | None = None) -> AsyncIterator[Connection]:
    """Hold a connection on which all questions are about one moment: that of the snapshot, or a new one."""
    connection = await connect(make_url(url), SETTINGS, CONNECT_S)
    try:
        await connection.set_type_codec(
            "timestamptz",
            schema="pg_catalog",
            encoder=lambda us: (us - Y2000_US,),
            decoder=lambda told: told[0] + Y2000_US,
            format="tuple",
        )
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # Dropping a day waits for whoever has looked: rows of a dropped partition are in no snapshot.
            await connection.execute("LOCK TABLE access_log IN ACCESS SHARE MODE")
            if snapshot is not None:
                await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            yield connection
    finally:
        await connection.close(timeout=2)


async def plan(connection: Connection) -> Plan:
    """Look at the house and cut its log into spans."""
    dropped = await connection.fetch("SELECT site_id, day FROM log_omissions WHERE kind = 'dropped'")
    return Plan(
        snapshot=await connection.fetchval("SELECT pg_export_snapshot()"),
        sites={row[0]: row[1] for row in await connection.fetch("SELECT id, site_id FROM gates")},
        dropped=frozenset((row[0], row[1]) for row in dropped),
        rooted_us=await connection.fetchval("SELECT rooted FROM log_seal") or 0,
        spans=await _spans(connection),
    )


async def verify_span(connection: Connection, planned: Plan, span: Span) -> Part:
    """Go through one span."""
    audit = Audit(planned.sites, planned.dropped, rooted_us=planned.rooted_us)
    statement, names = compiled(queries.load("domain.access", "lines_of_span"))
    given = dict(zip(("since", "until"), span, strict=True))
    cursor = await connection.cursor(statement, *(given[name] for name in names))
    while some := await cursor.fetch(FETCHED):
        audit.take(some)
    if audit.absent:
        kept = "SELECT gate_id, payload FROM quarantine WHERE received_at >= $1 AND received_at < $2"
        audit.settle([(row[0], row[1]) for row in await connection.fetch(kept, *span)])
    return Part(
        events=audit.events,
        found=audit.found,
        findings=audit.findings,
        roots=await _roots(connection, audit, span),
        runs=audit.runs,
        erased=audit.erased,
        erased_in=audit.erased_in,
        missing=audit.missing,
    )


async def put_together(
    connection: Connection, parts: Sequence[Part]
) -> tuple[list[JournalReport], list[tuple[int, Finding]]]:
    """Join the journals of all spans, and hold them against what was noted of each."""
    runs, erased = defaultdict[Journal, list[Run]](list), Counter[Journal]()
    for part in parts:
        erased.update(part.erased_in)
        for journal, some in part.runs.items():
            runs[journal] += some
    rows = await connection.fetch("SELECT gate_id, epoch, watermark, highest FROM gate_epochs")
    noted = {(row[0], row[1]): (row[2], row[3]) for row in rows}
    reports, findings = list[JournalReport](), list[tuple[int, Finding]]()
    for gate_id, epoch in sorted({*runs, *noted}):
        chain, found = join(epoch, runs.get((gate_id, epoch), ()))
        watermark, highest = noted.get((gate_id, epoch), (0, 0))
        found += measured(chain, watermark, highest)
        findings += [(gate_id, one) for one in found]
        reports.append(
            JournalReport(gate_id=gate_id, chain=chain, watermark=watermark, erased=erased[gate_id, epoch])
        )
    return reports, findings


async def all_roots(connection: Connection) -> list[Root]:
    """Return every root, by site and number."""
    columns = "site_id, number, minute, count, root, rows, previous, key, signature"
    rows = await connection.fetch(f"SELECT {columns} FROM log_roots ORDER BY site_id, number")
    return [Root(**{**dict(row.items()), "minute": row["minute"] // 1_000_000}) for row in rows]


async def all_omissions(connection: Connection) -> list[Omission]:
    """Return every note of what was taken out."""
    columns = "site_id, day, kind, events, unreadable, term_days, at, key, signature"
    rows = await connection.fetch(f"SELECT {columns} FROM log_omissions ORDER BY site_id, id")
    return [Omission(**{**dict(row.items()), "at": _moment(row["at"])}) for row in rows]


async def _roots(connection: Connection, audit: Audit, span: Span) -> list[RootFinding]:
    """Hold the minutes of a span against their roots."""
    chosen = "SELECT site_id, minute, count, root, rows FROM log_roots WHERE minute >= $1 AND minute < $2"
    stored = {(row[0], row[1] // MINUTE_US): row[2:] for row in await connection.fetch(chosen, *span)}
    found = [(place, "has a root and no events") for place in stored if place not in audit.minutes]
    for place, minute in audit.minutes.items():
        if place not in stored:
            found.append((place, "has events and no root"))
            continue
        root, rows = minute.roots()
        if (minute.count, root) != (stored[place][0], stored[place][1]):
            found.append((place, "has other events than its root says"))
        elif rows != stored[place][2] and not audit.was_dropped(place):
            found.append((place, "was written down otherwise than its root says"))
    return [RootFinding(site_id=site, minute=at * 60, problem=words) for (site, at), words in sorted(found)]


async def _spans(connection: Connection) -> list[Span]:
    """Cut time so that each span has about as many events, by a sample of them."""
    size = await connection.fetchval("SELECT reltuples FROM pg_class WHERE oid = 'access_keys'::regclass")
    percent = min(100.0, 100.0 * 100_000 / max(size, 1))
    sample = await connection.fetch(
        "SELECT received_at FROM access_keys TABLESAMPLE SYSTEM ($1) ORDER BY received_at", percent
    )
    step = max(1, int(ROWS * percent / 100))
    cuts = sorted({row[0] // MINUTE_US * MINUTE_US for row in sample[step::step]})
    return list(zip([FROM_US, *cuts], [*cuts, TO_US], strict=True))


def _moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
