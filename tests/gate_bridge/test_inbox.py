"""The inbox is bounded and hands out batches without waiting longer than asked."""

import asyncio

import pytest

from gate_bridge.inbox import Closed, Inbox, Received


def message(number: int, qos: int = 1) -> Received:
    return Received("t", b"", qos, False, False, number, 1)


def numbers(messages: list[Received]) -> list[int]:
    return [message.number for message in messages]


class Source:
    """Counts what it is asked to do."""

    def __init__(self) -> None:
        self.asked = list[str]()

    def inbox(self, capacity: int = 10) -> Inbox:
        return Inbox(
            capacity, pause=lambda: self.asked.append("pause"), resume=lambda: self.asked.append("resume")
        )


async def test_a_batch_takes_what_is_there_up_to_its_limit():
    inbox = Source().inbox()
    for number in range(5):
        inbox.put(message(number))

    assert numbers(await inbox.batch(limit=3)) == [0, 1, 2]
    assert numbers(await inbox.batch(limit=3, linger_s=0)) == [3, 4]


async def test_a_batch_lingers_for_its_limit():
    inbox = Source().inbox()
    inbox.put(message(0))

    async with asyncio.TaskGroup() as group:
        batch = group.create_task(inbox.batch(limit=2, linger_s=60))
        await asyncio.sleep(0)
        inbox.put(message(1))

    assert numbers(batch.result()) == [0, 1]


async def test_a_batch_is_empty_when_patience_ends():
    assert await Source().inbox().batch(patience_s=0.001) == []


async def test_a_full_inbox_pauses_its_source_and_a_half_empty_one_resumes_it():
    source = Source()
    inbox = source.inbox(capacity=4)
    for number in range(4):
        inbox.put(message(number))

    assert source.asked == ["pause"]
    await inbox.batch(limit=1, linger_s=0)
    assert source.asked == ["pause"]
    await inbox.batch(limit=1, linger_s=0)
    assert source.asked == ["pause", "resume"]


async def test_a_lost_connection_takes_its_unacknowledged_messages_along():
    inbox = Source().inbox()
    inbox.put(message(1, qos=1))
    inbox.put(message(2, qos=0))

    inbox.drop_unacknowledged()

    assert numbers(await inbox.batch(linger_s=0)) == [2]


async def test_a_batch_that_lost_its_messages_while_lingering_waits_for_others():
    inbox = Source().inbox()
    inbox.put(message(1))

    async with asyncio.TaskGroup() as group:
        batch = group.create_task(inbox.batch(limit=2, linger_s=60))
        await asyncio.sleep(0)
        inbox.drop_unacknowledged()
        inbox.put(message(2))
        inbox.put(message(3))

    assert numbers(batch.result()) == [2, 3]


async def test_a_closed_inbox_gives_its_rest_and_then_says_so():
    inbox = Source().inbox()
    inbox.put(message(1))
    inbox.close()

    assert numbers(await inbox.batch(limit=5, linger_s=60)) == [1]
    with pytest.raises(Closed):
        await inbox.batch()
    assert [batch async for batch in inbox.batches()] == []
