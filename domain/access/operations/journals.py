"""Journals: per life of a gate, up to where nothing is missing."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from domain.access.rules.watermark import advance
from domain.access.tables.record import AccessKeyRow, GateEpochRow
from domain.kernel import queries
from domain.kernel.context import Context

Key = tuple[int, bytes, int]
Name = tuple[int, bytes]
LOOK_AHEAD = 20_000


class Journal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything up to ``up_to`` is committed; ``missing`` are the holes above."""

    gate_id: int
    epoch: bytes
    up_to: int
    missing: Sequence[tuple[int, int]]


async def advance_journals(ctx: Context, keys: Iterable[Key]) -> list[Journal]:
    """Note that these events are there, and return where their journals now stand."""
    by_journal: dict[Name, set[int]] = {}
    for gate_id, epoch, seq in keys:
        by_journal.setdefault((gate_id, epoch), set()).add(seq)
    if not by_journal:
        return []
    moved = await _note(ctx, by_journal)
    if born := {name: seqs for name, seqs in by_journal.items() if name not in moved}:
        await _begin(ctx, sorted(born))
        moved |= await _note(ctx, born)
    return [await _journal(ctx, name, *moved[name]) for name in sorted(moved)]


async def _note(ctx: Context, by_journal: Mapping[Name, set[int]]) -> dict[Name, tuple[int, int]]:
    runs = [(*name, min(seqs), max(seqs), len(seqs)) for name, seqs in sorted(by_journal.items())]
    given = {
        "gate_ids": [run[0] for run in runs],
        "epochs": [run[1] for run in runs],
        "firsts": [run[2] for run in runs],
        "lasts": [run[3] for run in runs],
        "dense": [last - first + 1 == count for _, _, first, last, count in runs],
    }
    rows = await ctx.rows(queries.load("domain.access", "advance_journals"), given)
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def _begin(ctx: Context, names: Sequence[Name]) -> None:
    rows = [{"gate_id": gate, "epoch": epoch, "first_seen_at": ctx.now} for gate, epoch in names]
    await ctx.db.execute(insert(GateEpochRow).on_conflict_do_nothing(), rows)


async def _journal(ctx: Context, name: Name, watermark: int, highest: int) -> Journal:
    """Return where a journal stands; where something is missing, after looking what is there above."""
    gate_id, epoch = name
    up_to, missing = watermark, list[tuple[int, int]]()
    if highest > watermark:
        up_to, missing = advance(watermark, await _stored_above(ctx, name, watermark))
    if up_to != watermark:
        mine = (GateEpochRow.gate_id == gate_id) & (GateEpochRow.epoch == epoch)
        await ctx.db.execute(update(GateEpochRow).where(mine).values(watermark=up_to))
    return Journal(gate_id=gate_id, epoch=epoch, up_to=up_to, missing=missing[:100])


async def _stored_above(ctx: Context, name: Name, watermark: int) -> Sequence[int]:
    mine = (AccessKeyRow.gate_id == name[0]) & (AccessKeyRow.epoch == name[1])
    above = select(AccessKeyRow.seq).where(mine, AccessKeyRow.seq > watermark)
    return (await ctx.db.scalars(above.order_by(AccessKeyRow.seq).limit(LOOK_AHEAD))).all()
