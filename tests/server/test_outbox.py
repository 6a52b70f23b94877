"""What waits to be sent is bounded, ordered, and leaves in few frames."""

from channels.limits import Limits
from channels.protocol.json import JsonCodec
from server.outbox import Outbox


def test_waiting_messages_leave_in_one_frame() -> None:
    outbox = Outbox(JsonCodec(), Limits())
    for number in range(3):
        assert outbox.add(b"%d" % number)
    assert outbox.take() == b"0\n1\n2"
    assert outbox.take() is None


def test_a_frame_has_a_largest_size() -> None:
    outbox = Outbox(JsonCodec(), Limits(joined_bytes=10))
    for _ in range(3):
        outbox.add(b"xxxx")
    assert [outbox.take(), outbox.take(), outbox.take()] == [b"xxxx\nxxxx", b"xxxx", None]


def test_what_does_not_fit_is_refused_by_count_and_by_size() -> None:
    few = Outbox(JsonCodec(), Limits(queued_messages=2))
    assert [few.add(b"1"), few.add(b"2"), few.add(b"3")] == [True, True, False]
    small = Outbox(JsonCodec(), Limits(queued_bytes=5))
    assert [small.add(b"xxxx"), small.add(b"xx"), small.take(), small.add(b"xx")] == [
        True,
        False,
        b"xxxx",
        True,
    ]


def test_one_large_answer_passes_an_empty_queue() -> None:
    outbox = Outbox(JsonCodec(), Limits(queued_bytes=5))
    assert outbox.add(b"x" * 100)
    assert not outbox.add(b"x")
    outbox.clear()
    assert outbox.take() is None


async def test_who_waits_is_woken_by_a_message_or_on_purpose() -> None:
    outbox = Outbox(JsonCodec(), Limits())
    outbox.add(b"1")
    await outbox.filled()
    outbox.wake()
    await outbox.filled()
