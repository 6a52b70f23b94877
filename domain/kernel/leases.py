"""One process at a time: a row with an owner, an expiry and a generation.

A session's advisory lock would stay with a stopped process; a lease ends by itself. The generation grows with each
new holder, so that a late act of an old one can be told from the new one's. Only the database's clock counts.
"""

import asyncio
from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy import case, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel import queries
from domain.kernel.database import Sessions, Table
from domain.kernel.errors import Superseded
from domain.kernel.rounds import AWAY

logger = structlog.get_logger(__name__)

GOODBYE_S = 2


class LeaseRow(Table):
    """Who holds a role now."""

    __tablename__ = "leases"

    role: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    generation: Mapped[int]
    expires_at: Mapped[datetime]


class Term(msgspec.Struct, frozen=True):
    """What a holder may show when it acts: the role, who it is, and which generation of holders it belongs to."""

    role: str
    holder: str
    generation: int


async def acquire(db: AsyncSession, role: str, holder: str, *, lasts: timedelta) -> int | None:
    """Take or renew a lease; return its generation, or None while another holds it.

    The row stays locked till the transaction ends. A holder whose lease has lapsed and who takes it again before
    anybody else keeps the generation: nobody has acted in between.
    """
    end = func.clock_timestamp() + lasts
    fresh = insert(LeaseRow).values(role=role, holder=holder, generation=1, expires_at=end)
    mine = LeaseRow.holder == holder
    taken = fresh.on_conflict_do_update(
        index_elements=[LeaseRow.role],
        set_={
            "holder": holder,
            "expires_at": end,
            "generation": LeaseRow.generation + case((mine, 0), else_=1),
        },
        where=or_(mine, LeaseRow.expires_at < func.clock_timestamp()),
    )
    return await db.scalar(taken.returning(LeaseRow.generation))


async def holds(db: AsyncSession, role: str, holder: str, generation: int) -> bool:
    """Tell whether the lease is still this holder's, and keep it from changing hands till the transaction ends."""
    mine = {"role": role, "holder": holder, "generation": generation}
    return await db.scalar(queries.load("domain.kernel", "hold_lease"), mine) is not None


async def assert_term(db: AsyncSession, term: Term) -> None:
    """Refuse to act in a term that is over, and keep it from ending till the transaction does.

    Raises:
        Superseded: Another has taken over.
    """
    if not await holds(db, term.role, term.holder, term.generation):
        raise Superseded(f"{term.holder} holds {term.role} no longer")


async def release(db: AsyncSession, role: str, holder: str) -> None:
    """Give a lease back at once, so that a standby need not wait for its end."""
    mine = update(LeaseRow).where(LeaseRow.role == role, LeaseRow.holder == holder)
    await db.execute(mine.values(expires_at=func.clock_timestamp() - timedelta(seconds=1)))


async def hand_over(sessions: Sessions, role: str, holder: str) -> None:
    """Release a lease while a process is being stopped; where that fails it ends by itself."""
    try:
        async with asyncio.timeout(GOODBYE_S), sessions.begin() as db:
            await release(db, role, holder)
    except AWAY as error:
        logger.warning("a lease was not given back", role=role, error=str(error))
