"""A gate says what is wrong as a whole, and only when that has changed."""

from pathlib import Path

from gate_bridge import wire
from simulators.conditions import Conditions
from simulators.journal import Journal


def test_what_begins_and_ends_is_said_once(tmp_path: Path):
    journal, conditions = Journal.open(tmp_path / "journal"), Conditions()

    def happens(kind: wire.Kind, alarm: str) -> bool:
        return conditions.took_place(journal.append(kind, 1000 + journal.last_seq, extra={"alarm": alarm}))

    assert happens("alarm_on", "jam") and happens("alarm_on", "fire")
    assert not happens("alarm_on", "jam")
    assert conditions.said.current == (
        wire.Condition(kind="jam", since_ms=1000, seq=1),
        wire.Condition(kind="fire", since_ms=1001, seq=2),
    )

    assert happens("alarm_off", "jam") and not happens("alarm_off", "jam")
    assert [condition.kind for condition in conditions.said.current] == ["fire"]


def test_an_alarm_of_another_kind_is_an_event_only(tmp_path: Path):
    journal, conditions = Journal.open(tmp_path / "journal"), Conditions()

    assert not conditions.took_place(journal.append("alarm_on", 1, extra={"alarm": "rust"}))
    assert conditions.said == wire.Conditions(())
