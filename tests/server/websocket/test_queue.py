"""What waits to be sent is bounded, ordered, thinned where a channel allows it, and leaves in few frames."""

from hypothesis import given
from hypothesis import strategies as st

from channels.limits import Limits
from server.websocket.queue import Queue


def taken(queue: Queue) -> list[bytes]:
    return [message for portion in queue.portions() for message in portion]


def test_waiting_messages_leave_together_in_order() -> None:
    queue = Queue(Limits())
    for number in range(3):
        assert queue.add(b"%d" % number)
    assert list(queue.portions()) == [[b"0", b"1", b"2"]]
    assert len(queue) == 0


def test_what_is_joined_has_a_largest_size() -> None:
    queue = Queue(Limits(joined_bytes=9))
    for message in (b"xxxx", b"yyyy", b"z", b"w" * 20, b"v"):
        queue.add(message)
    assert list(queue.portions()) == [[b"xxxx", b"yyyy"], [b"z"], [b"w" * 20], [b"v"]]


def test_what_does_not_fit_is_refused_by_count_and_by_size() -> None:
    few = Queue(Limits(queued_messages=2))
    assert [few.add(b"1"), few.add(b"2"), few.add(b"3")] == [True, True, False]
    small = Queue(Limits(queued_bytes=5))
    assert [small.add(b"xxxx"), small.add(b"xx")] == [True, False]
    assert taken(small) == [b"xxxx"]
    assert small.add(b"xx")


def test_one_large_answer_passes_an_empty_queue() -> None:
    queue = Queue(Limits(queued_bytes=5))
    assert queue.add(b"x" * 100)
    assert not queue.add(b"x")
    assert len(taken(queue)) == 1
    assert queue.add(b"x")


def test_of_a_channel_that_wants_the_latest_one_message_waits() -> None:
    queue = Queue(Limits(queued_messages=4))
    for number in range(100):
        assert queue.add(b"a%d" % number, "a", 1)
        assert queue.add(b"b%d" % number, "b", 1)
    assert queue.add(b"answer")
    assert queue.add(b"a100", "a", 1)
    assert taken(queue) == [b"b99", b"answer", b"a100"], "the newest stands where it came"


def test_of_a_channel_that_lets_go_the_oldest_give_way() -> None:
    queue = Queue(Limits())
    for number in range(10):
        assert queue.add(b"%d" % number, "a", 3)
    assert taken(queue) == [b"7", b"8", b"9"]
    assert queue.dropped == 7


def test_where_space_runs_out_the_channel_gives_its_own_oldest_before_it_is_refused() -> None:
    queue = Queue(Limits(queued_bytes=10))
    assert queue.add(b"xxxx")
    for letter in (b"aaaa", b"bbbb", b"cccc"):
        assert queue.add(letter, "a", 100)
    assert not queue.add(b"dddddddd", "a", 100), "what others wait for is not given away"
    assert taken(queue) == [b"xxxx"]


additions = st.tuples(st.sampled_from("abc"), st.sampled_from([0, 1, 3]), st.integers(0, 30))


@given(st.lists(st.one_of(additions, st.none()), max_size=80))
def test_whatever_comes_it_is_bounded_and_each_channel_keeps_its_newest_in_order(
    steps: list[tuple[str, int, int] | None],
) -> None:
    limits = Limits(queued_messages=8, queued_bytes=100, joined_bytes=40)
    queue, number = Queue(limits), 0
    expected: list[tuple[str, int, bytes]] = []
    for step in steps:
        if step is None:
            assert taken(queue) == [message for _, _, message in expected]
            expected = []
            continue
        channel, keeps, size = step
        number += 1
        message = b"%d" % number + b"x" * size
        accepted = queue.add(message, channel, keeps)
        expected = _thinned(expected, channel, keeps, len(message), limits)
        full = _full(expected, len(message), limits)
        assert accepted == (not expected or not full)
        if accepted:
            expected.append((channel, keeps, message))
        assert len(queue) == len(expected) <= limits.queued_messages


def _full(waiting: list[tuple[str, int, bytes]], size: int, limits: Limits) -> bool:
    return (
        len(waiting) >= limits.queued_messages
        or sum(len(m) for _, _, m in waiting) + size > limits.queued_bytes
    )


def _thinned(
    waiting: list[tuple[str, int, bytes]], channel: str, keeps: int, size: int, limits: Limits
) -> list[tuple[str, int, bytes]]:
    """Say it once more, slowly."""
    while keeps:
        mine = [one for one in waiting if one[0] == channel and one[1]]
        if len(mine) < keeps and not (mine and _full(waiting, size, limits)):
            break
        waiting = [one for one in waiting if one is not mine[0]]
    return waiting
