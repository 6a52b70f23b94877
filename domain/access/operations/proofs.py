"""Proofs: that the log of a gate is what the gate wrote, found by going through all of it."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from sqlalchemy import RowMapping, select

from domain.access.rules.proof import Chain, Finding, Line
from domain.access.tables.place import GateRow
from domain.access.tables.record import GateEpochRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation

AT_ONCE = 2_000
MOST = 100
"""Findings that are told one by one; where there are more, the first say enough."""
COLUMNS = ("kind", "reason", "direction", "decision", "admit", "rid", "source", "clock", "at", "detail")


class JournalProof(msgspec.Struct, frozen=True, rename="camel"):
    """One life of a gate's journal: what stands in the log of it, and up to where nothing is missing."""

    epoch: str
    first: int
    last: int
    events: int
    erased: int
    unreadable: int
    up_to: int


class Proof(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found in the log of a gate; without findings it is what the gate wrote."""

    gate_id: int
    site_id: int
    name: str
    journals: Sequence[JournalProof]
    findings: Sequence[Finding]


@operation("access.verify_gate", allow={"manager", "admin", "service"}, reads=True)
async def verify_gate(ctx: Context, *, gate_id: int) -> Proof:
    """Go through the whole log of a gate, and find every edit, deletion and reorder."""
    # One moment for all questions, and a cursor that outlives the first of them.
    await ctx.db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    gate = await ctx.db.get(GateRow, gate_id)
    if gate is None or not _may(ctx, gate.site_id):
        raise NotFound(f"There is no gate {gate_id}")
    chains, findings = await _go_through(ctx, gate_id)
    unreadable, lost = Counter[bytes](), Counter[bytes]()
    apart = queries.load("domain.access", "events_without_rows")
    for epoch, seq, in_quarantine in await ctx.db.execute(apart, {"gate_id": gate_id}):
        (unreadable if in_quarantine else lost)[epoch] += 1
        if not in_quarantine:
            findings.append(Finding(epoch.hex(), seq, "came and is in the log no more"))
    journals = select(GateEpochRow).where(GateEpochRow.gate_id == gate_id).order_by(GateEpochRow.epoch)
    proofs = []
    for journal in (await ctx.db.scalars(journals)).all():
        chain = chains.get(journal.epoch, Chain(journal.epoch))
        proofs.append(_journal(chain, unreadable[journal.epoch], journal.watermark))
        findings += _uncounted(chain, unreadable[journal.epoch] + lost[journal.epoch], journal)
    findings.sort(key=lambda one: (one.epoch, one.seq))
    return Proof(
        gate_id=gate_id, site_id=gate.site_id, name=gate.name, journals=proofs, findings=findings[:MOST]
    )


@operation("access.list_logs", allow={"service"}, reads=True)
async def list_logs(ctx: Context) -> list[int]:
    """List every gate that has a log, desks too."""
    return list(await ctx.db.scalars(select(GateRow.id).order_by(GateRow.id)))


async def _go_through(ctx: Context, gate_id: int) -> tuple[dict[bytes, Chain], list[Finding]]:
    chains: dict[bytes, Chain] = {}
    findings: list[Finding] = []
    statement = queries.load("domain.access", "log_of_gate")
    lines = await ctx.db.stream(statement, {"gate_id": gate_id}, execution_options={"yield_per": AT_ONCE})
    async for row in lines.mappings():
        line = _line(row)
        chain = chains.setdefault(line.epoch, Chain(line.epoch))
        findings += chain.take(line)
    return chains, findings


def _uncounted(chain: Chain, apart: int, journal: GateEpochRow) -> list[Finding]:
    """Where a row and its key were both taken away, only the watermark still knows of the event."""
    known = chain.events + apart
    if journal.watermark <= known:
        return []
    lost = journal.watermark - known
    return [
        Finding(chain.epoch.hex(), journal.watermark, f"{lost} events up to this one are in the log no more")
    ]


def _line(row: RowMapping) -> Line:
    return Line(
        epoch=row["epoch"],
        seq=row["seq"],
        canonical=row["canonical"],
        previous_hash=row["previous_hash"],
        hash=row["hash"],
        known_hash=row["known_hash"],
        columns={name: row[name] for name in COLUMNS},
        salt=row["salt"],
        grant_id=row["grant_id"],
    )


def _journal(chain: Chain, unreadable: int, up_to: int) -> JournalProof:
    return JournalProof(
        chain.epoch.hex(), chain.first, chain.last, chain.events, chain.erased, unreadable, up_to
    )


def _may(ctx: Context, site_id: int) -> bool:
    return "service" in ctx.caller.roles or ctx.caller.holds("manager", site_id=site_id)
