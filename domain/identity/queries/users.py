"""Finds accounts."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import UserRow
from domain.kernel.errors import NotFound


async def by_email(db: AsyncSession, email: str, *, lock: bool = False) -> UserRow | None:
    """Return the account with this address, ``lock`` keeping its password and state as they are till commit."""
    found = select(UserRow).where(func.lower(UserRow.email) == email)
    return await db.scalar(found.with_for_update(read=True) if lock else found)


async def password_hash_of(db: AsyncSession, email: str) -> str | None:
    """Return the stored hash of the account with this address, if there is one."""
    return await db.scalar(select(UserRow.password_hash).where(func.lower(UserRow.email) == email))


async def user_to_change(db: AsyncSession, user_id: int) -> UserRow:
    """Return an account under its lock.

    Raises:
        NotFound: There is none.
    """
    lock = {"key_share": True}
    return present(await db.get(UserRow, user_id, with_for_update=lock, populate_existing=True), user_id)


def present(row: UserRow | None, user_id: int) -> UserRow:
    """Return the row that was asked for.

    Raises:
        NotFound: It was not there.
    """
    if row is None:
        raise NotFound(f"There is no user {user_id}")
    return row
