"""Gates as the dashboard shows them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from domain.access.tables.orders import GateOrderRow
from domain.access.tables.place import GateRow
from domain.access.tables.record import GateEpochRow
from domain.kernel.context import Context
from domain.kernel.feeds import Item


class GateItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One gate's state; ``missing`` is how many of its events we know of and do not have."""

    gate_id: int
    name: str
    from_zone_id: int | None
    to_zone_id: int | None
    link: str
    mode: str
    enabled: bool
    last_seen_at: datetime | None
    last_seq: int
    acknowledged_seq: int
    queue_depth: int
    clock_offset_ms: int
    firmware: str
    missing: int
    ordered: int
    """Revision of the newest order; 0 is none yet."""
    obeys: bool
    """Whether the gate has said that it is as ordered."""
    list_revision: int
    """The list of passes that the gate has, by its own word; it has heard of every change up to this revision."""


async def gate_items(
    ctx: Context, gate_ids: Sequence[int] | None = None, *, site_id: int | None = None
) -> Mapping[int, list[Item]]:
    """Return the items of these gates, or of a whole site, by site."""
    journal = (GateEpochRow.gate_id == GateRow.id) & (GateEpochRow.epoch == GateRow.epoch)
    lives = aliased(GateEpochRow)
    # over all lives of a gate, since a new journal counts from one again and a version must not fall
    reported = (
        select(func.coalesce(func.sum(lives.highest), 0)).where(lives.gate_id == GateRow.id).scalar_subquery()
    )
    ordered = GateOrderRow.gate_id == GateRow.id
    chosen = select(GateRow, GateEpochRow, GateOrderRow, reported).outerjoin(GateEpochRow, journal)
    chosen = chosen.outerjoin(GateOrderRow, ordered).where(~GateRow.desk)
    if gate_ids is not None:
        chosen = chosen.where(GateRow.id.in_(gate_ids))
    if site_id is not None:
        chosen = chosen.where(GateRow.site_id == site_id)
    found: defaultdict[int, list[Item]] = defaultdict(list)
    for gate, epoch, order, count in await ctx.db.execute(chosen.order_by(GateRow.id)):
        found[gate.site_id].append(_item(gate, epoch, order, int(count)))
    return found


def _item(gate: GateRow, journal: GateEpochRow | None, order: GateOrderRow | None, reported: int) -> Item:
    acknowledged = journal.watermark if journal else 0
    known = max(journal.highest, 0) if journal else 0
    # both move: the gate with what it says of itself, its journals with what it reports
    return Item(
        key=f"gate:{gate.id}",
        version=gate.version + reported,
        data=GateItem(
            gate_id=gate.id,
            name=gate.name,
            from_zone_id=gate.from_zone_id,
            to_zone_id=gate.to_zone_id,
            link=gate.link,
            mode=gate.mode,
            enabled=gate.enabled,
            last_seen_at=gate.last_seen_at,
            last_seq=max(gate.last_seq, known),
            acknowledged_seq=acknowledged,
            queue_depth=gate.queue_depth,
            clock_offset_ms=gate.clock_offset_ms,
            firmware=gate.firmware,
            missing=known - acknowledged,
            ordered=order.revision if order else 0,
            obeys=order is None or order.confirmed_at is not None,
            list_revision=gate.list_revision,
        ),
    )
