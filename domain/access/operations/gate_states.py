"""What gates say of themselves: births, deaths, heartbeats, and the silence that nobody announced.

A birth carries a session number, and a death names the session that died: one of an older session is ignored, so
that a late will does not mark a gate offline that has come back.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

import msgspec
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import GateObeyed, GateOffline, GateOnline
from domain.access.feeds import gates as gates_feed
from domain.access.operations.alarms import UNDER_WAY
from domain.access.operations.conditions import Condition, Detail, mine_to_watch, settle
from domain.access.queries import gate_items
from domain.access.rules.health import battery_low, clock_off
from domain.access.tables.alarms import AlarmRow
from domain.access.tables.list_reports import ListReportRow
from domain.access.tables.orders import GateOrderRow
from domain.access.tables.place import DeviceRow, GateRow
from domain.kernel.context import Context
from domain.kernel.feeds import View
from domain.kernel.operations import operation
from domain.sites.operations import sites_of_shard

SILENCE = timedelta(seconds=35)
"""Three heartbeats of ten seconds and a little: a gate not heard of for longer is in an unknown state."""
LOST_AFTER = timedelta(seconds=60)
"""A gate without a link for longer is more than a moment's trouble."""


class Pulse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One heartbeat."""

    gate_id: int
    session: int
    last_seq: int
    queue_depth: int
    clock_offset_ms: int | None = None
    reported_mode: str | None = None
    reported_revision: int = 0
    list_revision: int = 0
    uptime_s: int | None = None
    rssi: int | None = None
    temperature: float | None = None
    battery: int | None = None
    power: str | None = None


class Born(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a gate says of itself when its link comes up."""

    firmware: str = ""
    hardware: str = ""
    capabilities: Sequence[str] = ()
    directions: Sequence[str] = ()
    time_zone: str = ""
    journal_low: int = 0
    journal_high: int = 0
    list_revision: int = 0
    config_revision: int = 0


@operation("access.report_birth", allow={"service"}, replays=False)
async def report_birth(
    ctx: Context, *, gate_id: int, epoch: bytes, session: int, born: Born | None = None
) -> Literal["taken", "unknown"]:
    """A gate's link came up."""
    row = await _gate(ctx, gate_id)
    if row is None:
        return "unknown"
    was = row.link
    _link(ctx, row, "online")
    row.epoch, row.birth, row.last_seen_at = epoch, session, ctx.now
    told = born or Born()
    await _note_lists(ctx, {gate_id: told.list_revision} if told.list_revision != row.list_revision else {})
    for name in Born.__struct_fields__:
        value = getattr(told, name)
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    if was != "online":
        ctx.emit(GateOnline(gate_id=gate_id, site_id=row.site_id), of=row)
    return "taken"


@operation("access.report_death", allow={"service"}, replays=False)
async def report_death(
    ctx: Context, *, gate_id: int, epoch: bytes, session: int
) -> Literal["taken", "stale", "unknown"]:
    """A gate's link went down; a death of an older session than the last birth changes nothing."""
    row = await _gate(ctx, gate_id)
    if row is None:
        return "unknown"
    if row.epoch == epoch and session < row.birth:
        return "stale"
    if row.link != "offline":
        _link(ctx, row, "offline")
        ctx.emit(GateOffline(gate_id=gate_id, site_id=row.site_id), of=row)
    return "taken"


@operation("access.report_pulses", allow={"service"}, replays=False)
async def report_pulses(ctx: Context, *, pulses: list[Pulse]) -> None:
    """Heartbeats of many gates at once; shown live, not kept as facts."""
    latest = {pulse.gate_id: pulse for pulse in pulses}
    rows = await _gates(ctx, sorted(latest))
    for row in rows:
        pulse = latest[row.id]
        _take(ctx, row, pulse)
        if row.link == "unknown" and pulse.session >= row.birth:
            _link(ctx, row, "online")
            ctx.emit(GateOnline(gate_id=row.id, site_id=row.site_id), of=row)
        else:
            row.version += 1
    await _note_lists(ctx, _new_lists(rows, latest))
    await _confirm(ctx, rows, latest)
    await settle(ctx, _conditions(rows, latest))
    await _show(ctx, rows)


@operation("access.notice_silence", allow={"service"}, replays=False)
async def notice_silence(ctx: Context) -> int:
    """Mark gates unknown that should be online and have not been heard of; return how many."""
    silent = select(GateRow).where(GateRow.link == "online", GateRow.last_seen_at < ctx.now - SILENCE)
    locked = silent.order_by(GateRow.id).with_for_update(key_share=True, skip_locked=True)
    rows = (await ctx.db.scalars(locked)).all()
    for row in rows:
        _link(ctx, row, "unknown")
        ctx.emit(GateOffline(gate_id=row.id, site_id=row.site_id), of=row)
    return len(rows)


