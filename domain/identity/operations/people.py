"""People: looked up by themselves and by those who work with them."""

from typing import Annotated

import msgspec
from sqlalchemy import Select, func, or_, select

from domain.identity.operations.views import UserView, user_view, user_views
from domain.identity.queries.users import present
from domain.identity.tables import RoleGrantRow, UserRow
from domain.kernel.context import Context
from domain.kernel.errors import NotFound
from domain.kernel.operations import operation
from domain.kernel.paging import Limit, Page, page, turn

Search = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, description="Part of a name, username or e-mail.")
]


@operation("identity.me", allow={"member", "guard", "desk", "manager", "admin"}, reads=True)
async def me(ctx: Context) -> UserView:
    """Tell callers who they are and what they may do where."""
    return await user_view(ctx, present(await ctx.db.get(UserRow, ctx.user_id), ctx.user_id))


@operation("identity.get_user", allow={"member", "desk", "manager", "admin", "service"}, reads=True)
async def get_user(ctx: Context, *, user_id: int) -> UserView:
    """Return one person: oneself, or anybody for reception, managers and admins."""
    if user_id != ctx.caller.user_id and ctx.caller.roles.isdisjoint({"desk", "manager", "admin", "service"}):
        raise NotFound(f"There is no user {user_id}")
    return await user_view(ctx, present(await ctx.db.get(UserRow, user_id), user_id))


@operation("identity.list_users", allow={"desk", "manager", "admin", "service"}, reads=True)
async def list_users(
    ctx: Context,
    *,
    site_id: int | None = None,
    search: Search | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[UserView]:
    """List people in the order their accounts were opened: all, those with a role at a site, those who match."""
    found = select(UserRow)
    if site_id is not None:
        ctx.require("desk", "manager", site_id=site_id)
        found = found.where(
            UserRow.id.in_(select(RoleGrantRow.user_id).where(RoleGrantRow.site_id == site_id))
        )
    if search is not None:
        found = _matching(found, search)
    rows = (await ctx.db.scalars(turn(found, UserRow.id, limit=limit, cursor=cursor))).all()
    return page(await user_views(ctx, rows), limit, lambda user: user.id)


def _matching(found: Select[UserRow], search: str) -> Select[UserRow]:
    whole_name = UserRow.first_name + " " + UserRow.last_name
    return found.where(
        or_(
            *(
                func.lower(column).contains(search.strip().lower(), autoescape=True)
                for column in (UserRow.email, UserRow.username, whole_name)
            )
        )
    )
