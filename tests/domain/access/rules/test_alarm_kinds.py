"""A gate speaks of what it senses, and of nothing else."""

from typing import Any, get_args

import pytest

from domain.access.rules.alarm_kinds import ALARM_KINDS, SENSED, Found, sensed


@pytest.mark.parametrize("kind", SENSED)
def test_what_gates_sense_is_known_by_its_name(kind: str):
    assert sensed(kind) == kind


@pytest.mark.parametrize("said", [*get_args(Found), "unnamed", "", "FIRE", None, 5, True])
def test_whatever_else_a_gate_says_has_no_name(said: Any):
    assert sensed(said) == "unnamed"


def test_no_kind_is_both():
    assert len(ALARM_KINDS) == len(set(ALARM_KINDS)) == len(SENSED) + len(get_args(Found)) + 1
