"""What an operation prepares is done before a connection is held, and what it keeps may answer for it."""

from types import ModuleType
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from domain.kernel import queue
from domain.kernel.caller import Caller
from domain.kernel.context import Context
from domain.kernel.database import readers, sessions
from domain.kernel.errors import DomainError, Invalid, TooMany
from domain.kernel.operations import collect_operations, operation
from domain.kernel.preparation import Preparation
from domain.kernel.reactions import Reactions
from domain.kernel.runtime import Runtime
from tests.toy import tools

CALLER = Caller(roles=frozenset({"member"}), user_id=7, address="203.0.113.9")


async def look_up(before: Preparation, given: Any) -> Any:
    async with before.readers() as db:
        doubled = await db.scalar(text("SELECT 2 * CAST(:number AS bigint)"), {"number": given.number})
        pool = db.get_bind().engine.pool
    assert isinstance(pool, QueuePool)
    if doubled > 100:
        raise Invalid.field("number", "is too large to begin with")
    told = f"{before.caller.address} {before.now.year > 2000} {pool.checkedout()}"
    return msgspec.structs.replace(given, number=doubled, told=told)


@operation("toy.double", allow={"member"}, prepare=look_up)
async def double(ctx: Context, *, number: int, told: str = "") -> str:
    """Tell what was prepared."""
    return f"{number} {told}"


@operation("toy.refuse_otherwise", allow={"member"})
async def refuse_otherwise(ctx: Context, *, number: int) -> None:
    """Be refused, in the words of what is kept if that has any."""

    async def silent(kept: Context) -> DomainError | None:
        return None

    async def stern(kept: Context) -> DomainError | None:
        return TooMany("That was one too many", retry_after_s=9) if number > 1 else None

    ctx.keep(silent)
    ctx.keep(stern)
    ctx.keep(silent)
    raise Invalid.field("number", "is refused always")


@pytest.fixture
def runtime(engine: AsyncEngine) -> Runtime:
    here = ModuleType(__name__)
    here.__dict__.update(globals())

    async def publish(*_: Any) -> None: ...

    return Runtime(
        operations=collect_operations([here]),
        reactions=Reactions({}),
        sessions=sessions(engine),
        readers=readers(engine),
        tools=tools(),
        enqueue=queue.enqueue,
        after_commit=publish,
        refusals={},
    )


async def test_what_is_prepared_reads_and_gives_its_connection_back(runtime: Runtime):
    assert await runtime.call(CALLER, "toy.double", {"number": 4}) == "8 203.0.113.9 True 0"


async def test_what_is_refused_while_preparing_leaves_the_key_free(runtime: Runtime):
    with pytest.raises(Invalid):
        await runtime.call(CALLER, "toy.double", {"number": 51}, key="k")

    assert await runtime.call(CALLER, "toy.double", {"number": 4}, key="k") == "8 203.0.113.9 True 0"


async def test_the_same_key_is_told_by_what_was_sent_not_by_what_was_prepared(runtime: Runtime):
    first = await runtime.call(CALLER, "toy.double", {"number": 4}, key="k")

    assert await runtime.call(CALLER, "toy.double", {"number": 4}, key="k") == first


async def test_what_is_kept_may_answer_with_a_refusal_of_its_own(runtime: Runtime):
    with pytest.raises(TooMany) as refused:
        await runtime.call(CALLER, "toy.refuse_otherwise", {"number": 2})
    assert refused.value.retry_after_s == 9

    with pytest.raises(Invalid):
        await runtime.call(CALLER, "toy.refuse_otherwise", {"number": 1})
