"""The journal's way to the server: in order, in a window, again when not acknowledged."""

from pathlib import Path

import pytest

from gate_bridge import wire
from simulators import upload
from simulators.journal import Journal
from simulators.upload import Upload


class Line:
    """What was posted, as (leg, numbers); takes no more once `full`."""

    def __init__(self) -> None:
        self.posted = list[tuple[str, list[int]]]()
        self.full = False

    def post(self, leg: wire.Leg, message: wire.Message) -> bool:
        if self.full:
            return False
        events = message.events if isinstance(message, wire.Batch) else (message,)
        self.posted.append((leg, [event.seq for event in events if isinstance(event, wire.Event)]))
        return True


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path / "j")


def happen(journal: Journal, times: int) -> None:
    for _ in range(times):
        journal.append("boot", 1)


def test_what_was_before_the_connection_goes_in_a_batch_and_what_comes_after_one_by_one(journal: Journal):
    line = Line()
    way = Upload(journal, line.post)
    happen(journal, 3)
    way.connected(0)
    happen(journal, 1)
    way.appended(0)

    assert line.posted == [("up/batch", [1, 2, 3]), ("up/evt", [4])]


def test_nothing_is_posted_without_a_connection(journal: Journal):
    line = Line()
    way = Upload(journal, line.post)
    happen(journal, 1)
    way.appended(0)
    way.connected(1)
    way.disconnected()
    happen(journal, 1)
    way.appended(2)

    assert line.posted == [("up/batch", [1])]


def test_a_new_connection_sends_again_only_what_was_not_acknowledged(journal: Journal):
    line = Line()
    way = Upload(journal, line.post)
    happen(journal, 3)
    way.connected(0)
    way.acknowledged(2, 1)
    way.disconnected()
    line.posted.clear()
    way.connected(2)

    assert line.posted == [("up/batch", [3])]


def test_the_window_holds_the_rest_back_until_acknowledged(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(upload, "WINDOW", 2)
    line = Line()
    way = Upload(journal, line.post)
    way.connected(0)
    for _ in range(4):
        happen(journal, 1)
        way.appended(0)

    assert line.posted == [("up/evt", [1]), ("up/evt", [2])]
    way.acknowledged(1, 0)
    assert line.posted[2:] == [("up/evt", [3]), ("up/evt", [4])]


def test_what_stays_unacknowledged_is_sent_again_after_a_while(journal: Journal):
    line = Line()
    way = Upload(journal, line.post)
    way.connected(0)
    happen(journal, 2)
    way.appended(100)
    line.posted.clear()

    way.tick(100 + upload.PATIENCE_S)
    assert line.posted == []
    way.tick(100 + upload.PATIENCE_S + 0.1)
    assert line.posted == [("up/batch", [1, 2])]


def test_a_connection_that_was_too_full_gets_the_rest_later(journal: Journal):
    line = Line()
    way = Upload(journal, line.post)
    way.connected(0)
    line.full = True
    happen(journal, 1)
    way.appended(0)
    line.full = False
    way.tick(1)

    assert line.posted == [("up/evt", [1])]


def test_what_the_server_misses_is_sent_again_if_it_is_still_kept(journal: Journal):
    line = Line()
    way = Upload(journal, line.post)
    way.connected(0)
    happen(journal, 5)
    way.appended(0)
    way.acknowledged(1, 0)
    line.posted.clear()

    way.wanted(((1, 2), (4, 9)))

    assert line.posted == [("up/batch", [2]), ("up/batch", [4, 5])]
