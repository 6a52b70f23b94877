"""Every gate is one process's, and stays that whatever else is in the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.share import Share, share


@given(st.integers(1, 10**9), st.integers(1, 64))
def test_a_gate_has_exactly_one_process(gate_id: int, processes: int):
    holders = [number for number in range(1, processes + 1) if Share(number, processes).holds(gate_id)]

    assert len(holders) == 1


def test_gates_are_spread_evenly():
    counts = [sum(map(Share(number, 5).holds, range(1, 5001))) for number in range(1, 6)]

    assert all(900 < count < 1100 for count in counts)


def test_a_share_is_read_as_it_is_written():
    assert share("2/5") == Share(2, 5)
    assert str(Share(2, 5)) == "2/5"
    assert Share(2, 5).door("fleet.sock") == "fleet.sock.2"


@pytest.mark.parametrize("text", ["", "5", "0/5", "6/5", "a/b"])
def test_what_is_no_share_is_refused(text: str):
    with pytest.raises(ValueError):
        share(text)
