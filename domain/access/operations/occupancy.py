"""Occupancy: where everybody is, built anew from the access log and compared with what the tables say.

1. The log is read in one statement beside the live state, so that both are of one moment and nobody waits.
2. A repair writes only over what it has seen: a pass that walked meanwhile is left, and the next run finds it right or
   repairs it. A zone is moved by the difference, which further walks leave as it is.
3. What retention drops is settled before: folded into a checkpoint from which a rebuild begins. Who is erased from the
   log is settled as they stand.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import ZoneChanged
from domain.access.operations.passages import STANDING, standing_of
from domain.access.queries.accounts import Account, account_of
from domain.access.rules.passage import OUTSIDE, Standing
from domain.access.tables.occupancy import SettledPassRow, SettlementRow
from domain.access.tables.place import ZoneRow
from domain.access.tables.rights import GrantRow
from domain.kernel import queries
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.sites.operations import all_sites

MOST = 100
"""Differences of passes that are told one by one."""
UNDER_WAY = timedelta(minutes=10)
"""Nothing received longer ago can still be in a transaction that has not committed."""
AT_ONCE = 2_000


class ZoneCount(msgspec.Struct, frozen=True, rename="camel"):
    """How many are in a zone by the live state, and by the log."""

    zone_id: int
    live: int
    rebuilt: int


class PassDifference(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pass that the tables have elsewhere, or with other entries, than the log says."""

    pass_id: int
    live_zone_id: int | None
    rebuilt_zone_id: int | None
    live_entered: int
    rebuilt_entered: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the log comes to beside the live state; ``differences`` is 0 where both are equal to the last bit."""

    site_id: int
    events: int
    passes: int
    zones: Sequence[ZoneCount]
    differing_passes: Sequence[PassDifference]
    differences: int
    repaired: int


@operation("access.rebuild_occupancy", allow={"admin", "service"}, replays=False)
async def rebuild_occupancy(ctx: Context, *, site_id: int, write: bool = False) -> Comparison:
    """Build where everybody is anew from the access log and compare it; with ``write``, put the live state right."""
    if site_id not in await all_sites(ctx):
        raise NotFound(f"There is no site {site_id}")
    account = await account_of(ctx, site_id)
    rebuilt, live = account.replay.passes, account.live_passes
    wrong = sorted(
        grant_id
        for grant_id in rebuilt.keys() | live.keys()
        if rebuilt.get(grant_id, OUTSIDE) != live.get(grant_id, OUTSIDE)
    )
    zones = _zones(account)
    drifts = {zone.zone_id: zone.rebuilt - zone.live for zone in zones if zone.rebuilt != zone.live}
    repaired = 0
    if write:
        repaired = await _repair_passes(ctx, account, wrong) + await _repair_zones(ctx, drifts)
    return Comparison(
        site_id=site_id,
        events=account.events,
        passes=len(rebuilt.keys() | live.keys()),
        zones=zones,
        differing_passes=[_difference(account, grant_id) for grant_id in wrong[:MOST]],
        differences=len(wrong) + len(drifts),
        repaired=repaired,
    )


@operation("access.list_counted_sites", allow={"service"}, reads=True)
async def list_counted_sites(ctx: Context) -> list[int]:
    """List every site that has zones."""
    return list(await ctx.db.scalars(select(ZoneRow.site_id).distinct().order_by(ZoneRow.site_id)))


async def settle(ctx: Context, site_id: int, before: datetime) -> datetime:
    """Fold the events received before a moment into the site's checkpoint; return up to when that is done.

    What was received before that may be dropped from the log, and a rebuild still comes out right.
    Events that may still be in a transaction are left: the moment returned is minutes ago at the latest.
    """
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"settle:{site_id}"))))
    before = min(before, ctx.now - UNDER_WAY)
    kept = await ctx.db.get(SettlementRow, site_id, populate_existing=True)
    if kept is not None and kept.before >= before:
        return kept.before
    account = await account_of(ctx, site_id, before=before)
    moved = {
        grant_id: standing
        for grant_id, standing in account.replay.passes.items()
        if standing != account.settled.get(grant_id)
    }
    await _keep_passes(ctx, site_id, moved)
    tallies = {str(zone_id): tally for zone_id, tally in account.replay.tallies().items()}
    row = kept or SettlementRow(site_id=site_id)
    row.before, row.zones = before, msgspec.to_builtins(tallies)
    ctx.db.add(row)
    await ctx.db.flush()
    return before


async def settle_passes(ctx: Context, grant_ids: Sequence[int]) -> None:
    """Settle passes as they stand now; the caller holds them locked and has taken them out of all of the log."""
    grant = GrantRow
    chosen = select(grant.site_id, grant.id, *STANDING).where(grant.id.in_(grant_ids)).order_by(grant.id)
    by_site: defaultdict[int, dict[int, Standing]] = defaultdict(dict)
    for row in await ctx.db.execute(chosen):
        by_site[row[0]][row[1]] = standing_of(*row[2:])
    for site_id, standings in by_site.items():
        await _keep_passes(ctx, site_id, standings)


def _zones(account: Account) -> list[ZoneCount]:
    counts = account.replay.counts()
    return [
        ZoneCount(zone_id, live, counts[zone_id].inside if zone_id in counts else 0)
        for zone_id, live in sorted(account.live_zones.items())
    ]


def _difference(account: Account, grant_id: int) -> PassDifference:
    live = account.live_passes.get(grant_id, OUTSIDE)
    rebuilt = account.replay.passes.get(grant_id, OUTSIDE)
    return PassDifference(
        pass_id=grant_id,
        live_zone_id=live.inside,
        rebuilt_zone_id=rebuilt.inside,
        live_entered=live.entered,
        rebuilt_entered=rebuilt.entered,
    )


async def _repair_passes(ctx: Context, account: Account, wrong: Sequence[int]) -> int:
    """Put passes right that stand as they were seen; return how many."""
    repaired = 0
    for start in range(0, len(wrong), AT_ONCE):
        ids = wrong[start : start + AT_ONCE]
        seen = [account.live_passes.get(grant_id, OUTSIDE) for grant_id in ids]
        right = [account.replay.passes.get(grant_id, OUTSIDE) for grant_id in ids]
        given = {"ids": ids, **_columns("", right), **_columns("seen_", seen)}
        rows = await ctx.db.scalars(queries.load("domain.access", "repair_grants"), given)
        repaired += len(rows.all())
    return repaired


def _columns(prefix: str, standings: Sequence[Standing]) -> dict[str, list[Any]]:
    return {
        f"{prefix}entered": [one.entered for one in standings],
        f"{prefix}inside": [one.inside for one in standings],
        f"{prefix}moved_at": [one.moved_at for one in standings],
        f"{prefix}moved_by": [one.moved_by or None for one in standings],
    }


async def _repair_zones(ctx: Context, drifts: dict[int, int]) -> int:
    chosen = select(ZoneRow).where(ZoneRow.id.in_(drifts)).order_by(ZoneRow.id)
    rows = (await ctx.db.scalars(chosen.with_for_update(key_share=True))).all()
    for row in rows:
        row.inside += drifts[row.id]
        row.taken += 1
        ctx.emit(ZoneChanged(zone_id=row.id, site_id=row.site_id), of=row)
    return len(rows)


async def _keep_passes(ctx: Context, site_id: int, moved: dict[int, Standing]) -> None:
    ids = sorted(moved)
    for start in range(0, len(ids), AT_ONCE):
        rows = [
            {
                "grant_id": grant_id,
                "site_id": site_id,
                "inside_zone_id": moved[grant_id].inside,
                "entered": moved[grant_id].entered,
                "moved_at": moved[grant_id].moved_at,
                "moved_by": moved[grant_id].moved_by or None,
            }
            for grant_id in ids[start : start + AT_ONCE]
        ]
        given = insert(SettledPassRow).values(rows)
        names = ("inside_zone_id", "entered", "moved_at", "moved_by")
        newer = {name: given.excluded[name] for name in names}
        await ctx.db.execute(
            given.on_conflict_do_update(index_elements=[SettledPassRow.grant_id], set_=newer)
        )
