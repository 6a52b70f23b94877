"""Journals as people see them: what each life of a gate has said, what is missing of it, and when that is an alarm.

1. A hole is asked for by whoever takes reports in. One that was asked for and is still there after a minute is an
   alarm of the gate; it is cleared when nothing that was raised is missing any more.
2. A hole is raised once: an alarm that somebody closed, since the events are gone for good, does not come again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import func, select, tuple_, update

from domain.access.operations.alarms import clear_alarm, raise_alarm
from domain.access.operations.conditions import mine_to_watch
from domain.access.tables.place import GateRow
from domain.access.tables.record import GateEpochRow, QuarantineRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation

FILLED_WITHIN = timedelta(seconds=60)
LIVES_SHOWN = 100
KIND: Final = "gap"


class Life(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One life of a gate's journal: everything up to ``watermark`` is there; ``gaps`` are the first hundred holes."""

    epoch: str
    current: bool
    first_seen_at: datetime
    watermark: int
    highest: int
    missing: int
    gaps: Sequence[tuple[int, int]]
    asked_at: datetime | None


class JournalsView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a gate has reported in all its lives, the newest first, and how many messages could not be read."""

    gate_id: int
    missing: int
    quarantined: int
    lives: Sequence[Life]


@operation("access.list_journals", allow={"guard", "manager", "admin"}, reads=True)
async def list_journals(ctx: Context, *, gate_id: int) -> JournalsView:
    """Tell for each life of a gate's journal up to where nothing is missing, and what is missing above."""
    gate = await ctx.db.get(GateRow, gate_id)
    if gate is None or not ctx.caller.holds("guard", "manager", site_id=gate.site_id):
        raise NotFound(f"There is no gate {gate_id}")
    chosen = select(GateEpochRow).where(GateEpochRow.gate_id == gate_id)
    newest = chosen.order_by(GateEpochRow.first_seen_at.desc(), GateEpochRow.epoch).limit(LIVES_SHOWN)
    rows = await ctx.db.scalars(newest)
    holes = await ctx.db.execute(queries.load("domain.access", "find_gaps"), {"gate_id": gate_id})
    found = {hole.epoch: (int(hole.missing), zip(hole.firsts, hole.lasts, strict=True)) for hole in holes}
    lives = [_life(row, gate, *found.get(row.epoch, (0, ()))) for row in rows]
    quarantined = select(func.count()).select_from(QuarantineRow).where(QuarantineRow.gate_id == gate_id)
    return JournalsView(
        gate_id=gate_id,
        missing=sum(missing for missing, _ in found.values()),
        quarantined=await ctx.db.scalar(quarantined) or 0,
        lives=lives,
    )


@operation("access.note_asked", allow={"service"}, replays=False)
async def note_asked(ctx: Context, *, journals: list[tuple[int, bytes]]) -> None:
    """Note that gates were asked for what is missing in these journals; the first time counts."""
    those = tuple_(GateEpochRow.gate_id, GateEpochRow.epoch).in_(journals)
    holes = (GateEpochRow.highest > GateEpochRow.watermark) & GateEpochRow.asked_at.is_(None)
    await ctx.db.execute(update(GateEpochRow).where(those, holes).values(asked_at=ctx.now))


@operation("access.watch_gaps", allow={"service"}, replays=False)
async def watch_gaps(ctx: Context) -> None:
    """Raise an alarm about events that were asked for a minute ago and did not come, and clear it when they have."""
    if not await mine_to_watch(ctx, "gaps"):
        return
    chosen = select(GateEpochRow, GateRow.site_id).join(GateRow, GateRow.id == GateEpochRow.gate_id)
    asked = chosen.where(GateEpochRow.asked_at.is_not(None))
    ordered = asked.order_by(GateEpochRow.gate_id, GateEpochRow.epoch)
    locked = ordered.with_for_update(of=GateEpochRow, key_share=True)
    filled, missed = set[tuple[int, int]](), set[tuple[int, int]]()
    for row, site_id in (await ctx.db.execute(locked)).all():
        gate = site_id, row.gate_id
        if row.watermark >= row.highest:
            filled |= {gate} if row.missed_at else set()
            row.asked_at = row.missed_at = None
        elif row.missed_at is not None:
            missed.add(gate)
        elif row.asked_at is not None and row.asked_at <= ctx.now - FILLED_WITHIN:
            row.missed_at = ctx.now
            await raise_alarm(ctx, KIND, site_id=site_id, gate_id=row.gate_id, detail=_told(row))
            missed.add(gate)
    for site_id, gate_id in sorted(filled - missed):
        await clear_alarm(ctx, KIND, site_id=site_id, gate_id=gate_id)


def _life(row: GateEpochRow, gate: GateRow, missing: int, gaps: Iterable[tuple[int, int]]) -> Life:
    return Life(
        epoch=row.epoch.hex(),
        current=row.epoch == gate.epoch,
        first_seen_at=row.first_seen_at,
        watermark=row.watermark,
        highest=row.highest,
        missing=missing,
        gaps=list(gaps),
        asked_at=row.asked_at,
    )


def _told(row: GateEpochRow) -> dict[str, str | int]:
    return {"epoch": row.epoch.hex(), "watermark": row.watermark, "highest": row.highest}
