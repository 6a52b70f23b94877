"""Enrolment: a device becomes the device of a gate by a token that somebody shows it once, as a QR code.

1. A gate has one token at a time: a new one ends the one before, and so do fifteen minutes.
2. Of devices that bring the same token, one gets the account. It alone may ask again for a minute, should the answer
   be lost: it brings the same public key or the same nonce as the first time.
3. A token is kept as a hash. It is made anew from the installation's secret where an answer is repeated.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import EnrolmentOpened
from domain.access.operations.device_accounts import (
    DeviceView,
    account_of,
    renew_account,
    with_password,
)
from domain.access.rules import qr
from domain.access.tables.enrolments import EnrolmentRow
from domain.access.tables.place import DeviceRow, GateRow
from domain.identity.queries import attempts
from domain.identity.rules.limits import Limit, Subject, subject
from domain.kernel.caller import Caller
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.preparation import Preparation
from domain.kernel.tools import Tools

LASTS: Final = timedelta(minutes=15)
ASKED_AGAIN: Final = timedelta(seconds=60)
REFUSED_ENROLMENTS_FROM_ADDRESS: Final = Limit("enrol-address", 30, timedelta(hours=1))
QR_VERSION: Final = 1

Text = Annotated[str, msgspec.Meta(max_length=64)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
PublicKey = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z", description="Ed25519, 32 bytes in base64url.")
]
Nonce = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{16,64}\Z")]


class TokenUsed(DomainError):
    """Another device was faster, or the same one asks too late."""

    code, title = "enrolment_used", "This token has been used"


class EnrolmentView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A token for one device, as text and as a QR code (SVG, and PNG as a data address)."""

    gate_id: int
    enrolment: str
    expires_at: datetime
    token: str = ""
    qr_text: str = ""
    qr_svg: str = ""
    qr_png: str = ""


async def _with_token(ctx: Context, answer: EnrolmentView) -> EnrolmentView:
    token = _token(ctx.tools, answer.gate_id, answer.enrolment)
    said = {"v": QR_VERSION, "url": ctx.tools.policy.public_url, "gateId": answer.gate_id, "token": token}
    text = msgspec.json.encode(said).decode()
    picture = base64.b64encode(qr.png(text, scale=4)).decode()
    return msgspec.structs.replace(
        answer,
        token=token,
        qr_text=text,
        qr_svg=qr.svg(text).decode(),
        qr_png=f"data:image/png;base64,{picture}",
    )


@operation("access.open_enrolment", allow={"manager", "admin"}, reveal=_with_token)
async def open_enrolment(ctx: Context, *, gate_id: int) -> EnrolmentView:
    """Make the token by which one device becomes the device of a gate; good for 15 minutes, or until the next one."""
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True})
    if gate is None or gate.desk:
        raise NotFound(f"There is no gate {gate_id}")
    ctx.require("manager", site_id=gate.site_id)
    enrolment, expires_at = ctx.tools.random_bytes(8).hex(), ctx.now + LASTS
    fresh = {
        "token_hash": _hash(_token(ctx.tools, gate_id, enrolment)),
        "asked_by": ctx.caller.user_id,
        "expires_at": expires_at,
        "used_at": None,
        "device": None,
        "generation": None,
    }
    written = insert(EnrolmentRow).values(gate_id=gate_id, **fresh)
    await ctx.db.execute(written.on_conflict_do_update(index_elements=[EnrolmentRow.gate_id], set_=fresh))
    ctx.emit(EnrolmentOpened(gate_id=gate_id, site_id=gate.site_id, expires_at=expires_at), of=gate)
    return EnrolmentView(gate_id=gate_id, enrolment=enrolment, expires_at=expires_at)


async def not_too_often(before: Preparation, given: Any) -> Any:
    """Refuse an address that guesses, before anything is looked up."""
    if tried := _tries(before.tools, before.caller):
        async with before.readers() as db:
            await attempts.refuse_if_many(db, tried, before.now)
    return given


