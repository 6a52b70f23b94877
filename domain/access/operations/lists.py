"""Lists: what the gates of a site are told of its passes, kept up to date by whoever changes a pass.

1. Everything here happens under the lock of the site's row, so that revisions are committed in their order.
2. Rows are locked in the order guest passes, grants, the site's list, its entries.
3. Whoever forgets to call `list_passes` is made good within a minute by `access.settle_lists`.
4. The digest of a list moves with its lines, in the same transaction, without the other lines being read.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.access.queries.watching import holders_of, watch_entries
from domain.access.rules.credentials import LISTED_BYTES
from domain.access.rules.listing import EMPTY, Listed, ListFlag, toggled
from domain.access.rules.watch_list import Action, Holder, found
from domain.access.tables.credentials import CredentialRow
from domain.access.tables.lists import ListEntryRow, SiteListRow
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.sites.operations import time_zone_of

SETTLED_AT_ONCE = 1_000


async def site_list(ctx: Context, site_id: int, *, lock: bool = False) -> SiteListRow:
    """Return a site's row, made when first asked for."""
    chosen = (
        select(SiteListRow).where(SiteListRow.site_id == site_id).execution_options(populate_existing=True)
    )
    chosen = chosen.with_for_update(key_share=True) if lock else chosen
    if (row := await ctx.db.scalar(chosen)) is not None:
        return row
    fresh = {
        "site_id": site_id,
        "time_zone": await time_zone_of(ctx, site_id),
        "revision": 0,
        "size": 0,
        "digest": EMPTY,
        "published": 0,
        "credential_key": ctx.tools.random_bytes(32),
        "live_key": ctx.tools.random_bytes(32),
    }
    await ctx.db.execute(insert(SiteListRow).values(fresh).on_conflict_do_nothing())
    return (await ctx.db.scalars(chosen)).one()


async def next_revision(ctx: Context, site_id: int) -> SiteListRow:
    """Return a site's row under its lock, one revision on: something that its gates are told has changed."""
    row = await site_list(ctx, site_id, lock=True)
    row.revision = max(row.revision + 1, int(ctx.now.timestamp() * 1000))
    return row


async def list_passes(ctx: Context, grants: Sequence[GrantRow]) -> None:
    """Tell the gates of their sites how these passes stand now; the caller has flushed whatever it changed."""
    by_site: defaultdict[int, list[GrantRow]] = defaultdict(list)
    for grant in grants:
        by_site[grant.site_id].append(grant)
    for site_id, those in sorted(by_site.items()):
        await _list(ctx, site_id, those)


async def _list(ctx: Context, site_id: int, grants: Sequence[GrantRow]) -> None:
    row = await next_revision(ctx, site_id)
    ids = [grant.id for grant in grants]
    digests, parties = await _digests(ctx, ids), await _parties(ctx, ids)
    holders, entries = await holders_of(ctx, grants), await watch_entries(ctx, site_id)
    values, lines = [], dict[int, Listed | None]()
    for grant in grants:
        hit = found(entries, holders.get(grant.id, Holder()))
        line = _line(grant, hit.action if hit else None, digests.get(grant.id, ()), parties.get(grant.id))
        lines[grant.id] = listed = None if grant.valid_until <= ctx.now else line
        values.append(
            {
                "grant_id": grant.id,
                "site_id": site_id,
                "revision": row.revision,
                "watch": hit.action if hit else None,
                "entry": None if listed is None else msgspec.to_builtins(listed),
            }
        )
    await _count(ctx, row, lines)
    fresh = insert(ListEntryRow)
    changed = {name: fresh.excluded[name] for name in ("site_id", "revision", "watch", "entry")}
    await ctx.db.execute(fresh.on_conflict_do_update(index_elements=["grant_id"], set_=changed), values)


