"""What those in step read differences to: the payload that all of them had last, or none and everything whole.

Proves: channels/cohorts.py
"""

from dataclasses import dataclass

from channels.broadcast import Broadcast
from channels.cohorts import Cohorts, Manner
from channels.protocol.codecs import CODECS
from channels.recovery import Verdict
from channels.stream import Position, Publication

MSGPACK = CODECS[2]
DELTA = Manner(MSGPACK, positioned=True, delta=True, join_leave=False)
WHOLE = Manner(MSGPACK, positioned=True, delta=False, join_leave=False)
STORY = b"once upon a time there was a gate that counted to %d and closed"


@dataclass(frozen=True)
class Reader:
    name: str


ADA, BEN = Reader("Ada"), Reader("Ben")


def publish(cohorts: Cohorts[Reader], number: int, *, outside: bool = False) -> None:
    delivery = Publication(data=STORY % number, offset=0 if outside else number, epoch="e")
    cohorts.add(Broadcast("a", delivery), Verdict.SEND, Position(number - 1, "e"))


def kinds(cohorts: Cohorts[Reader], reader: Reader) -> list[bool]:
    """Write what somebody is owed; returns which of it are differences."""
    bench = cohorts.bench_of(reader)
    assert bench is not None
    found = []
    for message in cohorts.messages(bench):
        push = MSGPACK.decode_replies(message)[0].push
        assert push is not None and push.pub is not None
        found.append(push.pub.delta)
    cohorts.mark_written(bench)
    return found


def test_who_takes_a_seat_reads_a_difference_to_what_they_had():
    cohorts = Cohorts[Reader]()
    cohorts.seat(ADA, DELTA, 1, STORY % 1)
    publish(cohorts, 2)
    publish(cohorts, 3)
    assert kinds(cohorts, ADA) == [True, True]


def test_all_who_had_the_same_read_the_same():
    cohorts = Cohorts[Reader]()
    cohorts.seat(ADA, DELTA, 1, STORY % 1)
    cohorts.seat(BEN, DELTA, 2, bytes(bytearray(STORY % 1)))
    assert cohorts.bench_of(ADA) is cohorts.bench_of(BEN)
    publish(cohorts, 2)
    assert kinds(cohorts, BEN) == [True]


def test_who_had_something_else_makes_the_next_one_whole_for_all():
    cohorts = Cohorts[Reader]()
    cohorts.seat(ADA, DELTA, 1, STORY % 1)
    cohorts.seat(BEN, DELTA, 2, b"something outside the stream")
    publish(cohorts, 2)
    publish(cohorts, 3)
    assert kinds(cohorts, ADA) == [False, True]


def test_what_comes_outside_the_stream_is_no_base():
    cohorts = Cohorts[Reader]()
    cohorts.seat(ADA, DELTA, 1, STORY % 1)
    publish(cohorts, 2, outside=True)
    publish(cohorts, 2)
    publish(cohorts, 3)
    assert kinds(cohorts, ADA) == [True, False, True]


def test_nothing_is_kept_where_nobody_reads_differences():
    cohorts = Cohorts[Reader]()
    cohorts.seat(ADA, WHOLE, 1)
    publish(cohorts, 1)
    assert kinds(cohorts, ADA) == [False]
    assert cohorts.base is None
    cohorts.seat(BEN, DELTA, 2, STORY % 1)
    publish(cohorts, 2)
    assert (kinds(cohorts, ADA), kinds(cohorts, BEN)) == ([False], [True])
