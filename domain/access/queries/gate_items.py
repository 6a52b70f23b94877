"""Gates as the dashboard shows them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, ColumnElement, case, cast, exists, func, select
from sqlalchemy.orm import aliased

from domain.access.queries.gate_health import GateHealth, gate_health
from domain.access.tables.orders import GateOrderRow
from domain.access.tables.place import DeviceRow, GateRow
from domain.access.tables.record import AccessKeyRow, GateEpochRow, QuarantineRow
from domain.kernel.context import Context
from domain.kernel.database import among
from domain.kernel.feeds import Item

QUARANTINED_AT_MOST = 1000
"""So many of a gate's unreadable messages are counted; more are no better news."""
LOOK_AHEAD = 20_000


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
    quarantined: int
    """How many of its messages could not be read, a thousand at most."""
    device_enabled: bool
    """False while its device is locked out."""
    health: GateHealth
    ordered: int
    """Revision of the newest order; 0 is none yet."""
    obeys: bool
    """Whether the gate has said that it is as ordered."""


class _Counts(msgspec.Struct, frozen=True, array_like=True):
    """What is counted beside a gate's own row."""

    reported: int
    there_above: int
    quarantined: int
    locked_out: bool


async def gate_items(
    ctx: Context, gate_ids: Sequence[int] | None = None, *, site_id: int | None = None
) -> Mapping[int, list[Item]]:
    """Return the items of these gates, or of a whole site, by site."""
    journal = (GateEpochRow.gate_id == GateRow.id) & (GateEpochRow.epoch == GateRow.epoch)
    ordered = GateOrderRow.gate_id == GateRow.id
    locked_out = exists().where(DeviceRow.gate_id == GateRow.id, ~DeviceRow.enabled)
    counts = (_reported(), _there_above(), _quarantined(), locked_out)
    chosen = select(GateRow, GateEpochRow, GateOrderRow, *counts).outerjoin(GateEpochRow, journal)
    chosen = chosen.outerjoin(GateOrderRow, ordered).where(~GateRow.desk)
    if gate_ids is not None:
        chosen = chosen.where(among(GateRow.id, gate_ids))
    if site_id is not None:
        chosen = chosen.where(GateRow.site_id == site_id)
    found: defaultdict[int, list[Item]] = defaultdict(list)
    for gate, epoch, order, *counted in await ctx.db.execute(chosen.order_by(GateRow.id)):
        found[gate.site_id].append(_item(gate, epoch, order, msgspec.convert(counted, _Counts)))
    return found


def _reported() -> ColumnElement[int]:
    """Over all lives of a gate, since a new journal counts from one again and a version must not fall."""
    lives = aliased(GateEpochRow)
    summed = select(cast(func.coalesce(func.sum(lives.highest), 0), BigInteger))
    return summed.where(lives.gate_id == GateRow.id).scalar_subquery()


def _there_above() -> ColumnElement[int]:
    """How many events are there above the first hole of the journal; looked for only where there is a hole."""
    above = select(AccessKeyRow.seq).where(
        AccessKeyRow.gate_id == GateEpochRow.gate_id,
        AccessKeyRow.epoch == GateEpochRow.epoch,
        AccessKeyRow.seq > GateEpochRow.watermark,
    )
    few = above.limit(LOOK_AHEAD).correlate(GateEpochRow).subquery()
    there = select(func.count()).select_from(few).scalar_subquery()
    return case((GateEpochRow.highest > GateEpochRow.watermark, there), else_=0)


def _quarantined() -> ColumnElement[int]:
    mine = select(QuarantineRow.id).where(QuarantineRow.gate_id == GateRow.id)
    few = mine.limit(QUARANTINED_AT_MOST).correlate(GateRow).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def _item(gate: GateRow, journal: GateEpochRow | None, order: GateOrderRow | None, counts: _Counts) -> Item:
    acknowledged = journal.watermark if journal else 0
    known = max(journal.highest, 0) if journal else 0
    # both move: the gate with what it says of itself, its journals with what it reports
    return Item(
        key=f"gate:{gate.id}",
        version=gate.version + counts.reported,
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
            missing=known - acknowledged - counts.there_above,
            quarantined=counts.quarantined,
            device_enabled=not counts.locked_out,
            health=gate_health(gate),
            ordered=order.revision if order else 0,
            obeys=order is None or order.confirmed_at is not None,
        ),
    )
