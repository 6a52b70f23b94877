"""The watch-list: whom a site keeps out, and of whom it wants to hear when they come."""

from collections import Counter
from typing import Annotated

import msgspec
from sqlalchemy import select

from domain.access.events import WatchListChanged
from domain.access.operations.lists import list_passes, site_list
from domain.access.queries.watching import holders_of, watch_entries
from domain.access.rules.credentials import normalised
from domain.access.rules.watch_list import Action, Watched, folded, found
from domain.access.tables.credentials import WatchRow
from domain.access.tables.lists import ListEntryRow
from domain.access.tables.rights import GrantRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Value = Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
JUDGED_AT_ONCE = 2_000
"""Passes; a site may have a hundred thousand, and a statement takes 32,767 values."""


class WatchView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the list. ``passes`` tells whoever wrote it how many running passes of the site it concerns."""

    watch_id: int
    site_id: int
    kind: str
    value: str
    action: str
    reason: str
    passes: int | None = None


@operation("access.watch", allow={"guard", "manager", "admin"})
async def watch(
    ctx: Context, *, site_id: int, kind: Watched, value: Value, action: Action, reason: Why
) -> WatchView:
    """Put somebody on the watch-list by name, e-mail, number plate or user id: refuse them, or let in and alert.

    It holds at once for passes that exist and for those made later, at gates without a link as soon as they hear of it.
    """
    ctx.require("guard", "manager", site_id=site_id)
    await site_list(ctx, site_id, lock=True)
    row = WatchRow(
        site_id=site_id,
        kind=kind,
        value=_comparable(kind, value),
        action=action,
        reason=reason,
        created_by=ctx.caller.user_id,
        created_at=ctx.now,
    )
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(WatchListChanged(watch_id=row.id, site_id=site_id, on=True), of=row)
    return _view(row, (await _judge_again(ctx, site_id))[row.id])


@operation("access.unwatch", allow={"guard", "manager", "admin"})
async def unwatch(ctx: Context, *, watch_id: int) -> None:
    """Take somebody off the watch-list."""
    row = await ctx.db.get(WatchRow, watch_id)
    if row is None or not ctx.caller.holds("guard", "manager", site_id=row.site_id):
        raise NotFound(f"There is no entry {watch_id} on a watch-list")
    await site_list(ctx, row.site_id, lock=True)
    if await ctx.db.get(WatchRow, watch_id, populate_existing=True) is None:
        raise NotFound(f"There is no entry {watch_id} on a watch-list")
    ctx.emit(WatchListChanged(watch_id=row.id, site_id=row.site_id, on=False), of=row)
    await ctx.db.delete(row)
    await ctx.db.flush()
    await _judge_again(ctx, row.site_id)


@operation("access.list_watch_list", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_watch_list(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[WatchView]:
    """List whom a site watches, the newest first, to its staff."""
    ctx.require(*STAFF, site_id=site_id)
    chosen = select(WatchRow).where(WatchRow.site_id == site_id)
    rows = await ctx.db.scalars(turn(chosen, WatchRow.id, limit=limit, cursor=cursor, newest_first=True))
    return page([_view(row) for row in rows], limit, lambda one: one.watch_id)


async def _judge_again(ctx: Context, site_id: int) -> Counter[int]:
    """Bring the passes of a site, whose list the caller has locked, to its watch-list; count the hits of entries."""
    entries, hits = await watch_entries(ctx, site_id), Counter[int]()
    chosen = select(GrantRow, ListEntryRow.watch).outerjoin(
        ListEntryRow, ListEntryRow.grant_id == GrantRow.id
    )
    running = chosen.where(GrantRow.site_id == site_id, GrantRow.valid_until > ctx.now)
    last: int | None = 0
    while last is not None:
        some = running.where(GrantRow.id > last).order_by(GrantRow.id).limit(JUDGED_AT_ONCE)
        rows = (await ctx.db.execute(some)).all()
        holders = await holders_of(ctx, [grant for grant, _ in rows])
        found_ = {grant.id: found(entries, holders[grant.id]) for grant, _ in rows}
        hits.update(hit.id for hit in found_.values() if hit is not None)
        said = {grant_id: hit.action if hit else None for grant_id, hit in found_.items()}
        await list_passes(ctx, [grant for grant, watch_ in rows if watch_ != said[grant.id]])
        last = rows[-1][0].id if len(rows) == JUDGED_AT_ONCE else None
    return hits


def _comparable(kind: Watched, value: str) -> str:
    match kind:
        case "plate":
            plain = normalised("plate", value)
            if plain is None:
                raise Invalid.field("value", "is no number plate")
        case "user":
            if not (value.isascii() and value.isdecimal()):
                raise Invalid.field("value", "must be the id of a user")
            plain = value.lstrip("0")
        case _:
            plain = value
    if comparable := folded(kind, plain):
        return comparable
    raise Invalid.field("value", "says nothing that could be compared")


def _view(row: WatchRow, passes: int | None = None) -> WatchView:
    return WatchView(
        watch_id=row.id,
        site_id=row.site_id,
        kind=row.kind,
        value=row.value,
        action=row.action,
        reason=row.reason,
        passes=passes,
    )
