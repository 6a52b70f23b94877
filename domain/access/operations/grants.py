"""Grants: rights to pass gates, made for guests here and for whatever else opens doors in the contexts above."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import select

from domain.access.operations.keys import private_key, signing_key
from domain.access.rules import token
from domain.access.rules.facts import Entries, OwnPassback
from domain.access.rules.windows import LONGEST
from domain.access.tables.place import ZoneRow
from domain.access.tables.rights import GrantRow
from domain.kernel.context import Context
from domain.kernel.errors import Invalid

TIMES = {"startTime": "start", "endTime": "end", "startDate": "start", "endDate": "end"}
"""What clients call the times of a pass as well."""
Kind = Literal["guest", "badge", "ticket", "vehicle", "staff"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a grant may be used: `domain.access.rules.facts.PassFacts` tells what each member means."""

    kind: Kind = "guest"
    holder_user_id: int | None = None
    holder_name: str = ""
    entries: Entries = "many"
    schedule_id: int | None = None
    passback: OwnPassback | None = None
    unpaid: bool = False
    needs_escort: bool = False
    escorts: bool = False
    opens: bool = False
    live_code: bool = False


async def make_grant(
    ctx: Context,
    site_id: int,
    window: tuple[datetime, datetime],
    *,
    zone_ids: list[int] | None,
    terms: Terms,
) -> GrantRow:
    """Let somebody pass: into the zones named, or the site's guest zones.

    Gates are told by `lists.list_passes`, which the caller asks for when all that belongs to the pass is there.
    """
    grant = GrantRow(
        site_id=site_id,
        key_id=(await signing_key(ctx)).id,
        zones=await zone_bits(ctx, site_id, zone_ids),
        valid_from=window[0].replace(microsecond=0),
        valid_until=window[1].replace(microsecond=0),
        **msgspec.structs.asdict(terms),
    )
    ctx.db.add(grant)
    await ctx.db.flush()
    return grant


def is_printable(grant: GrantRow) -> bool:
    """Tell whether a grant may be shown as a signed code, which opens gates without a link until it ends."""
    return grant.valid_until - grant.valid_from <= LONGEST


async def signed(ctx: Context, grant: GrantRow) -> bytes:
    """Return the bytes of the pass that a grant is shown by."""
    # The token counts in minutes. Rounded down, an offline gate may close a little early and never late.
    minutes = int((grant.valid_until - grant.valid_from).total_seconds() // 60)
    flags = {
        token.Flag.SINGLE_ENTRY: grant.entries == "single",
        token.Flag.NEEDS_ESCORT: grant.needs_escort,
        token.Flag.LIVE_CODE: grant.live_code,
    }
    claim = token.PassClaim(
        key_id=grant.key_id,
        pass_id=grant.id,
        site_id=grant.site_id,
        zones=grant.zones,
        not_before=int(grant.valid_from.timestamp()),
        minutes=minutes,
        flags=sum(int(flag) for flag, is_set in flags.items() if is_set),
    )
    return token.sign(claim, await private_key(ctx, grant.key_id))


async def zone_bits(ctx: Context, site_id: int, zone_ids: list[int] | None) -> int:
    """Return the bits of zones of a site, the guest zones where none are named; others are for staff to give."""
    rows = await zones_of(ctx, site_id)
    known = {row.id: row for row in rows}
    if zone_ids is None:
        chosen = [row for row in rows if row.for_guests]
        if not chosen:
            raise Invalid.field("siteId", f"site {site_id} has no zone for guests yet")
    else:
        if strangers := [zone_id for zone_id in zone_ids if zone_id not in known]:
            raise Invalid.field("zoneIds", f"site {site_id} has no zone {strangers[0]}")
        chosen = [known[zone_id] for zone_id in zone_ids]
        if not all(row.for_guests for row in chosen):
            ctx.require("desk", "manager", site_id=site_id)
    return sum({1 << row.ordinal for row in chosen})


async def zones_of(ctx: Context, *site_ids: int) -> Sequence[ZoneRow]:
    """Return the zones of sites, by id."""
    chosen = select(ZoneRow).where(ZoneRow.site_id.in_(site_ids)).order_by(ZoneRow.id)
    return (await ctx.db.scalars(chosen)).all()


def zone_ids_of(grant: GrantRow, zones: Sequence[ZoneRow]) -> list[int]:
    """Return the zones that a grant opens, of those given."""
    return [zone.id for zone in zones if zone.site_id == grant.site_id and grant.zones >> zone.ordinal & 1]
