"""What gates say of themselves: births, deaths, heartbeats, and the silence that nobody announced.

A birth carries a session number, and a death names the session that died: one of an older session is ignored, so
that a late will does not mark a gate offline that has come back.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import GateObeyed, GateOffline, GateOnline
from domain.access.feeds import gates as gates_feed
from domain.access.queries import gate_items
from domain.access.tables.list_reports import ListReportRow
from domain.access.tables.orders import GateOrderRow
from domain.access.tables.place import GateRow
from domain.kernel.context import Context
from domain.kernel.feeds import View
from domain.kernel.operations import operation
from domain.sites.operations import all_sites

SILENCE = timedelta(seconds=35)
"""Three heartbeats of ten seconds and a little: a gate not heard of for longer is in an unknown state."""


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


@operation("access.report_birth", allow={"service"}, replays=False)
async def report_birth(
    ctx: Context, *, gate_id: int, epoch: bytes, session: int, firmware: str = ""
) -> Literal["taken", "unknown"]:
    """A gate's link came up."""
    row = await _gate(ctx, gate_id)
    if row is None:
        return "unknown"
    was = row.link
    row.link, row.epoch, row.birth, row.firmware = "online", epoch, session, firmware
    row.last_seen_at = ctx.now
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
        row.link = "offline"
        ctx.emit(GateOffline(gate_id=gate_id, site_id=row.site_id), of=row)
    return "taken"


@operation("access.report_pulses", allow={"service"}, replays=False)
async def report_pulses(ctx: Context, *, pulses: list[Pulse]) -> None:
    """Heartbeats of many gates at once; shown live, not kept as facts."""
    latest = {pulse.gate_id: pulse for pulse in pulses}
    rows = await _gates(ctx, sorted(latest))
    for row in rows:
        pulse = latest[row.id]
        row.last_seen_at, row.last_seq, row.queue_depth = ctx.now, pulse.last_seq, pulse.queue_depth
        if pulse.clock_offset_ms is not None:
            row.clock_offset_ms = pulse.clock_offset_ms
        if row.link == "unknown" and pulse.session >= row.birth:
            row.link = "online"
            ctx.emit(GateOnline(gate_id=row.id, site_id=row.site_id), of=row)
        else:
            row.version += 1
    await _note_lists(ctx, _new_lists(rows, latest))
    await _confirm(ctx, rows, latest)
    await _show(ctx, rows)


@operation("access.notice_silence", allow={"service"}, replays=False)
async def notice_silence(ctx: Context) -> int:
    """Mark gates unknown that should be online and have not been heard of; return how many."""
    silent = select(GateRow).where(GateRow.link == "online", GateRow.last_seen_at < ctx.now - SILENCE)
    locked = silent.order_by(GateRow.id).with_for_update(key_share=True, skip_locked=True)
    rows = (await ctx.db.scalars(locked)).all()
    for row in rows:
        row.link = "unknown"
        ctx.emit(GateOffline(gate_id=row.id, site_id=row.site_id), of=row)
    return len(rows)


@operation("access.pulse", allow={"service"}, replays=False)
async def pulse(ctx: Context, *, broker_connected: bool, lag_ms: int, recorded: int) -> None:
    """Say on every site's pulse channel that events are flowing; when this stops, screens say they are stale."""
    for site_id in await all_sites(ctx):
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


async def _gate(ctx: Context, gate_id: int) -> GateRow | None:
    return next(iter(await _gates(ctx, [gate_id])), None)


async def _gates(ctx: Context, ids: Sequence[int]) -> Sequence[GateRow]:
    chosen = select(GateRow).where(GateRow.id.in_(ids), ~GateRow.desk).order_by(GateRow.id)
    return (await ctx.db.scalars(chosen.with_for_update(key_share=True))).all()


async def _show(ctx: Context, rows: Sequence[GateRow]) -> None:
    await ctx.db.flush()
    for channel, items in (await gate_items(ctx, [row.id for row in rows])).items():
        ctx.signal(gates_feed.channel(site_id=channel), View(items))
