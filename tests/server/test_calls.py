"""A call is bounded in time, and an outage is told as one."""

import asyncio
from types import ModuleType

import pytest
from sqlalchemy import text

from channels.memory import MemoryBroker
from domain.kernel.caller import Caller
from domain.kernel.context import Context
from domain.kernel.contexts import Catalogue
from domain.kernel.database import connect
from domain.kernel.errors import Busy
from domain.kernel.feeds import Feeds
from domain.kernel.operations import collect_operations, operation
from server.calls import Calls
from server.process import compose
from tests.toy import tools

MEMBER = Caller(roles=frozenset({"member"}), user_id=7)


@operation("here.wait", allow={"member"}, reads=True)
async def wait(ctx: Context) -> None:
    """Wait for ever."""
    await asyncio.Event().wait()


@operation("here.ask", allow={"member"}, reads=True)
async def ask(ctx: Context) -> int:
    """Ask the database."""
    return int(await ctx.db.scalar(text("SELECT 1")) or 0)


@operation("here.fail", allow={"member"}, reads=True)
async def fail(ctx: Context) -> None:
    """Fail as a bug would."""
    raise ZeroDivisionError("a bug")


@operation("here.end", allow={"member"}, reads=True)
async def end(ctx: Context) -> None:
    """Lose the connection."""
    await ctx.db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def calls(url: str, **settings: float) -> Calls:
    here = ModuleType(__name__)
    here.__dict__.update(globals())
    catalogue = Catalogue(
        operations=collect_operations([here]), feeds=Feeds([]), events={}, reactions={}, jobs={}, followers={}
    )
    process = compose(catalogue=catalogue, engine=connect(url), broker=MemoryBroker(), tools=tools())
    return Calls(process.runtime, process.metrics, **settings)


async def test_a_call_that_takes_too_long_is_ended(database: str):
    with pytest.raises(Busy) as refused:
        await calls(database, deadline_s=0.01).run(MEMBER, "here.wait")
    assert refused.value.retry_after_s == 1


async def test_a_database_that_is_not_there_is_an_outage():
    with pytest.raises(Busy):
        await calls("postgresql+asyncpg://nobody@127.0.0.1:1/none").run(MEMBER, "here.ask")


async def test_a_connection_that_is_lost_is_an_outage_and_the_next_call_has_another(database: str):
    asked = calls(database)
    with pytest.raises(Busy):
        await asked.run(MEMBER, "here.end")
    assert await asked.run(MEMBER, "here.ask") == 1
    await asked.runtime.readers.kw["bind"].dispose()


async def test_a_bug_stays_a_bug(database: str):
    with pytest.raises(ZeroDivisionError):
        await calls(database).run(MEMBER, "here.fail")
