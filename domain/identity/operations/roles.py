"""Roles: given and taken, by admins everywhere and by managers at their own sites."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from domain.identity.events import UserRoleChanged
from domain.identity.operations.views import UserView, user_view
from domain.identity.queries.grants import admins_locked
from domain.identity.queries.users import user_to_change
from domain.identity.rules.accounts import LastAdmin
from domain.identity.rules.roles import GrantedRole, check_grant
from domain.identity.tables import RoleGrantRow, UserRow
from domain.kernel.context import Context
from domain.kernel.operations import operation


@operation("identity.change_roles", allow={"manager", "admin", "service"})
async def change_roles(
    ctx: Context, *, user_id: int, role: GrantedRole, granted: bool, site_id: int | None = None
) -> UserView:
    """Give a person a role at a site, or take it; the role admin has no site and is the admins' to give."""
    check_grant(ctx.caller, role, site_id)
    row = await user_to_change(ctx.db, user_id)
    if granted:
        await give(ctx, row, role, site_id)
    else:
        await _take(ctx, row, role, site_id)
    return await user_view(ctx, row)


async def give(ctx: Context, row: UserRow, role: GrantedRole, site_id: int | None) -> None:
    """Give a person a role; giving what they hold changes nothing."""
    grant = insert(RoleGrantRow).values(user_id=row.id, site_id=site_id, role=role)
    if await ctx.db.scalar(grant.on_conflict_do_nothing().returning(RoleGrantRow.id)):
        ctx.emit(UserRoleChanged(user_id=row.id, site_id=site_id, role=role, granted=True), of=row)


async def _take(ctx: Context, row: UserRow, role: GrantedRole, site_id: int | None) -> None:
    if role == "admin" and await admins_locked(ctx.db) == {row.id}:
        raise LastAdmin("This is the only admin; make another one first")
    held = delete(RoleGrantRow).where(
        RoleGrantRow.user_id == row.id,
        RoleGrantRow.site_id.is_not_distinct_from(site_id),
        RoleGrantRow.role == role,
    )
    if await ctx.db.scalar(held.returning(RoleGrantRow.id)):
        ctx.emit(UserRoleChanged(user_id=row.id, site_id=site_id, role=role, granted=False), of=row)
