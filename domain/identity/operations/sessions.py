"""Sessions: begun by a login, carried on by refreshes, ended by a logout or by a stolen token."""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from domain.identity.events import SessionCreated, SessionReuseDetected
from domain.identity.operations.fields import Email, Password, Token
from domain.identity.operations.views import TokensView
from domain.identity.queries import attempts
from domain.identity.queries.sessions import end_session
from domain.identity.queries.users import by_email, password_hash_of
from domain.identity.rules import refresh as refreshing
from domain.identity.rules import tokens
from domain.identity.rules.accounts import email_to_look_up
from domain.identity.rules.limits import (
    FAILED_LOGINS_FROM_ADDRESS,
    FAILED_LOGINS_OF_EMAIL,
    Subject,
    subject,
)
from domain.identity.rules.passwords import canonical
from domain.identity.tables import SessionRow
from domain.kernel.caller import Caller
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Unauthenticated
from domain.kernel.operations import operation
from domain.kernel.preparation import Preparation
from domain.kernel.tools import Tools

SALT_SIZE = 16
WRONG = "The e-mail or the password is wrong"
OVER = "The session is over; sign in again"


async def verify_password(before: Preparation, given: Any) -> Any:
    """Put the stored hash that the password matches in its place, or nothing where it matches none.

    An address without an account costs the same time as a wrong password.
    """
    email = email_to_look_up(given.email)
    async with before.readers() as db:
        await attempts.refuse_if_many(db, _logins(before.tools, before.caller, email), before.now)
        stored = await password_hash_of(db, email)
    right = await before.tools.passwords.matches(stored, canonical(given.password))
    return msgspec.structs.replace(given, password=stored if right else "")


@operation("identity.login", allow={"anonymous", "member"}, replays=False, prepare=verify_password)
async def login(ctx: Context, *, email: Email, password: Password) -> TokensView:
    """Sign in on a device: a new session, with an access token and a refresh token."""
    email = email_to_look_up(email)
    subjects = _logins(ctx.tools, ctx.caller, email)
    await attempts.refuse_if_many(ctx.db, subjects, ctx.now)
    row = await by_email(ctx.db, email, lock=True)
    # The hash may have been replaced since the password was found to match it.
    if row is None or not password or row.password_hash != password or row.state != "active":
        ctx.keep(partial(_count_failed, subjects=subjects))
        raise Unauthenticated(WRONG)
    await attempts.forget(ctx.db, subjects[0])
    return await _begin(ctx, row.id)


@operation("identity.refresh", allow={"anonymous", "member"}, replays=False)
async def refresh(ctx: Context, *, refresh_token: Token) -> TokensView:
    """Exchange a refresh token for the next pair; one that was exchanged before ends the session."""
    row, presented = await _live_session(ctx, refresh_token)
    verdict = refreshing.judge(
        presented=presented.counter, current=row.counter, rotated_at=row.rotated_at, now=ctx.now
    )
    if verdict == "reuse":
        ctx.keep(partial(_end_reused, session_id=row.id))
    if verdict in ("reuse", "unknown"):
        raise Unauthenticated(OVER)
    if verdict == "rotate":
        row.counter += 1
        row.rotated_at = ctx.now
        row.expires_at = refreshing.expiry(
            created_at=row.created_at, now=ctx.now, idle_s=ctx.tools.policy.refresh_token_s
        )
    return _tokens(ctx, row)


@operation("identity.logout", allow={"anonymous", "member"}, replays=False)
async def logout(ctx: Context, *, refresh_token: Token | None = None) -> None:
    """End the caller's session, or the one of the refresh token; to end what has ended already is no mistake."""
    if refresh_token is not None:
        session_id = await _session_of(ctx, refresh_token)
    elif ctx.caller.session_id is not None:
        session_id = ctx.caller.session_id
    else:
        raise Unauthenticated("Nobody is signed in, and no refresh token was given")
    await end_session(ctx, session_id, "logout")


async def _begin(ctx: Context, user_id: int) -> TokensView:
    row = SessionRow(
        user_id=user_id,
        salt=ctx.tools.random_bytes(SALT_SIZE),
        counter=1,
        created_at=ctx.now,
        rotated_at=ctx.now,
        expires_at=refreshing.expiry(
            created_at=ctx.now, now=ctx.now, idle_s=ctx.tools.policy.refresh_token_s
        ),
        address=ctx.caller.address[:64],
        user_agent=ctx.caller.user_agent[:256],
    )
    ctx.db.add(row)
    await ctx.db.flush()
    ctx.emit(SessionCreated(session_id=row.id, user_id=user_id), of=row)
    return _tokens(ctx, row)


async def _live_session(ctx: Context, token: str) -> tuple[SessionRow, refreshing.Presented]:
    presented = refreshing.read(token)
    row = None
    if presented is not None:
        row = await ctx.db.get(SessionRow, presented.session_id, with_for_update={"key_share": True})
    if presented is None or row is None or not refreshing.genuine(ctx.tools.keys, row.salt, presented):
        raise Unauthenticated("This is no refresh token of a session here")
    if row.ended_at is not None or row.expires_at <= ctx.now:
        raise Unauthenticated(OVER)
    return row, presented


async def _session_of(ctx: Context, token: str) -> int:
    presented = refreshing.read(token)
    row = await ctx.db.get(SessionRow, presented.session_id) if presented else None
    if presented is None or row is None or not refreshing.genuine(ctx.tools.keys, row.salt, presented):
        raise Unauthenticated("This is no refresh token of a session here")
    return row.id


def _tokens(ctx: Context, row: SessionRow) -> TokensView:
    """Return the pair of a session's generation: the same pair for every caller who asks within it."""
    lasts_s = ctx.tools.policy.access_token_s
    return TokensView(
        access_token=tokens.issue(
            ctx.tools.keys, user_id=row.user_id, session_id=row.id, now=row.rotated_at, lasts_s=lasts_s
        ),
        refresh_token=refreshing.issue(ctx.tools.keys, row.salt, row.id, row.counter),
        token_type="Bearer",
        expires_in=lasts_s - _age_s(row.rotated_at, ctx.now),
    )


def _age_s(since: datetime, now: datetime) -> int:
    # Whoever waited for the rotation may have looked at the clock before it.
    return max(0, int((now - since).total_seconds()))


async def _end_reused(ctx: Context, *, session_id: int) -> None:
    row = await end_session(ctx, session_id, "reuse")
    if row is not None:
        ctx.emit(SessionReuseDetected(session_id=row.id, user_id=row.user_id), of=row)
        await ctx.db.flush()


async def _count_failed(ctx: Context, *, subjects: list[Subject]) -> DomainError | None:
    return await attempts.count(ctx.db, subjects, ctx.now)


def _logins(tools: Tools, caller: Caller, email: str) -> list[Subject]:
    of_email = subject(tools.keys, FAILED_LOGINS_OF_EMAIL, email)
    if not caller.address:
        return [of_email]
    return [of_email, subject(tools.keys, FAILED_LOGINS_FROM_ADDRESS, caller.address)]
