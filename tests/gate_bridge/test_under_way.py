"""A message under way has a number of its own, and whoever waits for it hears what became of it."""

import asyncio

import pytest

from gate_bridge import under_way
from gate_bridge.under_way import NotPublished, UnderWay, words


async def test_there_are_as_many_as_the_broker_takes():
    messages = UnderWay(2)
    first, second = messages.begin(), messages.begin()
    assert messages.full and first != second

    messages.end(first, 0)

    assert not messages.full and messages.room.is_set()


async def test_a_number_is_given_again_only_after_its_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(under_way, "NUMBERS", 3)
    messages = UnderWay(10)
    assert [messages.begin() for _ in range(3)] == [1, 2, 3]

    messages.end(2, 0)

    assert messages.begin() == 2


async def test_who_waits_hears_the_reason_and_who_does_not_is_not_meant():
    messages = UnderWay(10)
    number, other = messages.begin(), messages.begin()
    waiting = asyncio.create_task(messages.answer(number))
    await asyncio.sleep(0)

    assert messages.end(number, 0x87)
    assert await waiting == 0x87
    assert not messages.end(other, 0x87)
    assert not messages.end(other, 0)


async def test_a_lost_connection_answers_nothing_more():
    messages = UnderWay(10)
    waiting = asyncio.create_task(messages.answer(messages.begin()))
    await asyncio.sleep(0)

    messages.lose("gone")

    with pytest.raises(NotPublished, match="the connection was lost: gone"):
        await waiting
    assert messages.room.is_set()


def test_a_reason_is_told_in_words_or_at_least_as_a_number():
    assert (words(0x87), words(0xFE)) == ("not authorized", "reason 0xfe")
