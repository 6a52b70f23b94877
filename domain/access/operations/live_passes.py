"""Live passes: what a phone fetches once, to show a code that changes every 30 seconds without any signal."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import select

from domain.access.operations.grants import is_printable, signed
from domain.access.operations.lists import site_list
from domain.access.operations.passes import may_carry
from domain.access.rules import live_code, token
from domain.access.tables.rights import GrantRow, GuestPassRow
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.operations import operation


class NoLiveCode(DomainError):
    """The pass is shown as it is."""

    code, title = "no_live_code", "This pass shows no rotating code"


class DaySecret(msgspec.Struct, frozen=True, rename="camel"):
    """The secret of a pass for one day (UTC, counted from 1970), base64url."""

    day: int
    secret: str


class LivePassView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All a phone needs: the pass itself, and for each day of its window a secret. docs/devices.md tells the code."""

    pass_id: int
    qr_token: str
    step_s: int
    secrets: Sequence[DaySecret]


@operation("access.live_pass", allow={"member", "desk", "manager", "admin"}, reads=True)
async def live_pass(ctx: Context, *, pass_id: int) -> LivePassView:
    """Return what a phone keeps to show a live pass, to its holder, the host of its guest, or the desk."""
    grant = await ctx.db.get(GrantRow, pass_id)
    if grant is None or not (may_carry(ctx, grant) or await _is_host(ctx, grant)):
        raise NotFound(f"There is no pass {pass_id}")
    return await live_view(ctx, grant)


async def live_view(ctx: Context, grant: GrantRow) -> LivePassView:
    """Return what a phone keeps of a grant, for whoever has made sure that the caller may have it."""
    if not (grant.live_code and is_printable(grant)):
        raise NoLiveCode("Ask for the pass with liveCode, and for at most a month")
    key = (await site_list(ctx, grant.site_id)).live_key
    # a phone's clock may be a step behind the first day or ahead of the last
    first = _day(grant.valid_from.timestamp() - live_code.STEP_S)
    last = _day((grant.valid_until + timedelta(seconds=live_code.STEP_S)).timestamp())
    return LivePassView(
        pass_id=grant.id,
        qr_token=token.as_base64url(await signed(ctx, grant)),
        step_s=live_code.STEP_S,
        secrets=[_secret(key, day, grant.id) for day in range(first, last + 1)],
    )


def _secret(site_key: bytes, day: int, pass_id: int) -> DaySecret:
    secret = live_code.secret(live_code.day_key(site_key, day), pass_id)
    return DaySecret(day, urlsafe_b64encode(secret).decode().rstrip("="))


def _day(moment: float) -> int:
    return live_code.day_of(live_code.step_of(moment))


async def _is_host(ctx: Context, grant: GrantRow) -> bool:
    host = select(GuestPassRow.host_user_id).where(GuestPassRow.grant_id == grant.id)
    return ctx.caller.user_id is not None and await ctx.db.scalar(host) == ctx.caller.user_id
