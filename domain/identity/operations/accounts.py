"""Accounts: made by their owners, by staff or by the installation."""

from functools import partial
from typing import Any

import msgspec

from domain.identity.events import UserCreated, UserDeactivated
from domain.identity.operations.fields import Email, Locale, NewPassword, PersonName, Roles, Username
from domain.identity.operations.roles import give
from domain.identity.operations.views import UserView, user_view
from domain.identity.queries import attempts
from domain.identity.queries.grants import admins_locked
from domain.identity.queries.sessions import end_sessions_of
from domain.identity.queries.users import user_to_change
from domain.identity.rules.accounts import LastAdmin, email_to_keep, name_to_keep, username_to_keep
from domain.identity.rules.limits import REFUSED_REGISTRATIONS_FROM_ADDRESS, Subject, subject
from domain.identity.rules.one_time import SALT_SIZE
from domain.identity.rules.passwords import password_to_keep
from domain.identity.rules.roles import check_grant
from domain.identity.tables import UserRow
from domain.kernel.caller import Caller
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.kernel.preparation import Preparation
from domain.kernel.tools import Tools


async def hash_password(before: Preparation, given: Any) -> Any:
    """Judge the new password, if there is one, and put its hash in its place."""
    if given.password is None:
        return given
    chosen = password_to_keep(
        given.password,
        personal=(given.email, given.username, given.email.partition("@")[0]),
        production=before.tools.policy.production,
    )
    return msgspec.structs.replace(given, password=await before.tools.passwords.hash(chosen))


async def admit_and_hash_password(before: Preparation, given: Any) -> Any:
    """Refuse who has been refused too often, then do as for every new password."""
    async with before.readers() as db:
        await attempts.refuse_if_many(db, _registrations(before.tools, before.caller), before.now)
    return await hash_password(before, given)


@operation(
    "identity.register",
    allow={"anonymous", "member"},
    prepare=admit_and_hash_password,
    aliases={"firstname": "firstName", "lastname": "lastName"},
)
async def register(
    ctx: Context,
    *,
    username: Username,
    email: Email,
    password: NewPassword,
    first_name: PersonName = "",
    last_name: PersonName = "",
    locale: Locale = "en",
) -> UserView:
    """Open an account for oneself; signing in comes after it."""
    row = _new(ctx, email, username, password, first_name, last_name, locale)
    ctx.keep(partial(_count_refused, subjects=_registrations(ctx.tools, ctx.caller)))
    await _open(ctx, row)
    return await user_view(ctx, row)


@operation("identity.create_user", allow={"manager", "admin", "service"}, prepare=hash_password)
async def create_user(
    ctx: Context,
    *,
    username: Username,
    email: Email,
    password: NewPassword | None = None,
    first_name: PersonName = "",
    last_name: PersonName = "",
    locale: Locale = "en",
    roles: Roles = (),
) -> UserView:
    """Open an account for somebody, with roles; without a password they are sent a letter to choose one."""
    for wanted in roles:
        check_grant(ctx.caller, wanted.role, wanted.site_id)
    row = _new(ctx, email, username, password, first_name, last_name, locale)
    await _open(ctx, row)
    for wanted in roles:
        await give(ctx, row, wanted.role, wanted.site_id)
    if password is None:
        ctx.defer(
            "identity.mail_password_reset", user_id=row.id, salt=ctx.tools.random_bytes(SALT_SIZE).hex()
        )
    return await user_view(ctx, row)


@operation("identity.create_admin", allow={"service"}, prepare=hash_password)
async def create_admin(
    ctx: Context,
    *,
    username: Username,
    email: Email,
    password: NewPassword,
    first_name: PersonName = "",
    last_name: PersonName = "",
    locale: Locale = "en",
) -> UserView:
    """Open the account of somebody who may do everything; for the command line of the installation."""
    row = _new(ctx, email, username, password, first_name, last_name, locale)
    await _open(ctx, row)
    await give(ctx, row, "admin", None)
    return await user_view(ctx, row)


@operation("identity.deactivate_user", allow={"admin", "service"})
async def deactivate_user(ctx: Context, *, user_id: int) -> UserView:
    """Close an account: its sessions end and nobody can sign in to it; what the person did stays."""
    row = await user_to_change(ctx.db, user_id)
    if row.state == "active":
        if await admins_locked(ctx.db) == {row.id}:
            raise LastAdmin("This is the only admin; make another one first")
        row.state = "deactivated"
        ctx.emit(UserDeactivated(user_id=row.id), of=row)
        await end_sessions_of(ctx, row.id, "deactivated")
    return await user_view(ctx, row)


def _new(
    ctx: Context,
    email: str,
    username: str,
    password_hash: str | None,
    first_name: str,
    last_name: str,
    locale: str,
) -> UserRow:
    return UserRow(
        email=email_to_keep(email),
        username=username_to_keep(username),
        first_name=name_to_keep("firstName", first_name),
        last_name=name_to_keep("lastName", last_name),
        locale=locale,
        password_hash=password_hash,
        created_at=ctx.now,
    )


async def _open(ctx: Context, row: UserRow) -> None:
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(UserCreated(user_id=row.id), of=row)


async def _count_refused(ctx: Context, *, subjects: list[Subject]) -> None:
    await attempts.count(ctx.db, subjects, ctx.now)


def _registrations(tools: Tools, caller: Caller) -> list[Subject]:
    if not caller.address:
        return []
    return [subject(tools.keys, REFUSED_REGISTRATIONS_FROM_ADDRESS, caller.address)]
