"""Grants: rights to pass gates, made for guests here and for whatever else opens doors in the contexts above."""

from datetime import datetime

from sqlalchemy import select

from domain.access.operations.keys import private_key, signing_key
from domain.access.rules import token
from domain.access.tables.place import ZoneRow
from domain.access.tables.rights import GrantRow
from domain.kernel.context import Context
from domain.kernel.errors import Invalid


async def make_grant(
    ctx: Context,
    site_id: int,
    window: tuple[datetime, datetime],
    *,
    zone_ids: list[int] | None,
    entries: str,
) -> GrantRow:
    """Let somebody pass: into the zones named, or the site's guest zones."""
    grant = GrantRow(
        site_id=site_id,
        key_id=(await signing_key(ctx)).id,
        zones=await _zone_bits(ctx, site_id, zone_ids),
        valid_from=window[0].replace(microsecond=0),
        valid_until=window[1].replace(microsecond=0),
        entries=entries,
    )
    ctx.db.add(grant)
    await ctx.db.flush()
    return grant


async def signed(ctx: Context, grant: GrantRow) -> bytes:
    """Return the bytes of the pass that a grant is shown by."""
    # The token counts in minutes. Rounded down, an offline gate may close a little early and never late.
    minutes = int((grant.valid_until - grant.valid_from).total_seconds() // 60)
    claim = token.PassClaim(
        key_id=grant.key_id,
        pass_id=grant.id,
        site_id=grant.site_id,
        zones=grant.zones,
        not_before=int(grant.valid_from.timestamp()),
        minutes=minutes,
        flags=int(token.Flag.SINGLE_ENTRY) if grant.entries == "single" else 0,
    )
    return token.sign(claim, await private_key(ctx, grant.key_id))


async def _zone_bits(ctx: Context, site_id: int, zone_ids: list[int] | None) -> int:
    rows = (await ctx.db.scalars(select(ZoneRow).where(ZoneRow.site_id == site_id))).all()
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
