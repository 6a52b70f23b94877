"""Who people are, for the contexts above: they know ids, and ask here for names, addresses and sites.

A job asks with ``work.context(db)``.
"""

from collections.abc import Collection

from sqlalchemy import select

from domain.identity.rules.accounts import display_name
from domain.identity.rules.addressee import Addressee
from domain.identity.tables import RoleGrantRow, UserRow
from domain.kernel.context import Context
from domain.kernel.database import among


async def names_of(ctx: Context, user_ids: Collection[int]) -> dict[int, str]:
    """Return how these people are called; ids that nobody has are left out."""
    if not user_ids:
        return {}
    names = select(UserRow.id, UserRow.first_name, UserRow.last_name, UserRow.username)
    rows = await ctx.db.execute(names.where(among(UserRow.id, user_ids)))
    return {user_id: display_name(first, last, username) for user_id, first, last, username in rows}


async def emails_of(ctx: Context, user_ids: Collection[int]) -> dict[int, str]:
    """Return the e-mail addresses of those of these people whose accounts are active."""
    return {user_id: one.email for user_id, one in (await addressees_of(ctx, user_ids)).items()}


async def addressees_of(ctx: Context, user_ids: Collection[int]) -> dict[int, Addressee]:
    """Return what a letter to each of these people needs; those whose accounts are not active get none."""
    if not user_ids:
        return {}
    active = select(UserRow).where(UserRow.id.in_(user_ids), UserRow.state == "active")
    return {
        row.id: Addressee(
            name=display_name(row.first_name, row.last_name, row.username), email=row.email, locale=row.locale
        )
        for row in await ctx.db.scalars(active)
    }


async def sites_of(ctx: Context, user_id: int) -> list[int]:
    """Return the sites that an active person belongs to, in whatever role."""
    held = (
        select(RoleGrantRow.site_id)
        .join(UserRow, UserRow.id == RoleGrantRow.user_id)
        .where(UserRow.id == user_id, UserRow.state == "active", RoleGrantRow.site_id.is_not(None))
    )
    return sorted({site_id for site_id in await ctx.db.scalars(held) if site_id is not None})


async def holders_of_role(ctx: Context, role: str, site_id: int) -> list[int]:
    """Return the active people who hold a role at a site."""
    held = (
        select(RoleGrantRow.user_id)
        .join(UserRow, UserRow.id == RoleGrantRow.user_id)
        .where(RoleGrantRow.role == role, RoleGrantRow.site_id == site_id, UserRow.state == "active")
    )
    return sorted(set(await ctx.db.scalars(held)))
