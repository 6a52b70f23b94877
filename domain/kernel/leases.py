"""One process at a time: a row with an owner, an expiry and a generation.

A session's advisory lock would stay with a stopped process; a lease ends by itself. The generation grows with each
new holder, so that a late act of an old one can be told from the new one's.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Table


class LeaseRow(Table):
    """Who holds a role now."""

    __tablename__ = "leases"

    role: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    generation: Mapped[int]
    expires_at: Mapped[datetime]


async def acquire(db: AsyncSession, role: str, holder: str, *, now: datetime, lasts: timedelta) -> int | None:
    """Take or renew a lease; return its generation, or None while another holds it."""
    fresh = insert(LeaseRow).values(role=role, holder=holder, generation=1, expires_at=now + lasts)
    mine = LeaseRow.holder == holder
    taken = fresh.on_conflict_do_update(
        index_elements=[LeaseRow.role],
        set_={
            "holder": holder,
            "expires_at": now + lasts,
            "generation": LeaseRow.generation + mine.is_(False).cast(LeaseRow.generation.type),
        },
        where=or_(mine, LeaseRow.expires_at < now),
    )
    return await db.scalar(taken.returning(LeaseRow.generation))


async def release(db: AsyncSession, role: str, holder: str) -> None:
    """Give a lease back at once, so that a standby need not wait for its end."""
    mine = update(LeaseRow).where(LeaseRow.role == role, LeaseRow.holder == holder)
    await db.execute(mine.values(expires_at=func.now() - timedelta(seconds=1)))
