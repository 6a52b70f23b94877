"""The same key again gets the first answer; the same key with other content is refused.

The row is claimed first in the transaction of the call, so that a second caller waits on it and then reads the
first answer. Answers are stored without secrets: what ``reveal`` adds is derived again.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.caller import Caller
from domain.kernel.database import Table
from domain.kernel.errors import DomainError, Invalid, KeyReused
from domain.kernel.operations import Operation

LONGEST_KEY = 255


class IdempotencyRow(Table):
    """One key of one caller and, once its call has ended, the answer."""

    __tablename__ = "idempotency"

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Request(msgspec.Struct, frozen=True):
    """A keyed call, reduced to what tells it from another."""

    principal: str
    key: str
    operation: str
    request_hash: str


class Stored(msgspec.Struct, frozen=True):
    """What the first call was answered: ``status`` 200, or the status of a refusal and its problem document."""

    status: int
    answer: Any


def request(
    operation: Operation, caller: Caller, key: str, arguments: msgspec.Struct, hash_key: bytes
) -> Request:
    """Name a keyed call. Anonymous callers have no name of their own, so the content becomes part of it.

    The content is hashed with a key, since it may hold a password that a plain hash would give to guessing.

    Raises:
        Invalid: The key is empty or longer than 255 characters.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise Invalid.field("idempotencyKey", f"has 1 to {LONGEST_KEY} characters")
    message = operation.name.encode() + b"\0" + msgspec.json.encode(arguments)
    content = hmac.digest(hash_key, message, "sha256").hex()
    principal = caller.actor if "anonymous" not in caller.roles else f"anonymous:{content}"
    return Request(principal, key, operation.name, content)


async def claim(db: AsyncSession, asked: Request, now: datetime) -> Stored | None:
    """Return the stored answer of an earlier call, or None after claiming the key for this one.

    Raises:
        KeyReused: The key belongs to a call with other content.
    """
    mine = insert(IdempotencyRow).values(**msgspec.structs.asdict(asked), created_at=now)
    if await db.scalar(mine.on_conflict_do_nothing().returning(IdempotencyRow.key)):
        return None
    row = (
        await db.execute(
            select(IdempotencyRow)
            .where(IdempotencyRow.principal == asked.principal, IdempotencyRow.key == asked.key)
            .with_for_update()
        )
    ).scalar_one()
    if (row.operation, row.request_hash) != (asked.operation, asked.request_hash):
        raise KeyReused(f"The idempotency key {asked.key!r} came before with another {row.operation}")
    assert row.status is not None and row.answer is not None, "a committed row has its answer"
    return Stored(row.status, row.answer["value"])


async def conclude(db: AsyncSession, asked: Request, outcome: Any) -> None:
    """Write the answer, or the refusal, beside the key; a refusal that may pass gives the key back instead."""
    mine = (IdempotencyRow.principal == asked.principal, IdempotencyRow.key == asked.key)
    refused = isinstance(outcome, DomainError)
    if refused and outcome.passing:
        await db.execute(delete(IdempotencyRow).where(*mine))
        return
    value = outcome.problem() if refused else msgspec.to_builtins(outcome, str_keys=True)
    answered = {"status": value["status"] if refused else 200, "answer": {"value": value}}
    await db.execute(update(IdempotencyRow).where(*mine).values(answered))


async def forget(db: AsyncSession, members: Mapping[str, Any]) -> int:
    """Forget every key whose answer has these members, since it tells of somebody who is to be forgotten."""
    telling = IdempotencyRow.answer.contains({"value": dict(members)})
    gone = delete(IdempotencyRow).where(telling).returning(IdempotencyRow.key)
    return len((await db.scalars(gone.execution_options(synchronize_session=False))).all())


async def sweep(db: AsyncSession, *, before: datetime, limit: int = 1000) -> int:
    """Forget keys that were used before some moment; return how many, at most ``limit``."""
    old = select(IdempotencyRow.principal, IdempotencyRow.key).where(IdempotencyRow.created_at < before)
    chosen = old.limit(limit).with_for_update(skip_locked=True)
    both = tuple_(IdempotencyRow.principal, IdempotencyRow.key)
    swept = delete(IdempotencyRow).where(both.in_(chosen)).returning(IdempotencyRow.key)
    return len((await db.scalars(swept.execution_options(synchronize_session=False))).all())
