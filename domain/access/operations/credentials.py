"""Cards, PINs and plates: what a pass is shown by besides its QR code."""

import hmac
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from domain.access.events import PassChanged
from domain.access.operations.lists import list_passes, site_list
from domain.access.rules.credentials import digest, hint, normalised
from domain.access.tables.credentials import CredentialRow
from domain.access.tables.rights import GrantRow
from domain.kernel.caller import STAFF
from domain.kernel.context import Context
from domain.kernel.errors import DomainError, Invalid, NotFound
from domain.kernel.operations import operation
from domain.kernel.tools import Tools

PIN_DIGITS = 6
TRIES = 20
"""PINs drawn before a site counts as full of them."""
GENERATION_BYTES = 6
"""A PIN is derived from a random number that is kept, so that none comes again and none is stored."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class NoPinLeft(DomainError):
    """Nearly all PINs of a site are taken."""

    code, title = "no_pin_left", "This site has too many PINs for one more to be hard to guess"


class CredentialView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A card, PIN or plate of a pass. ``pin`` is shown to whoever asked for it, in that answer only."""

    credential_id: int
    pass_id: int
    kind: str
    hint: str
    created_at: datetime
    generation: int = 0
    pin: str | None = None


@operation("access.add_credential", allow={"desk", "manager", "admin"})
async def add_credential(
    ctx: Context, *, pass_id: int, kind: Literal["nfc", "plate"], value: Text
) -> CredentialView:
    """Let a card or a number plate open gates for a pass; a plate is read in Latin or Cyrillic letters alike."""
    grant = await _grant(ctx, pass_id)
    plain = normalised(kind, value)
    if plain is None:
        shape = "8 to 32 hexadecimal digits" if kind == "nfc" else "2 to 12 letters and digits"
        raise Invalid.field("value", f"must be {shape}")
    key = (await site_list(ctx, grant.site_id)).credential_key
    row = CredentialRow(
        site_id=grant.site_id,
        grant_id=grant.id,
        kind=kind,
        digest=digest(key, kind, plain),
        hint=hint(kind, plain),
        created_at=ctx.now,
    )
    ctx.db.add(row)
    await ctx.db.flush()
    await _changed(ctx, grant)
    return _view(row)


async def _with_pin(ctx: Context, answer: CredentialView) -> CredentialView:
    pin = _pin(ctx.tools, answer.pass_id, answer.generation)
    return msgspec.structs.replace(answer, pin=pin)


@operation("access.give_pin", allow={"desk", "manager", "admin"}, reveal=_with_pin)
async def give_pin(ctx: Context, *, pass_id: int) -> CredentialView:
    """Give a pass a PIN that nobody else at the site has; the one it had opens nothing any more."""
    grant = await _grant(ctx, pass_id)
    old = (CredentialRow.grant_id == pass_id) & (CredentialRow.kind == "pin")
    await ctx.db.execute(delete(CredentialRow).where(old))
    row = await _draw(ctx, grant)
    await _changed(ctx, grant)
    return _view(row)


@operation("access.remove_credential", allow={"desk", "manager", "admin"})
async def remove_credential(ctx: Context, *, credential_id: int) -> None:
    """Have a card, PIN or plate open nothing any more."""
    row = await ctx.db.get(CredentialRow, credential_id)
    if row is None or not ctx.caller.holds("desk", "manager", site_id=row.site_id):
        raise NotFound(f"There is no credential {credential_id}")
    grant = await _grant(ctx, row.grant_id)
    mine = delete(CredentialRow).where(CredentialRow.id == credential_id)
    if await ctx.db.scalar(mine.returning(CredentialRow.id)) is None:
        raise NotFound(f"There is no credential {credential_id}")
    await _changed(ctx, grant)


@operation("access.list_credentials", allow={"guard", "desk", "manager", "admin"}, reads=True)
async def list_credentials(ctx: Context, *, pass_id: int) -> list[CredentialView]:
    """List what a pass is shown by, to staff of its site."""
    grant = await ctx.db.get(GrantRow, pass_id)
    if grant is None or not ctx.caller.holds(*STAFF, site_id=grant.site_id):
        raise NotFound(f"There is no pass {pass_id}")
    chosen = select(CredentialRow).where(CredentialRow.grant_id == pass_id).order_by(CredentialRow.id)
    return [_view(row) for row in await ctx.db.scalars(chosen)]


async def _draw(ctx: Context, grant: GrantRow) -> CredentialRow:
    key = (await site_list(ctx, grant.site_id)).credential_key
    for _ in range(TRIES):
        drawn = int.from_bytes(ctx.tools.random_bytes(GENERATION_BYTES))
        plain = _pin(ctx.tools, grant.id, drawn)
        fresh = insert(CredentialRow).values(
            site_id=grant.site_id,
            grant_id=grant.id,
            kind="pin",
            digest=digest(key, "pin", plain),
            hint=hint("pin", plain),
            generation=drawn,
            created_at=ctx.now,
        )
        taken = await ctx.db.scalar(fresh.on_conflict_do_nothing().returning(CredentialRow.id))
        if taken is not None:
            return await ctx.db.get_one(CredentialRow, taken)
    raise NoPinLeft("Remove PINs that nobody uses, or give out cards")


def _pin(tools: Tools, pass_id: int, generation: int) -> str:
    drawn = hmac.digest(tools.keys.derive("pins"), f"{pass_id}/{generation}".encode(), "sha256")
    return f"{int.from_bytes(drawn[:8], 'big') % 10**PIN_DIGITS:0{PIN_DIGITS}d}"


async def _grant(ctx: Context, pass_id: int) -> GrantRow:
    grant = await ctx.db.get(GrantRow, pass_id, with_for_update={"key_share": True})
    if grant is None or not ctx.caller.holds("desk", "manager", site_id=grant.site_id):
        raise NotFound(f"There is no pass {pass_id}")
    return grant


async def _changed(ctx: Context, grant: GrantRow) -> None:
    await list_passes(ctx, [grant])
    ctx.emit(PassChanged(pass_id=grant.id, site_id=grant.site_id))


def _view(row: CredentialRow) -> CredentialView:
    return CredentialView(
        credential_id=row.id,
        pass_id=row.grant_id,
        kind=row.kind,
        hint=row.hint,
        created_at=row.created_at,
        generation=row.generation,
    )
