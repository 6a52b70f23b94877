"""Publishing lists: what the bridge tells gates of the passes of their site, signed, until the broker has it.

1. Level-triggered: a list whose revision is not the published one is told again. Twice does no harm: revisions only
   grow, and a change tells how things are, not what to do.
2. A change costs what has changed. Only a gate that asks for the whole list has all of it read.
3. Size, digest and lines of one message are of one look at the database.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import ColumnElement, RowMapping, select, update

from domain.access.operations.keys import newest_key
from domain.access.operations.list_terms import terms
from domain.access.operations.lists import next_revision, read_line
from domain.access.rules import orders
from domain.access.rules.listing import EMPTY, Listed, toggled
from domain.access.tables.lists import ListEntryRow, SiteListRow
from domain.kernel.context import Context
from domain.kernel.operations import operation

AT_ONCE = 20
"""Sites told in one round."""
CHUNK_BYTES = 31 * 1024
"""Lines of one message; with what is around them it stays below the 32 KiB that a gate takes."""
CHANGES_AT_ONCE = 1_000
"""So many changed lines are told to all gates unasked; of more each gate asks for what it misses."""
LASTS = timedelta(days=3)
"""A gate that has not heard of its list for longer has none."""
RENEWED_AFTER = timedelta(hours=12)
_ID_BYTES = 20

Members = dict[str, Any]  # Any: a JSON object as the wire has it


class SiteList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all gates of a site are to be told: what has changed, where that fits into one message, then the head."""

    site_id: int
    revision: int
    head: Members
    delta: Members | None = None


class PublishedList(msgspec.Struct, frozen=True, rename="camel"):
    """A list as the broker has it now."""

    site_id: int
    revision: int


class ListAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a gate misses, in parts. ``sound`` is False where all was asked for and is not what the digest tells of."""

    revision: int
    chunks: Sequence[Members]
    sound: bool = True


@operation("access.list_unpublished_lists", allow={"service"}, reads=True)
async def list_unpublished_lists(ctx: Context) -> list[SiteList]:
    """List what the broker does not have yet, of some sites."""
    unpublished = SiteListRow.published != SiteListRow.revision
    chosen = select(SiteListRow.site_id).where(unpublished).order_by(SiteListRow.site_id).limit(AT_ONCE)
    site_ids = (await ctx.db.scalars(chosen)).all()
    if not site_ids or (key := await newest_key(ctx)) is None:
        return []  # without a key there is no pass, and no gate that could read one
    signing = _Signing(key.id, Ed25519PrivateKey.from_private_bytes(key.seed))
    told = [await _site(ctx, site_id, signing) for site_id in site_ids]
    return [one for one in told if one is not None]


@operation("access.lists_published", allow={"service"}, replays=False)
async def lists_published(ctx: Context, *, lists: list[PublishedList]) -> None:
    """Note that the broker has these."""
    for one in sorted(lists, key=lambda one: one.site_id):
        older = SiteListRow.published < one.revision
        those = update(SiteListRow).where(SiteListRow.site_id == one.site_id, older)
        await ctx.db.execute(those.values(published=one.revision, published_at=ctx.now))


@operation("access.republish_lists", allow={"service", "admin"}, replays=False)
async def republish_lists(ctx: Context) -> None:
    """Have the head of every list sent to the broker again, for a broker that has lost its retained messages."""
    await ctx.db.execute(update(SiteListRow).values(published=0))


@operation("access.renew_lists", allow={"service"}, replays=False)
async def renew_lists(ctx: Context) -> int:
    """Give the gates of some sites the keys of the next days before their list grows too old; return how many."""
    old = SiteListRow.published_at < ctx.now - RENEWED_AFTER
    chosen = select(SiteListRow.site_id).where(old, SiteListRow.published == SiteListRow.revision)
    site_ids = (await ctx.db.scalars(chosen.order_by(SiteListRow.site_id).limit(AT_ONCE))).all()
    for site_id in site_ids:
        await next_revision(ctx, site_id)
    return len(site_ids)


@operation("access.answer_list", allow={"service"}, reads=True)
async def answer_list(ctx: Context, *, site_id: int, since: int = 0) -> ListAnswer | None:
    """Return what changed on a list since a revision, or (0) the whole of it; None where there is none to tell."""
    key = await newest_key(ctx)
    those = ListEntryRow.revision > since if since else ListEntryRow.entry.is_not(None)
    rows = await _changes(ctx, site_id, those)
    if key is None or not rows or not rows[0]["revision"]:
        return None
    revision: int = rows[0]["revision"]
    signing = _Signing(key.id, Ed25519PrivateKey.from_private_bytes(key.seed))
    parts = list(_parts(rows))
    chunks = list[Members]()
    for number, (put, gone) in enumerate(parts, start=1):
        members: Members = {"rev": revision, "from": since, "i": number, "of": len(parts)}
        chunks.append(signing.signed("list chunk", site_id, members | _told(put, gone)))
        await asyncio.sleep(0)  # a hundred thousand passes are a second of work, and others wait
    return ListAnswer(revision=revision, chunks=chunks, sound=bool(since) or _is_sound(rows))


class _Signing:
    def __init__(self, key_id: int, key: Ed25519PrivateKey) -> None:
        self._key_id = key_id
        self._key = key

    def signed(self, purpose: orders.Purpose, site_id: int, members: Members) -> Members:
        known = members | {"k": self._key_id}
        return known | {orders.SIGNATURE: orders.sign(purpose, site_id, orders.ALL_GATES, known, self._key)}


async def _site(ctx: Context, site_id: int, signing: _Signing) -> SiteList | None:
    newer = (SiteListRow.published > 0) & (ListEntryRow.revision > SiteListRow.published)
    rows = await _changes(ctx, site_id, newer, limit=CHANGES_AT_ONCE + 1)
    if not rows:
        return None
    row = rows[0]
    head: Members = {
        "rev": row["revision"],
        "n": row["size"],
        "h": row["digest"].hex(),
        "t": _ms(ctx.now),
        "exp": _ms(ctx.now + LASTS),
        "ck": row["credential_key"].hex(),
        **await terms(ctx, site_id, row["time_zone"], row["live_key"], LASTS),
    }
    parts = list(_parts(rows)) if row["published"] and len(rows) <= CHANGES_AT_ONCE else []
    delta = None
    if len(parts) == 1:
        changed: Members = {"from": row["published"], "to": row["revision"]} | _told(*parts[0])
        delta = signing.signed("list delta", site_id, changed)
    return SiteList(
        site_id=site_id,
        revision=row["revision"],
        head=signing.signed("list", site_id, head),
        delta=delta,
    )


async def _changes(
    ctx: Context, site_id: int, those: ColumnElement[bool], *, limit: int | None = None
) -> Sequence[RowMapping]:
    """Return a list, once for each of those lines; once without any where there are none."""
    mine = (ListEntryRow.site_id == SiteListRow.site_id) & those
    chosen = (
        select(*SiteListRow.__table__.c, ListEntryRow.grant_id, ListEntryRow.entry)
        .outerjoin(ListEntryRow, mine)
        .where(SiteListRow.site_id == site_id)
        .order_by(ListEntryRow.grant_id)
        .limit(limit)
    )
    return (await ctx.db.execute(chosen)).mappings().all()


def _parts(rows: Sequence[RowMapping]) -> Iterator[tuple[list[Members], list[int]]]:
    """Yield lines to put and passes that are gone, in messages of a bounded size; at least one, if of nothing."""
    put, gone, room = list[Members](), list[int](), CHUNK_BYTES
    for row in rows:
        if row["grant_id"] is None:
            break
        needed = _ID_BYTES if row["entry"] is None else len(msgspec.json.encode(row["entry"])) + 1
        if needed > room:
            yield put, gone
            put, gone, room = [], [], CHUNK_BYTES
        room -= needed
        if row["entry"] is None:
            gone.append(row["grant_id"])
        else:
            put.append(row["entry"])
    yield put, gone


def _told(put: Sequence[Members], gone: Sequence[int]) -> Members:
    return {name: those for name, those in (("put", put), ("gone", gone)) if those}


def _is_sound(rows: Sequence[RowMapping]) -> bool:
    lines: list[Listed] = [read_line(row["entry"]) for row in rows if row["grant_id"] is not None]
    return (len(lines), toggled(EMPTY, lines)) == (rows[0]["size"], rows[0]["digest"])


def _ms(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
