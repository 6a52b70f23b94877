"""The journal keeps what happened, in order, through power cuts, until it is acknowledged."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gate_bridge import wire
from simulators.journal import Journal, JournalInUse

SCRIPT = """
import sys
from pathlib import Path
from simulators.crash import CrashPoint
from simulators.journal import Journal
journal = Journal.open(Path(sys.argv[1]), crash=CrashPoint(sys.argv[2]))
for _ in range(5):
    event = journal.append("passage", 1, pass_id=7)
    print(event.seq, event.hash, flush=True)
    journal.acknowledge(event.seq - 1)
"""


def test_events_are_numbered_salted_and_chained(tmp_path: Path):
    journal = Journal.open(tmp_path / "j")

    first, second = journal.append("boot", 5), journal.append("passage", 6, pass_id=7, direction="in")

    assert (first.seq, first.previous_hash, first.salt) == (1, wire.GENESIS, None)
    assert (second.seq, second.previous_hash, second.epoch) == (2, first.hash, first.epoch)
    assert second.salt is not None
    assert wire.is_sealed(first) and wire.is_sealed(second)
    assert journal.all() == [first, second]


def test_everything_is_there_after_it_is_opened_again(tmp_path: Path):
    before = Journal.open(tmp_path / "j")
    events = [before.append("boot", number) for number in range(3)]
    session = before.next_session()
    before.acknowledge(1)
    before.close()

    after = Journal.open(tmp_path / "j")

    assert (after.epoch, after.last_seq, after.acknowledged, after.depth) == (before.epoch, 3, 1, 2)
    assert after.all() == events[1:]
    assert after.append("boot", 9).previous_hash == events[-1].hash
    assert after.next_session() == session + 1


def test_a_new_journal_has_a_new_epoch(tmp_path: Path):
    assert Journal.open(tmp_path / "a").epoch != Journal.open(tmp_path / "b").epoch


def test_only_acknowledged_events_are_forgotten_and_numbers_go_on(tmp_path: Path):
    journal = Journal.open(tmp_path / "j")
    for number in range(3):
        journal.append("boot", number)

    assert journal.acknowledge(3)
    assert not journal.acknowledge(2)
    assert not journal.acknowledge(99)

    assert journal.all() == []
    assert journal.append("boot", 4).seq == 4


def test_a_journal_for_auditors_keeps_all(tmp_path: Path):
    journal = Journal.open(tmp_path / "j", keep=True)
    event = journal.append("boot", 1)
    journal.acknowledge(1)

    assert journal.all() == [event]
    assert journal.depth == 0


def test_only_one_process_is_the_gate(tmp_path: Path):
    journal = Journal.open(tmp_path / "j")
    with pytest.raises(JournalInUse):
        Journal.open(tmp_path / "j")
    journal.close()

    Journal.open(tmp_path / "j").close()


@pytest.mark.parametrize(
    ("point", "told", "kept"),
    [
        ("mid_append:3", 2, 2),
        ("after_append:3", 2, 3),
        ("before_forget:2", 3, 3),
        ("after_forget:2", 3, 3),
    ],
)
def test_a_power_cut_leaves_whole_events_and_an_unbroken_chain(
    tmp_path: Path, point: str, told: int, kept: int
):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "j"), point]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert ended.returncode == -signal.SIGKILL
    printed = dict(line.split() for line in ended.stdout.splitlines())

    journal = Journal.open(tmp_path / "j")
    events = journal.all()

    assert (len(printed), journal.last_seq) == (told, kept)
    assert [event.seq for event in events] == list(range(journal.acknowledged + 1, kept + 1))
    assert all(wire.is_sealed(event) for event in events)
    assert all(printed.get(str(event.seq), event.hash) == event.hash for event in events)
    assert journal.append("boot", 1).previous_hash == events[-1].hash
