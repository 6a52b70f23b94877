"""Statements without a session: fast, mended after a loss, and nothing else at hand."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from asyncpg import PostgresError
from sqlalchemy import text

from domain.kernel.database import connect
from domain.kernel.direct import NO_SESSION, Direct


@pytest.fixture
async def direct(database: str) -> AsyncIterator[Direct]:
    engine = connect(database)
    direct = Direct(engine, connections=2)
    yield direct
    await direct.close()
    await engine.dispose()


async def test_a_row_comes_by_its_names_and_none_where_there_is_none(direct: Direct):
    found = await direct.row(
        text("SELECT :b ::int AS second, :a ::int AS first, :b ::int AS again"), {"a": 1, "b": 2}
    )

    assert found is not None
    assert (found["first"], found["second"], found["again"]) == (1, 2, 2)
    assert await direct.row(text("SELECT 1 WHERE false"), {}) is None


async def test_a_refused_statement_leaves_the_connections_as_they_were(direct: Direct):
    for _ in range(5):
        with pytest.raises(PostgresError):
            await direct.row(text("SELECT 1 / :nothing ::int"), {"nothing": 0})

    assert await direct.row(text("SELECT 1 AS one"), {}) is not None


async def test_lost_connections_are_replaced(direct: Direct):
    who = text("SELECT pg_backend_pid() AS pid")
    first = await direct.row(who, {})
    assert first is not None
    end = text("SELECT pg_terminate_backend(:pid) AS ended")
    others = Direct(direct._engine)
    await others.row(end, {"pid": first["pid"]})
    await others.close()

    again = await direct.row(who, {})

    assert again is not None and again["pid"] != first["pid"]


async def test_more_statements_than_connections_wait_their_turn(direct: Direct):
    pid = text("SELECT pg_backend_pid() AS pid, pg_sleep(0.01)")
    rows = await asyncio.gather(*(direct.row(pid, {}) for _ in range(10)))

    assert len({row["pid"] for row in rows if row is not None}) == 2


def test_there_is_no_session_to_ask():
    with pytest.raises(TypeError, match=r"ctx\.row"):
        NO_SESSION.execute  # noqa: B018  # looking is what must be refused
