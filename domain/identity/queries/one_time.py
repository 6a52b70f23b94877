"""Makes, finds and spends one-time tokens."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.rules import one_time
from domain.identity.rules.one_time import Purpose
from domain.identity.tables import OneTimeTokenRow
from domain.kernel.errors import Invalid
from domain.kernel.keys import Keys

KEPT_AFTER_EXPIRY = timedelta(days=1)


async def make(
    db: AsyncSession, keys: Keys, purpose: Purpose, *, user_id: int, salt: bytes, now: datetime
) -> str | None:
    """Return the token that belongs to ``salt``, making its row the first time; None where it has lost its worth."""
    await db.execute(delete(OneTimeTokenRow).where(OneTimeTokenRow.expires_at < now - KEPT_AFTER_EXPIRY))
    fresh = insert(OneTimeTokenRow).values(
        user_id=user_id, purpose=purpose, salt=salt, expires_at=now + one_time.LASTS[purpose]
    )
    await db.execute(fresh.on_conflict_do_nothing())
    row = (await db.scalars(select(OneTimeTokenRow).where(OneTimeTokenRow.salt == salt))).one()
    return one_time.issue(keys, purpose, row.salt, row.id) if _usable(row, now) else None


async def find(
    db: AsyncSession, keys: Keys, purpose: Purpose, token: str, now: datetime, *, lock: bool = False
) -> OneTimeTokenRow:
    """Return the row of a token that may still be spent.

    Raises:
        Invalid: It is not ours, is spent, or has expired; which of them is nobody's business.
    """
    token_id = one_time.id_in(token)
    row = None
    if token_id is not None:
        # What was read before the lock was waited for is read again.
        with_lock = {"key_share": True} if lock else None
        row = await db.get(OneTimeTokenRow, token_id, with_for_update=with_lock, populate_existing=lock)
    if row is None or row.purpose != purpose or not _usable(row, now):
        raise _worthless()
    if not one_time.genuine(keys, purpose, row.salt, row.id, token):
        raise _worthless()
    return row


async def spend(db: AsyncSession, row: OneTimeTokenRow, now: datetime) -> None:
    """Spend a token that is locked, and with it every other of the person for the same purpose."""
    open_ones = update(OneTimeTokenRow).where(
        OneTimeTokenRow.user_id == row.user_id,
        OneTimeTokenRow.purpose == row.purpose,
        OneTimeTokenRow.spent_at.is_(None),
    )
    await db.execute(open_ones.values(spent_at=now))


def _usable(row: OneTimeTokenRow, now: datetime) -> bool:
    return row.spent_at is None and row.expires_at > now


def _worthless() -> Invalid:
    return Invalid.field("token", "is not valid, or not any more")
