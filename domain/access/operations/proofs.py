"""Proofs: that the log of a gate is what the gate wrote, by going through all of it; and that one event is in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, select, text

from domain.access.operations.roots import RootView, minutes_of, roots, view
from domain.access.rules import merkle
from domain.access.rules.audit import Audit, SiteDay
from domain.access.rules.chains import Chain, join, measured
from domain.access.rules.minutes import key_leaf
from domain.access.rules.proof import Finding, Line
from domain.access.tables.evidence import LogRootRow, OmissionRow
from domain.access.tables.place import GateRow
from domain.access.tables.record import AccessKeyRow, AccessLogRow, GateEpochRow, QuarantineRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.operations import operation

AT_ONCE = 2_000
MOST = 100
"""Findings that are told one by one; where there are more, the first say enough."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
MOMENTS = (4, 6, 10)
"""Where in a line moments stand that the rules want in microseconds."""


class NotSealed(DomainError):
    """An event whose minute is not over, so that nothing is signed yet."""

    code, title, passing = "not_sealed", "This minute is not signed yet", True


class JournalProof(msgspec.Struct, frozen=True, rename="camel"):
    """One life of a gate's journal: what stands in the log of it, and up to where nothing is missing."""

    epoch: str
    first: int
    last: int
    events: int
    erased: int
    unreadable: int
    dropped: int
    up_to: int


class Proof(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found in the log of a gate; without findings it is what the gate wrote."""

    gate_id: int
    site_id: int
    name: str
    journals: Sequence[JournalProof]
    findings: Sequence[Finding]


class EventProof(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """That one event came in its minute: ``path`` leads from it to the root, and the root is signed.

    ``canonical`` is what the gate wrote, without the person; bytes are hexadecimal, ``receivedUs`` is Unix
    microseconds.
    """

    access_id: int
    gate_id: int
    epoch: str
    seq: int
    received_us: int
    canonical: str
    previous_hash: str
    hash: str
    index: int
    path: Sequence[str]
    root: RootView


@operation("access.verify_gate", allow={"manager", "admin", "service"}, reads=True)
async def verify_gate(ctx: Context, *, gate_id: int) -> Proof:
    """Go through the whole log of a gate, and find every edit, deletion and reorder."""
    # One moment for all questions, and a cursor that outlives the first of them. The lock before that moment keeps days
    # from being dropped meanwhile: rows of a dropped partition are in no snapshot.
    await ctx.db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    await ctx.db.execute(text("LOCK TABLE access_log IN ACCESS SHARE MODE"))
    gate = await ctx.db.get(GateRow, gate_id)
    if gate is None or not ctx.caller.holds("manager", site_id=gate.site_id):
        raise NotFound(f"There is no gate {gate_id}")
    audit = Audit({gate_id: gate.site_id}, await _dropped(ctx, gate.site_id))
    lines = await ctx.db.stream(
        queries.load("domain.access", "lines_of_gate"),
        {"gate_id": gate_id},
        execution_options={"yield_per": AT_ONCE},
    )
    async for some in lines.partitions():
        audit.take([_line(row) for row in some])
    kept = select(QuarantineRow.gate_id, QuarantineRow.payload).where(QuarantineRow.gate_id == gate_id)
    audit.settle((row[0], row[1]) for row in await ctx.db.execute(kept))
    journals = select(GateEpochRow).where(GateEpochRow.gate_id == gate_id).order_by(GateEpochRow.epoch)
    findings, proofs = [finding for _, finding in audit.findings], []
    for journal in (await ctx.db.scalars(journals)).all():
        chain, found = join(journal.epoch, audit.runs.get((gate_id, journal.epoch), ()))
        findings += [*found, *measured(chain, journal.watermark, journal.highest)]
        proofs.append(_journal(chain, audit.erased_in[gate_id, journal.epoch], journal.watermark))
    findings.sort(key=lambda one: (one.epoch, one.seq))
    return Proof(
        gate_id=gate_id, site_id=gate.site_id, name=gate.name, journals=proofs, findings=findings[:MOST]
    )


@operation("access.prove_event", allow={"manager", "admin"}, reads=True)
async def prove_event(ctx: Context, *, access_id: int) -> EventProof:
    """Prove that one event of the access log came in its minute, with all that somebody needs to check it elsewhere.

    The recipe is in docs/evidence.md. A minute is signed some seconds after it is over.
    """
    await ctx.db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    event = await ctx.db.scalar(select(AccessLogRow).where(AccessLogRow.id == access_id))
    if event is None or not ctx.caller.holds("manager", site_id=event.site_id):
        raise NotFound(f"There is no event {access_id}")
    minute = event.received_at.replace(second=0, microsecond=0)
    here = (LogRootRow.site_id == event.site_id) & (LogRootRow.minute == minute)
    signed = (await ctx.db.execute(roots().where(here))).one_or_none()
    if signed is None:
        raise NotSealed("Ask again when the minute in which the event came is over")
    known = await ctx.db.get_one(AccessKeyRow, (event.gate_id, event.epoch, event.seq))
    received_us = (known.received_at - EPOCH) // US
    leaf = key_leaf(event.gate_id, event.epoch, event.seq, received_us, known.hash)
    leaves = (await minutes_of(ctx, minute, event.site_id))[event.site_id].ordered()
    way = merkle.path(leaves, leaves.index(leaf))
    return EventProof(
        access_id=event.id,
        gate_id=event.gate_id,
        epoch=event.epoch.hex(),
        seq=event.seq,
        received_us=received_us,
        canonical=event.canonical.hex(),
        previous_hash=event.previous_hash.hex(),
        hash=known.hash.hex(),
        index=way.index,
        path=[one.hex() for one in way.hashes],
        root=view(*signed),
    )


async def _dropped(ctx: Context, site_id: int) -> set[SiteDay]:
    """Return the days of a site whose events had their term."""
    days = select(OmissionRow.day).where(OmissionRow.site_id == site_id, OmissionRow.kind == "dropped")
    return {(site_id, day) for day in await ctx.db.scalars(days)}


def _line(row: Row[*tuple[Any, ...]]) -> Line:
    line: list[Any] = list(row)  # Any: the columns in the order of a line
    for place in MOMENTS:
        line[place] = None if line[place] is None else (line[place] - EPOCH) // US
    return Line._make(line)


def _journal(chain: Chain, erased: int, up_to: int) -> JournalProof:
    return JournalProof(
        epoch=chain.epoch.hex(),
        first=chain.first,
        last=chain.last,
        events=chain.events,
        erased=erased,
        unreadable=chain.counts.get("unreadable", 0),
        dropped=chain.counts.get("dropped", 0),
        up_to=up_to,
    )
