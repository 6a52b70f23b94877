"""What callers see of people and of their sign-ins."""

from collections.abc import Sequence

import msgspec

from domain.identity.queries.grants import grants_of
from domain.identity.tables import UserRow
from domain.kernel.context import Context
from domain.sites.operations import names_of as site_names_of


class RoleView(msgspec.Struct, frozen=True, rename="camel"):
    """A role somebody holds; without a site it is held everywhere."""

    site_id: int | None
    site_name: str | None
    role: str


class UserView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person with an account."""

    id: int
    email: str
    username: str
    first_name: str
    last_name: str
    locale: str
    state: str
    roles: Sequence[RoleView]


class TokensView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A sign-in: the access token is good for ``expires_in`` seconds, the refresh token for one next pair."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class AcceptedView(msgspec.Struct, frozen=True, rename="camel"):
    """The request was taken down; what comes of it is not told."""

    accepted: bool = True


async def user_view(ctx: Context, row: UserRow) -> UserView:
    """Return one person as callers see them."""
    return (await user_views(ctx, [row]))[0]


async def user_views(ctx: Context, rows: Sequence[UserRow]) -> list[UserView]:
    """Return people as callers see them, their roles with the names of the sites."""
    grants = await grants_of(ctx.db, [row.id for row in rows])
    sites = {grant.site_id for held in grants.values() for grant in held if grant.site_id is not None}
    names = await site_names_of(ctx, sites)
    return [
        UserView(
            id=row.id,
            email=row.email,
            username=row.username,
            first_name=row.first_name,
            last_name=row.last_name,
            locale=row.locale,
            state=row.state,
            roles=[
                RoleView(grant.site_id, names.get(grant.site_id or 0), grant.role)
                for grant in grants.get(row.id, ())
            ],
        )
        for row in rows
    ]
