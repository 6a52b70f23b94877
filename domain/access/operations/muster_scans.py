"""What gates see during a muster: whoever shows a pass outside or where people gather is safe.

Events are looked through every second while a muster is under way, some of them again and again: an event that was
looked at changes nothing the second time, and one whose transaction committed late is not missed. So recording, which
has no time to lose, knows nothing of musters.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from domain.access.operations.musters import mark_at_gate
from domain.access.rules.muster import is_safe, place_after
from domain.access.rules.passage import moment
from domain.access.tables.musters import MusterRow
from domain.access.tables.place import GateRow
from domain.access.tables.record import AccessLogRow
from domain.access.tables.rights import GrantRow
from domain.kernel.context import Context
from domain.kernel.operations import operation

AGAIN = timedelta(seconds=30)
"""Longer than any transaction that records may take."""
KINDS = ("decision", "passage")
AT_ONCE = 1_000


@operation("access.note_scans", allow={"service"}, replays=False)
async def note_scans(ctx: Context) -> int:
    """Mark those safe whom gates have seen outside or where people gather; return how many marks were set or lifted."""
    under_way = select(MusterRow).where(MusterRow.ended_at.is_(None)).order_by(MusterRow.id)
    noted = 0
    for muster in (await ctx.db.scalars(under_way.with_for_update(key_share=True))).all():
        if muster.ended_at is not None:
            continue
        noted += await _look(ctx, muster)
    return noted


async def _look(ctx: Context, muster: MusterRow) -> int:
    gates = {
        gate.id: gate
        for gate in await ctx.db.scalars(select(GateRow).where(GateRow.site_id == muster.site_id))
    }
    events = await _events(ctx, muster)
    since = [event for event in events if _happened(event) >= muster.begun_at]
    newest = {event.grant_id: event for event in sorted(since, key=lambda event: event.id)}
    noted = 0
    for event in newest.values():
        gate = gates[event.gate_id]
        if gate.desk:
            gate = gates[event.detail["gate"]]
        there = gate.from_zone_id, gate.to_zone_id
        left, entered = there if event.direction == "in" else there[::-1]
        safe = is_safe(place_after(event.kind, left, entered), muster.points)
        if safe or event.kind == "passage":
            noted += await mark_at_gate(ctx, muster, event, safe=safe)
    if len(events) < AT_ONCE:
        muster.looked_at = ctx.now
    elif events:
        muster.looked_at = events[-1].received_at + AGAIN
    return noted


def _happened(event: AccessLogRow) -> datetime:
    return moment(event.at, event.received_at, historical=event.historical, clock=event.clock)


async def _events(ctx: Context, muster: MusterRow) -> Sequence[AccessLogRow]:
    event = AccessLogRow
    since = max(muster.begun_at, muster.looked_at - AGAIN)
    chosen = (
        select(event)
        .join(GrantRow, (GrantRow.id == event.grant_id) & (GrantRow.site_id == event.site_id))
        .where(
            event.site_id == muster.site_id,
            event.received_at >= since,
            event.kind.in_(KINDS),
            event.direction.in_(("in", "out")),
        )
    )
    return (await ctx.db.scalars(chosen.order_by(event.received_at, event.id).limit(AT_ONCE))).all()