async def _count(ctx: Context, row: SiteListRow, lines: Mapping[int, Listed | None]) -> None:
    """Move size and digest of a list from the lines that it has of these passes to those that it gets."""
    those = ListEntryRow.grant_id.in_(lines) & ListEntryRow.entry.is_not(None)
    had = [read_line(entry) for entry in await ctx.db.scalars(select(ListEntryRow.entry).where(those))]
    has = [line for line in lines.values() if line is not None]
    row.size += len(has) - len(had)
    row.digest = toggled(toggled(row.digest, had), has)


def read_line(entry: object) -> Listed:
    """Return a line as the table keeps it."""
    return msgspec.convert(entry, Listed)


def _line(grant: GrantRow, watch: Action | None, digests: Sequence[str], party: int | None) -> Listed:
    flags = {
        ListFlag.SINGLE_ENTRY: grant.entries == "single",
        ListFlag.NEEDS_ESCORT: grant.needs_escort,
        ListFlag.LIVE_CODE: grant.live_code,
        ListFlag.ESCORTS: grant.escorts,
        ListFlag.OPENS: grant.opens,
        ListFlag.BLOCKED: watch == "refuse",
        ListFlag.WATCHED: watch == "alert",
        ListFlag.UNPAID: grant.unpaid,
        ListFlag.REVOKED: grant.revoked_at is not None,
        ListFlag.HOST: grant.kind != "guest" and grant.holder_user_id is not None,
    }
    return Listed(
        pass_id=grant.id,
        zones=grant.zones,
        valid_from=int(grant.valid_from.timestamp()),
        valid_until=int(grant.valid_until.timestamp()),
        flags=sum(flag for flag, is_set in flags.items() if is_set),
        schedule_id=grant.schedule_id,
        passback=grant.passback,
        party=party or grant.holder_user_id,
        digests=tuple(digests),
    )


async def _digests(ctx: Context, grant_ids: Sequence[int]) -> Mapping[int, list[str]]:
    chosen = select(CredentialRow).where(CredentialRow.grant_id.in_(grant_ids)).order_by(CredentialRow.id)
    found_: defaultdict[int, list[str]] = defaultdict(list)
    for row in await ctx.db.scalars(chosen):
        found_[row.grant_id].append(row.digest[:LISTED_BYTES].hex())
    return found_


async def _parties(ctx: Context, grant_ids: Sequence[int]) -> Mapping[int, int]:
    chosen = select(GuestPassRow.grant_id, GuestPassRow.host_user_id)
    rows = await ctx.db.execute(chosen.where(GuestPassRow.grant_id.in_(grant_ids)))
    return {grant_id: host for grant_id, host in rows}


@operation("access.settle_lists", allow={"service"}, replays=False)
async def settle_lists(ctx: Context) -> int:
    """List passes that are not on the lists of their sites, and take ended ones off; return how many."""
    entry = ListEntryRow
    unlisted = entry.grant_id.is_(None) & (GrantRow.valid_until > ctx.now)
    ended = entry.entry.is_not(None) & (GrantRow.valid_until <= ctx.now)
    chosen = select(GrantRow).outerjoin(entry, entry.grant_id == GrantRow.id).where(unlisted | ended)
    # a pass that is being changed is listed by who changes it; what was read before would undo that
    locked = chosen.with_for_update(key_share=True, skip_locked=True, of=GrantRow)
    grants = (await ctx.db.scalars(locked.order_by(GrantRow.id).limit(SETTLED_AT_ONCE))).all()
    await list_passes(ctx, grants)
    return len(grants)


@operation("access.recount_list", allow={"service"}, replays=False)
async def recount_list(ctx: Context, *, site_id: int) -> bool:
    """Count a list anew from its lines; return whether its size and digest were right. Where not, gates hear of it."""
    row = await site_list(ctx, site_id, lock=True)
    chosen = select(ListEntryRow.entry).where(
        ListEntryRow.site_id == site_id, ListEntryRow.entry.is_not(None)
    )
    lines = [read_line(entry) for entry in await ctx.db.scalars(chosen)]
    counted = len(lines), toggled(EMPTY, lines)
    if counted == (row.size, row.digest):
        return True
    row.size, row.digest = counted
    await next_revision(ctx, site_id)
    return False
