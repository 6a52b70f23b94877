"""Journals: per life of a gate, up to where nothing is missing."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.access.rules.watermark import advance
from domain.access.tables.record import AccessKeyRow, GateEpochRow
from domain.kernel.context import Context

Key = tuple[int, bytes, int]
LOOK_AHEAD = 20_000


class Journal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything up to ``up_to`` is committed; ``missing`` are the holes above."""

    gate_id: int
    epoch: bytes
    up_to: int
    missing: Sequence[tuple[int, int]]


async def advance_journals(ctx: Context, keys: Sequence[Key]) -> list[Journal]:
    """Note that these events are there, and return where their journals now stand."""
    by_journal: dict[tuple[int, bytes], list[int]] = {}
    for gate_id, epoch, seq in keys:
        by_journal.setdefault((gate_id, epoch), []).append(seq)
    return [
        await _advance(ctx, gate_id, epoch, seqs) for (gate_id, epoch), seqs in sorted(by_journal.items())
    ]


async def _advance(ctx: Context, gate_id: int, epoch: bytes, seqs: Sequence[int]) -> Journal:
    born = insert(GateEpochRow).values(gate_id=gate_id, epoch=epoch, first_seen_at=ctx.now)
    await ctx.db.execute(born.on_conflict_do_nothing())
    row = await ctx.db.get_one(
        GateEpochRow, (gate_id, epoch), with_for_update={"key_share": True}, populate_existing=True
    )
    up_to, missing = advance(row.watermark, seqs)
    if missing or row.highest > up_to:
        up_to, missing = advance(row.watermark, [*seqs, *await _stored_above(ctx, row)])
    row.watermark = up_to
    row.highest = max(row.highest, *seqs)
    return Journal(gate_id=gate_id, epoch=epoch, up_to=up_to, missing=missing[:100])


async def _stored_above(ctx: Context, row: GateEpochRow) -> Sequence[int]:
    mine = (AccessKeyRow.gate_id == row.gate_id) & (AccessKeyRow.epoch == row.epoch)
    above = select(AccessKeyRow.seq).where(mine, AccessKeyRow.seq > row.watermark)
    return (await ctx.db.scalars(above.order_by(AccessKeyRow.seq).limit(LOOK_AHEAD))).all()
