"""The access log as it grows, and who on duty attends to which of its rows."""

from collections import defaultdict
from collections.abc import Sequence
from heapq import nlargest
from operator import attrgetter
from typing import Annotated

import msgspec

from domain.access.events import AccessRecorded
from domain.access.feeds.door import staff_only
from domain.access.queries.log_entries import FIRST_ROWS, LogEntry, entries, newest_by_key, read_entries
from domain.access.tables.record import AccessLogRow
from domain.identity.queries.people import names_of
from domain.kernel.context import Context
from domain.kernel.database import among
from domain.kernel.feeds import Feed, Item, Shown

log = Feed("access:{site_id}", remembers=300)
log.may(staff_only)


class Looking(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody attends to a row of the log, or does so no longer."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    looking: bool = True


class Looked(msgspec.Struct, frozen=True, rename="camel"):
    """What the others on duty hear of it."""

    key: str
    looking: bool
    name: str


@log.first
async def last_entries(ctx: Context, *, site_id: int) -> list[Item]:
    """The last hundred events."""
    chosen = (
        entries().where(AccessLogRow.site_id == site_id).order_by(AccessLogRow.id.desc()).limit(FIRST_ROWS)
    )
    return [_item(entry) for entry in newest_by_key(await read_entries(ctx, chosen))]


@log.signals(Looking)
async def tell_who_looks(ctx: Context, signal: Looking, *, site_id: int) -> Looked:
    """Tell the others on duty who attends to a row, so that one goes and not three."""
    names = await names_of(ctx, [ctx.user_id])
    return Looked(signal.key, signal.looking, names.get(ctx.user_id, ""))


@log.shows(AccessRecorded)
async def show_entries(ctx: Context, facts: Sequence[AccessRecorded]) -> Shown:
    """New events, one row per passage; of a rush no more than a first view shows, for all older ones are off it."""
    seen = _newest_of_each_site(facts)
    # the moments of receipt spare looking into the partitions of other days
    moments = {fact.received_at for fact in seen}
    these = among(AccessLogRow.id, [fact.access_id for fact in seen])
    chosen = entries().where(these, AccessLogRow.received_at.between(min(moments), max(moments)))
    shown: defaultdict[str, list[Item]] = defaultdict(list)
    for entry in newest_by_key(await read_entries(ctx, chosen)):
        shown[log.channel(site_id=entry.site_id)].append(_item(entry))
    return shown


def _newest_of_each_site(facts: Sequence[AccessRecorded]) -> list[AccessRecorded]:
    by_site: defaultdict[int, list[AccessRecorded]] = defaultdict(list)
    for fact in facts:
        by_site[fact.site_id].append(fact)
    return [
        fact
        for those in by_site.values()
        for fact in nlargest(FIRST_ROWS, those, key=attrgetter("access_id"))
    ]


def _item(entry: LogEntry) -> Item:
    return Item(key=entry.key, version=entry.seq, data=entry)
