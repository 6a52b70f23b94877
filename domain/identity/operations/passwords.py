"""Passwords: forgotten, and chosen anew with a token that came by mail."""

from typing import Any

import msgspec

from domain.identity.events import UserPasswordChanged
from domain.identity.operations.fields import Email, NewPassword, Token
from domain.identity.operations.views import AcceptedView
from domain.identity.queries import attempts, one_time
from domain.identity.queries.sessions import end_sessions_of
from domain.identity.queries.users import by_email, user_to_change
from domain.identity.rules.accounts import email_to_look_up
from domain.identity.rules.limits import (
    FAILED_LOGINS_OF_EMAIL,
    RESETS_FROM_ADDRESS,
    RESETS_OF_EMAIL,
    subject,
)
from domain.identity.rules.one_time import SALT_SIZE
from domain.identity.rules.passwords import password_to_keep
from domain.identity.tables import UserRow
from domain.kernel.context import Context
from domain.kernel.operations import operation
from domain.kernel.preparation import Preparation


@operation("identity.request_password_reset", allow={"anonymous", "member"}, replays=False)
async def request_password_reset(ctx: Context, *, email: Email) -> AcceptedView:
    """Have a letter sent with which a new password can be chosen; the answer is the same for every address."""
    email = email_to_look_up(email)
    await _limit_address(ctx)
    too_many = await attempts.count(ctx.db, [subject(ctx.tools.keys, RESETS_OF_EMAIL, email)], ctx.now)
    row = await by_email(ctx.db, email)
    # A job is written for nobody too, so that neither the answer nor its time tells whether there is an account.
    ctx.defer(
        "identity.mail_password_reset",
        user_id=row.id if row is not None and too_many is None else None,
        salt=ctx.tools.random_bytes(SALT_SIZE).hex(),
    )
    return AcceptedView()


async def check_token_and_hash(before: Preparation, given: Any) -> Any:
    """Refuse a worthless token before a hash is spent on it, then put the new password's hash in its place."""
    async with before.readers() as db:
        token = await one_time.find(db, before.tools.keys, "password-reset", given.token, before.now)
        row = await db.get_one(UserRow, token.user_id)
    chosen = password_to_keep(
        given.password,
        personal=(row.email, row.username, row.email.partition("@")[0]),
        production=before.tools.policy.production,
    )
    return msgspec.structs.replace(given, password=await before.tools.passwords.hash(chosen))


@operation(
    "identity.confirm_password_reset",
    allow={"anonymous", "member"},
    replays=False,
    prepare=check_token_and_hash,
)
async def confirm_password_reset(ctx: Context, *, token: Token, password: NewPassword) -> AcceptedView:
    """Choose a new password with the token from the letter; every session of the account ends."""
    keys = ctx.tools.keys
    claimed = await one_time.find(ctx.db, keys, "password-reset", token, ctx.now)
    row = await user_to_change(ctx.db, claimed.user_id)
    spent = await one_time.find(ctx.db, keys, "password-reset", token, ctx.now, lock=True)
    await one_time.spend(ctx.db, spent, ctx.now)
    row.password_hash = password
    ctx.emit(UserPasswordChanged(user_id=row.id), of=row)
    await end_sessions_of(ctx, row.id, "password")
    await attempts.forget(ctx.db, subject(keys, FAILED_LOGINS_OF_EMAIL, row.email))
    return AcceptedView()


async def _limit_address(ctx: Context) -> None:
    if ctx.caller.address:
        asked = subject(ctx.tools.keys, RESETS_FROM_ADDRESS, ctx.caller.address)
        if refusal := await attempts.count(ctx.db, [asked], ctx.now):
            raise refusal
