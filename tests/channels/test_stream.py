"""A stream numbers without gaps and forgets its oldest, and joins up with those who come back.

Proves: channels/stream.py, channels/recovery.py
"""

from hypothesis import given
from hypothesis import strategies as st

from channels.broadcast import Broadcast
from channels.recovery import Held, Verdict, judge, recovered
from channels.stream import HistoryPolicy, Position, Publication, Stream


@given(
    published=st.integers(0, 400),
    size=st.integers(1, 320),
    offset=st.integers(0, 420),
    foreign=st.booleans(),
)
def test_recovery_gives_all_that_was_missed_or_nothing(
    published: int, size: int, offset: int, foreign: bool
) -> None:
    stream = Stream()
    for number in range(1, published + 1):
        stream.append(b"%d" % number, HistoryPolicy(size, 60), 0)
    since = Position(offset, "other" if foreign else stream.epoch)
    missed = recovered(stream.read(0, since=since, limit=300), since)
    expected = list(range(offset + 1, published + 1))
    reachable = not foreign and offset <= published and len(expected) <= min(size, 300)
    assert ([p.offset for p in missed] if missed is not None else None) == (expected if reachable else None)


def test_an_aged_stream_keeps_its_top() -> None:
    stream = Stream()
    stream.append(b"1", HistoryPolicy(10, 5), now=0)
    assert len(stream.read(4.9, since=None, limit=10).publications) == 1
    assert stream.read(5, since=None, limit=10).publications == ()
    assert stream.append(b"2", HistoryPolicy(10, 5), now=6).offset == 2


def test_no_two_streams_share_an_epoch() -> None:
    assert len({Stream().epoch for _ in range(100)}) == 100


def test_a_live_publication_is_sent_skipped_or_a_gap() -> None:
    here = Position(5, "e")
    verdicts = {
        (4, "e"): Verdict.SKIP,
        (5, "e"): Verdict.SKIP,
        (6, "e"): Verdict.SEND,
        (7, "e"): Verdict.GAP,
        (6, "f"): Verdict.GAP,
        (1, "f"): Verdict.GAP,
        (0, ""): Verdict.SEND,
    }
    for (offset, epoch), verdict in verdicts.items():
        assert judge(here, Publication(data=b"", offset=offset, epoch=epoch)) is verdict


def test_what_does_not_fit_makes_the_held_incomplete() -> None:
    held = Held(most=2)
    broadcasts = [Broadcast("a", Publication(data=b"%d" % n)) for n in range(3)]
    for broadcast in broadcasts[:2]:
        held.add(broadcast)
    assert not held.incomplete
    held.add(broadcasts[2])
    assert held.incomplete
    assert list(held.release()) == broadcasts[:2]
    assert list(held.release()) == []