@operation("access.watch_links", allow={"service"}, replays=False)
async def watch_links(ctx: Context) -> None:
    """Raise an alarm about each gate that has had no link for a minute, and clear it when the gate is back."""
    if not await mine_to_watch(ctx, "links"):
        return
    locked_out = exists().where(DeviceRow.gate_id == GateRow.id, ~DeviceRow.enabled)
    open_ones = select(AlarmRow.gate_id).where(AlarmRow.kind == "gate_lost", AlarmRow.state.in_(UNDER_WAY))
    away = (GateRow.link != "online") | GateRow.id.in_(open_ones)
    chosen = select(GateRow, locked_out).where(~GateRow.desk, GateRow.epoch.is_not(None), away)
    found: dict[Condition, Detail | None] = {}
    for row, disabled in await ctx.db.execute(chosen):
        condition: Condition = (row.site_id, row.id, "gate_lost")
        since = row.link_since or row.last_seen_at or ctx.now
        if row.link == "online" or disabled:
            found[condition] = None
        elif since <= ctx.now - LOST_AFTER:
            found[condition] = {"link": row.link, "since": since.isoformat()}
    await settle(ctx, found)


@operation("access.pulse", allow={"service"}, replays=False)
async def pulse(ctx: Context, *, broker_connected: bool, lag_ms: int, recorded: int, shard: int = 0) -> None:
    """Say on the pulse channels of a shard's sites that events are flowing; when this stops, screens say so."""
    for site_id in await sites_of_shard(ctx, shard):
        told = {
            "at": ctx.now,
            "brokerConnected": broker_connected,
            "lagMs": lag_ms,
            "recorded": recorded,
        }
        ctx.signal(f"pulse:{site_id}", told)


async def _confirm(ctx: Context, rows: Sequence[GateRow], latest: Mapping[int, Pulse]) -> None:
    """Note what gates say of their orders; the first time that one says the newest, it has obeyed."""
    saying = [row.id for row in rows if latest[row.id].reported_mode is not None]
    if not saying:
        return
    orders = await ctx.db.scalars(select(GateOrderRow).where(GateOrderRow.gate_id.in_(saying)))
    known = {order.gate_id: order for order in orders}
    for row in rows:
        order, pulse = known.get(row.id), latest[row.id]
        if order is None:
            continue
        order.reported_mode, order.reported_revision = pulse.reported_mode, pulse.reported_revision
        obeys = (pulse.reported_mode, pulse.reported_revision) == (order.mode, order.revision)
        if obeys and order.confirmed_at is None:
            order.confirmed_at = ctx.now
            told = GateObeyed(gate_id=row.id, site_id=row.site_id, mode=order.mode, revision=order.revision)
            ctx.emit(told, of=row)


def _take(ctx: Context, row: GateRow, pulse: Pulse) -> None:
    row.last_seen_at, row.last_seq, row.queue_depth = ctx.now, pulse.last_seq, pulse.queue_depth
    row.uptime_s, row.rssi, row.temperature = pulse.uptime_s, pulse.rssi, pulse.temperature
    row.battery, row.power = pulse.battery, pulse.power
    if pulse.clock_offset_ms is not None:
        row.clock_offset_ms = pulse.clock_offset_ms


def _link(ctx: Context, row: GateRow, link: str) -> None:
    if row.link != link:
        row.link, row.link_since = link, ctx.now


def _new_lists(rows: Sequence[GateRow], latest: Mapping[int, Pulse]) -> dict[int, int]:
    """Return the revisions that gates say for the first time, after noting them on the gates."""
    told: dict[int, int] = {}
    for row in rows:
        revision = latest[row.id].list_revision
        if revision and revision != row.list_revision:
            row.list_revision = told[row.id] = revision
    return told


async def _note_lists(ctx: Context, told: Mapping[int, int]) -> None:
    rows = [
        {"gate_id": gate_id, "revision": revision, "reported_at": ctx.now}
        for gate_id, revision in told.items()
        if revision
    ]
    if rows:
        await ctx.db.execute(insert(ListReportRow).on_conflict_do_nothing(), rows)


def _conditions(rows: Sequence[GateRow], latest: Mapping[int, Pulse]) -> dict[Condition, Detail | None]:
    """Return what heartbeats say for sure; what is in between, or not said, leaves an alarm as it is."""
    found: dict[Condition, Detail | None] = {}
    for row in rows:
        pulse = latest[row.id]
        off, low = clock_off(pulse.clock_offset_ms), battery_low(pulse.battery)
        if off is not None:
            found[row.site_id, row.id, "clock"] = {"offsetMs": pulse.clock_offset_ms} if off else None
        if low is not None:
            found[row.site_id, row.id, "battery"] = {"percent": pulse.battery} if low else None
        if pulse.power is not None:
            found[row.site_id, row.id, "psu"] = {"power": "battery"} if pulse.power == "battery" else None
    return found


async def _gate(ctx: Context, gate_id: int) -> GateRow | None:
    return next(iter(await _gates(ctx, [gate_id])), None)


async def _gates(ctx: Context, ids: Sequence[int]) -> Sequence[GateRow]:
    chosen = select(GateRow).where(GateRow.id.in_(ids), ~GateRow.desk).order_by(GateRow.id)
    return (await ctx.db.scalars(chosen.with_for_update(key_share=True))).all()


async def _show(ctx: Context, rows: Sequence[GateRow]) -> None:
    await ctx.db.flush()
    for channel, items in (await gate_items(ctx, [row.id for row in rows])).items():
        ctx.signal(gates_feed.channel(site_id=channel), View(items))