@operation(
    "access.enrol_device", allow={"anonymous"}, replays=False, prepare=not_too_often, reveal=with_password
)
async def enrol_device(
    ctx: Context,
    *,
    token: Token,
    hardware: Text = "",
    firmware: Text = "",
    public_key: PublicKey | None = None,
    nonce: Nonce | None = None,
) -> DeviceView:
    """Become the device of the gate that a token is for; the device it had is locked out.

    Who brings a public key or a nonce may ask again for 60 seconds with both unchanged, and gets the same answer.
    """
    ctx.keep(partial(_count_refused, tried=_tries(ctx.tools, ctx.caller)))
    gate, enrolment = await _found(ctx, token)
    device = _device(public_key, nonce)
    if enrolment.used_at is not None:
        return await account_of(ctx, gate, await _same_again(ctx, enrolment, device))
    if enrolment.expires_at <= ctx.now:
        raise Invalid.field("token", "has expired; have a new one shown")
    account = await renew_account(ctx, gate, by=enrolment.asked_by)
    account.hardware, account.public_key = hardware, public_key
    gate.firmware = firmware or gate.firmware
    enrolment.used_at, enrolment.device = ctx.now, device
    enrolment.generation = account.generation
    return await account_of(ctx, gate, account)


async def withdraw_enrolment(ctx: Context, gate_id: int) -> None:
    """Have a token that waits for a device be none any more; the caller holds the gate's lock."""
    waits = (EnrolmentRow.gate_id == gate_id) & EnrolmentRow.used_at.is_(None)
    await ctx.db.execute(delete(EnrolmentRow).where(waits))


async def _found(ctx: Context, token: str) -> tuple[GateRow, EnrolmentRow]:
    """Return the gate and the token's row, locked in the order in which a new token is made."""
    digest = _hash(token)
    gate_id = await ctx.db.scalar(select(EnrolmentRow.gate_id).where(EnrolmentRow.token_hash == digest))
    gate = await ctx.db.get(GateRow, gate_id, with_for_update={"key_share": True}) if gate_id else None
    enrolment = await ctx.db.get(EnrolmentRow, gate_id, with_for_update=True) if gate_id else None
    if gate is None or enrolment is None or not hmac.compare_digest(enrolment.token_hash, digest):
        raise Invalid.field("token", "is none that waits for a device; have a new one shown")
    return gate, enrolment


async def _same_again(ctx: Context, enrolment: EnrolmentRow, device: bytes | None) -> DeviceRow:
    """Return the account that this device was given already, should its answer have been lost."""
    account = await ctx.db.get_one(DeviceRow, enrolment.gate_id, with_for_update={"read": True})
    known = device is not None and enrolment.device is not None
    same = known and hmac.compare_digest(device or b"", enrolment.device or b"")
    in_time = enrolment.used_at is not None and ctx.now <= enrolment.used_at + ASKED_AGAIN
    if not (same and in_time and account.generation == enrolment.generation):
        raise TokenUsed("Another device has used this token, or this one a while ago; have a new one shown")
    return account


def _device(public_key: str | None, nonce: str | None) -> bytes | None:
    if public_key is None and nonce is None:
        return None
    return hashlib.sha256(f"{public_key or ''}\0{nonce or ''}".encode()).digest()


def _token(tools: Tools, gate_id: int, enrolment: str) -> str:
    secret = hmac.digest(tools.keys.derive("enrolment"), f"{gate_id}/{enrolment}".encode(), "sha256")
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _tries(tools: Tools, caller: Caller) -> list[Subject]:
    if not caller.address:
        return []
    return [subject(tools.keys, REFUSED_ENROLMENTS_FROM_ADDRESS, caller.address)]


async def _count_refused(ctx: Context, *, tried: list[Subject]) -> None:
    await attempts.count(ctx.db, tried, ctx.now)
