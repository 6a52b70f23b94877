"""A statement on the driver is part of the session's transaction, and its refusals are the session's."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from domain.kernel import driver
from domain.kernel.database import Sessions
from domain.kernel.log import UnpublishedRow
from domain.kernel.runtime import constraint, sqlstate

NOTE = text(
    "INSERT INTO unpublished (fact_id, since) VALUES (:id, now()) RETURNING fact_id, CAST(:word AS text), :id"
)


async def test_rows_come_back_with_arguments_by_name(writers: Sessions):
    async with writers.begin() as db:
        assert [tuple(row) for row in await driver.rows(db, NOTE, {"word": "ok", "id": 7})] == [(7, "ok", 7)]
        assert await db.scalar(select(UnpublishedRow.fact_id)) == 7


async def test_what_it_wrote_goes_with_the_transaction_even_as_its_first_statement(writers: Sessions):
    with pytest.raises(ZeroDivisionError):
        async with writers.begin() as db:
            await driver.rows(db, NOTE, {"word": "", "id": 7})
            raise ZeroDivisionError

    async with writers() as db:
        assert await db.scalar(select(UnpublishedRow.fact_id)) is None


async def test_a_savepoint_takes_it_back_alone(writers: Sessions):
    async with writers.begin() as db:
        await driver.rows(db, NOTE, {"word": "", "id": 1})
        with pytest.raises(DBAPIError):
            async with db.begin_nested():
                await driver.rows(db, NOTE, {"word": "", "id": 2})
                await driver.rows(db, NOTE, {"word": "", "id": 1})

    async with writers() as db:
        assert (await db.scalars(select(UnpublishedRow.fact_id))).all() == [1]


async def test_a_refusal_tells_which_constraint(writers: Sessions):
    async with writers.begin() as db:
        await driver.rows(db, NOTE, {"word": "", "id": 7})
        with pytest.raises(DBAPIError) as refused:
            await driver.rows(db, NOTE, {"word": "", "id": 7})
        await db.rollback()

    assert (sqlstate(refused.value), constraint(refused.value)) == ("23505", "unpublished_pkey")
