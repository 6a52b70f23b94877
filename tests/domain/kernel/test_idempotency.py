"""The same key gets the first answer, at any moment and however many ask at once."""

import asyncio

import pytest
from sqlalchemy import select

from domain.kernel.caller import Caller
from domain.kernel.database import Sessions
from domain.kernel.errors import DomainError, Invalid, KeyReused, TooMany
from domain.kernel.idempotency import IdempotencyRow, request
from tests.toy import MEMBER, LabelTaken, Toy


async def test_fifty_at_once_have_one_effect_and_one_answer(toy: Toy):
    counter_id = await toy.make()
    given = {"counterId": counter_id, "by": 3}

    answers = await toy.gather(
        *(toy.runtime.call(MEMBER, "toy.raise_counter", given, key="once") for _ in range(50))
    )

    assert {answer.amount for answer in answers} == {3}
    assert await toy.amount(counter_id) == 3
    assert len(toy.published) == 2


async def test_fifty_at_once_get_one_refusal(toy: Toy):
    await toy.make("taken")

    answers = await toy.gather(
        *(toy.runtime.call(MEMBER, "toy.make_counter", {"label": "taken"}, key="once") for _ in range(50))
    )

    problems = [answer.problem() for answer in answers if isinstance(answer, DomainError)]
    assert len(problems) == 50
    assert all(problem == LabelTaken("Choose another label").problem() for problem in problems)


async def test_a_replayed_refusal_keeps_its_fields(toy: Toy):
    counter_id = await toy.make()
    for _ in range(2):
        with pytest.raises(DomainError) as caught:
            await toy.runtime.call(MEMBER, "toy.refuse", {"counterId": counter_id}, key="k")

    assert caught.value.problem() == Invalid.field("counterId", "is refused always").problem()
    assert caught.value.errors[0].field == "counterId"


async def test_a_replayed_refusal_keeps_nothing_again(toy: Toy):
    counter_id = await toy.make()

    for _ in range(3):
        with pytest.raises(DomainError):
            await toy.runtime.call(MEMBER, "toy.refuse_and_keep", {"counterId": counter_id}, key="k")

    assert await toy.amount(counter_id) == 1


async def test_the_same_key_with_other_content_is_refused(toy: Toy):
    await toy.runtime.call(MEMBER, "toy.make_counter", {"label": "a"}, key="k")

    with pytest.raises(KeyReused):
        await toy.runtime.call(MEMBER, "toy.make_counter", {"label": "b"}, key="k")
    with pytest.raises(KeyReused):
        await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": 1}, key="k")


async def test_spelling_and_order_of_the_same_content_do_not_matter(toy: Toy):
    counter_id = await toy.make()
    spellings = [
        b'{"counterId": %d, "by": 2}' % counter_id,
        b'{"by": 2, "counter_id": %d}' % counter_id,
    ]

    for body in spellings:
        await toy.runtime.call(MEMBER, "toy.raise_counter", body, key="k")

    assert await toy.amount(counter_id) == 2


async def test_keys_of_different_callers_are_different(toy: Toy):
    counter_id = await toy.make()
    other = Caller(roles=frozenset({"member"}), user_id=8)

    for caller in (MEMBER, other):
        await toy.runtime.call(caller, "toy.raise_counter", {"counterId": counter_id}, key="k")

    assert await toy.amount(counter_id) == 2


async def test_a_key_is_not_taken_by_a_call_that_broke_down(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    with pytest.raises(ZeroDivisionError):
        await toy.runtime.call(MEMBER, "toy.break_down", {"counterId": counter_id}, key="k")

    async with writers() as db:
        assert (await db.scalars(select(IdempotencyRow))).all() == []


async def test_a_call_cut_off_in_the_middle_may_come_again(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    async with writers.begin() as db:
        await db.execute(select(IdempotencyRow).with_for_update())
        call = asyncio.create_task(
            toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id}, key="k")
        )
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    again = await toy.runtime.call(MEMBER, "toy.raise_counter", {"counterId": counter_id}, key="k")

    assert again.amount == await toy.amount(counter_id) == 1


async def test_a_refusal_that_may_pass_is_no_answer_to_keep(toy: Toy):
    counter_id = await toy.make()
    given = {"counterId": counter_id}
    for _ in range(2):
        with pytest.raises(TooMany):
            await toy.runtime.call(MEMBER, "toy.count_and_refuse", given, key="k")
    assert await toy.amount(counter_id) == 2


async def test_reads_keep_no_rows(toy: Toy, writers: Sessions):
    counter_id = await toy.make()
    await toy.runtime.call(MEMBER, "toy.read_counter", {"counterId": counter_id}, key="k")

    async with writers() as db:
        assert (await db.scalars(select(IdempotencyRow))).all() == []


def test_a_secret_cannot_be_guessed_from_the_row(toy: Toy):
    operation = toy.runtime.operations["toy.make_counter"]
    given = operation.params(label="my password")

    one, other = (request(operation, MEMBER, "k", given, key) for key in (b"1" * 32, b"2" * 32))

    assert one.request_hash != other.request_hash


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_sensible_length(toy: Toy, key: str):
    operation = toy.runtime.operations["toy.make_counter"]

    with pytest.raises(Invalid):
        request(operation, MEMBER, key, operation.params(label="a"), b"k" * 32)
