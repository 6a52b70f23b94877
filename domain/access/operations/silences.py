"""Silences: gates that are online and well by their own word, and yet nothing comes of them, or nothing but denials."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec
from sqlalchemy import delete, select

from domain.access.operations.conditions import Condition, Detail, mine_to_watch, settle
from domain.access.queries.traffic import BEFORE, NOTHING, WINDOW, Lately, traffic_of
from domain.access.rules.silence import Answers, denying, silent
from domain.access.tables.orders import GateOrderRow
from domain.access.tables.place import GateRow
from domain.access.tables.traffic import TrafficRow
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.sites.operations import time_zone_of

SETTLED_AFTER = WINDOW + BEFORE + timedelta(minutes=1)
"""A gate is compared once it has been online, and under the same order, for all the minutes that are looked at."""
KEPT = {1: timedelta(hours=1), 15: timedelta(weeks=5)}


class Lane(msgspec.Struct, frozen=True):
    """A gate that can be compared: online for a while, in service, and ordered nothing that keeps people away."""

    gate_id: int
    site_id: int
    group: tuple[str, int | None]
    """What it leads into, or out of where that is the street: gates of one group are peers."""


@operation("access.watch_traffic", allow={"service"}, replays=False)
async def watch_traffic(ctx: Context) -> None:
    """Raise an alarm about each gate that has fallen silent or denies far more than its peers; clear what is over."""
    if not await mine_to_watch(ctx, "traffic"):
        return
    by_site: defaultdict[int, list[Lane]] = defaultdict(list)
    for lane in await _lanes(ctx):
        by_site[lane.site_id].append(lane)
    for site_id, lanes in sorted(by_site.items()):
        gate_ids = [lane.gate_id for lane in lanes]
        lately = await traffic_of(ctx, gate_ids, await time_zone_of(ctx, site_id))
        await settle(ctx, _conditions(lanes, lately))
    await _sweep(ctx)


async def _lanes(ctx: Context) -> list[Lane]:
    chosen = select(GateRow, GateOrderRow.ordered_at)
    chosen = chosen.outerjoin(GateOrderRow, GateOrderRow.gate_id == GateRow.id)
    working = chosen.where(~GateRow.desk, GateRow.enabled, GateRow.link == "online")
    open_ones = working.where(GateRow.mode.in_(("normal", "free"))).order_by(GateRow.id)
    return [
        Lane(gate.id, gate.site_id, _group(gate))
        for gate, ordered_at in await ctx.db.execute(open_ones)
        if _settled(ctx.now, gate.link_since, ordered_at)
    ]


def _group(gate: GateRow) -> tuple[str, int | None]:
    return ("into", gate.to_zone_id) if gate.to_zone_id is not None else ("out of", gate.from_zone_id)


def _settled(now: datetime, link_since: datetime | None, ordered_at: datetime | None) -> bool:
    return link_since is not None and max(link_since, ordered_at or link_since) <= now - SETTLED_AFTER


def _conditions(lanes: Sequence[Lane], lately: Mapping[int, Lately]) -> dict[Condition, Detail | None]:
    found: dict[Condition, Detail | None] = {}
    for lane in lanes:
        own = lately.get(lane.gate_id, NOTHING)
        peers = [
            lately.get(other.gate_id, NOTHING)
            for other in lanes
            if other.group == lane.group and other.gate_id != lane.gate_id
        ]
        quiet = silent(own.flow, [peer.flow for peer in peers])
        if quiet is not None:
            found[lane.site_id, lane.gate_id, "silent"] = _flows(own) if quiet else None
        theirs = _together(peer.answers for peer in peers)
        strict = denying(own.answers, theirs)
        if strict is not None:
            told = {"denied": own.answers.denied, "decided": own.answers.decided}
            found[lane.site_id, lane.gate_id, "denying"] = told if strict else None
    return found


def _flows(own: Lately) -> Detail:
    return {
        "recent": round(own.flow.recent),
        "before": round(own.flow.before),
        "usual": round(own.flow.usual),
    }


def _together(answers: Iterable[Answers]) -> Answers:
    every = list(answers)
    return Answers(sum(map(attrgetter("admitted"), every)), sum(map(attrgetter("denied"), every)))


async def _sweep(ctx: Context) -> None:
    for minutes, kept in KEPT.items():
        old = (TrafficRow.minutes == minutes) & (TrafficRow.began_at < ctx.now - kept)
        await ctx.db.execute(delete(TrafficRow).where(old))
