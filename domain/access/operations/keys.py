"""The keys that sign passes: made when first needed, kept for as long as anything printed with them may be shown.

They are rows of their own, not derived from the installation's secret, so that a new secret kills no printed pass.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from domain.access.rules.token import public_key_text
from domain.access.tables.rights import PassKeyRow
from domain.kernel.context import Context


async def newest_key(ctx: Context) -> PassKeyRow | None:
    """Return the newest key in use, for those who only read."""
    current = select(PassKeyRow).where(PassKeyRow.retired_at.is_(None))
    return await ctx.db.scalar(current.order_by(PassKeyRow.id.desc()).limit(1))


async def signing_key(ctx: Context) -> PassKeyRow:
    """Return the newest key in use, making the first one where there is none."""
    if row := await newest_key(ctx):
        return row
    await ctx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext("pass_keys"))))
    if row := await newest_key(ctx):
        return row
    last = await ctx.db.scalar(select(func.max(PassKeyRow.id))) or 0
    made = PassKeyRow(id=last + 1, seed=ctx.tools.random_bytes(32), created_at=ctx.now)
    ctx.db.add(made)
    await ctx.db.flush()
    return made


async def private_key(ctx: Context, key_id: int) -> Ed25519PrivateKey:
    """Return a key to sign with."""
    return Ed25519PrivateKey.from_private_bytes((await ctx.db.get_one(PassKeyRow, key_id)).seed)


async def public_keys(ctx: Context) -> dict[int, str]:
    """Return what verifies passes, as base64url by key id, for gates that decide without a link."""
    await signing_key(ctx)
    rows = (await ctx.db.scalars(select(PassKeyRow).order_by(PassKeyRow.id))).all()
    return {
        row.id: public_key_text(Ed25519PrivateKey.from_private_bytes(row.seed).public_key()) for row in rows
    }
