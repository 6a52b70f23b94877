"""Counts attempts, so that guessing and pestering come to an end."""

import math
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.rules.limits import Subject
from domain.identity.tables import AttemptsRow
from domain.kernel.errors import TooMany

SWEPT_AT_ONCE = 100


async def refuse_if_many(db: AsyncSession, subjects: Sequence[Subject], now: datetime) -> None:
    """Refuse where one of these has been tried too often.

    Raises:
        TooMany: It has; ``retry_after_s`` says when its window ends.
    """
    limits = {subject.key: subject.limit.most for subject in subjects}
    running = select(AttemptsRow).where(AttemptsRow.subject.in_(limits), AttemptsRow.ends_at > now)
    full = [row.ends_at for row in await db.scalars(running) if row.count >= limits[row.subject]]
    if full:
        raise too_many(max(full), now)


async def count(db: AsyncSession, subjects: Sequence[Subject], now: datetime) -> TooMany | None:
    """Count one attempt for each of these; return the refusal where one was full already.

    The caller names the subjects in one order of kinds everywhere, so that no two wait for each other.
    """
    refusals = [await _count_one(db, subject, now) for subject in subjects]
    await _sweep(db, now)
    return next((refusal for refusal in refusals if refusal), None)


async def forget(db: AsyncSession, subject: Subject) -> None:
    """Begin anew, after the right person has shown up."""
    await db.execute(delete(AttemptsRow).where(AttemptsRow.subject == subject.key))


def too_many(until: datetime, now: datetime) -> TooMany:
    """Return the refusal that lasts ``until`` then."""
    wait_s = max(1, math.ceil((until - now).total_seconds()))
    return TooMany(f"Too many attempts; try again in {wait_s} seconds", retry_after_s=wait_s)


async def _count_one(db: AsyncSession, subject: Subject, now: datetime) -> TooMany | None:
    over = AttemptsRow.ends_at <= now
    first = insert(AttemptsRow).values(subject=subject.key, count=1, ends_at=now + subject.limit.window)
    counted = first.on_conflict_do_update(
        index_elements=[AttemptsRow.subject],
        set_={
            "count": case((over, 1), else_=AttemptsRow.count + 1),
            "ends_at": case((over, first.excluded.ends_at), else_=AttemptsRow.ends_at),
        },
        where=or_(over, AttemptsRow.count < subject.limit.most),
    )
    if await db.scalar(counted.returning(AttemptsRow.count)) is not None:
        return None
    until = await db.scalar(select(AttemptsRow.ends_at).where(AttemptsRow.subject == subject.key))
    return too_many(until or now, now)


async def _sweep(db: AsyncSession, now: datetime) -> None:
    """Drop windows that have ended, a few at a time, never waiting for a row that somebody holds."""
    ended = select(AttemptsRow.subject).where(AttemptsRow.ends_at <= now).limit(SWEPT_AT_ONCE)
    await db.execute(
        delete(AttemptsRow).where(AttemptsRow.subject.in_(ended.with_for_update(skip_locked=True)))
    )
