"""The watch-list: whom a site keeps out, and of whom it wants to hear when they come."""

from collections.abc import Mapping
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
from domain.kernel.context import Context
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Value = Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class WatchView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the list. ``passes`` is how many running passes of the site it concerns now."""

    watch_id: int
    site_id: int
    kind: str
    value: str
    action: str
    reason: str
    passes: int = 0


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
    concerned = await _judge_again(ctx, site_id)
    return _view(row, sum(hit == row.id for hit in concerned.values()))


@operation("access.unwatch", allow={"guard", "manager", "admin"})
async def unwatch(ctx: Context, *, watch_id: int) -> None:
    """Take somebody off the watch-list."""
    row = await ctx.db.get(WatchRow, watch_id)
    if row is None or not ctx.caller.holds("guard", "manager", site_id=row.site_id):
        raise NotFound(f"There is no entry {watch_id} on a watch-list")
    await site_list(ctx, row.site_id, lock=True)
    ctx.emit(WatchListChanged(watch_id=row.id, site_id=row.site_id, on=False), of=row)
    await ctx.db.delete(row)
    await ctx.db.flush()
    await _judge_again(ctx, row.site_id)


@operation("access.list_watch_list", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_watch_list(
    ctx: Context, *, site_id: int, limit: Limit = 50, cursor: str | None = None
) -> Page[WatchView]:
    """List whom a site watches, the newest first, to its staff."""
    ctx.require("guard", "desk", "manager", site_id=site_id)
    chosen = select(WatchRow).where(WatchRow.site_id == site_id)
    rows = await ctx.db.scalars(turn(chosen, WatchRow.id, limit=limit, cursor=cursor, newest_first=True))
    return page([_view(row) for row in rows], limit, lambda one: one.watch_id)


async def _judge_again(ctx: Context, site_id: int) -> Mapping[int, int | None]:
    """Bring the passes of a site, whose list the caller has locked, to its watch-list; return who hits which entry."""
    chosen = select(GrantRow, ListEntryRow.watch).outerjoin(
        ListEntryRow, ListEntryRow.grant_id == GrantRow.id
    )
    running = chosen.where(GrantRow.site_id == site_id, GrantRow.valid_until > ctx.now)
    rows = (await ctx.db.execute(running)).all()
    entries = await watch_entries(ctx, site_id)
    holders = await holders_of(ctx, [grant for grant, _ in rows])
    hits = {grant.id: found(entries, holders[grant.id]) for grant, _ in rows}
    actions = {grant_id: hit.action if hit else None for grant_id, hit in hits.items()}
    if changed := [grant for grant, watch_ in rows if watch_ != actions[grant.id]]:
        await list_passes(ctx, changed)
    return {grant_id: hit.id if hit else None for grant_id, hit in hits.items()}


def _comparable(kind: Watched, value: str) -> str:
    match kind:
        case "plate":
            plain = normalised("plate", value)
            if plain is None:
                raise Invalid.field("value", "is no number plate")
            return folded("plate", plain)
        case "user" if not value.isdecimal():
            raise Invalid.field("value", "must be the id of a user")
        case _:
            return folded(kind, value)


def _view(row: WatchRow, passes: int = 0) -> WatchView:
    return WatchView(
        watch_id=row.id,
        site_id=row.site_id,
        kind=row.kind,
        value=row.value,
        action=row.action,
        reason=row.reason,
        passes=passes,
    )
