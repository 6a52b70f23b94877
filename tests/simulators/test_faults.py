"""What goes wrong is scheduled by the plan alone, and a plan that cannot be played is refused by name."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.faults import (
    Act,
    Clone,
    Crowd,
    DoubleUse,
    Fault,
    Flapping,
    HalfOpen,
    Offline,
    PowerCut,
    WrongClock,
    needs_cable,
    process_cuts,
    schedule,
)
from simulators.plan import PlanUnreadable, load


def test_what_lasts_begins_and_ends_at_each_gate():
    acts = schedule([Offline(at_s=5, lasts_s=60, gates=(1, 2))], [1, 2, 3])

    assert acts == [
        Act(5, 0, 1, "begin"),
        Act(5, 0, 2, "begin"),
        Act(65, 0, 1, "end"),
        Act(65, 0, 2, "end"),
    ]


def test_a_fault_without_gates_happens_to_all_and_a_process_plays_its_own():
    faults: list[Fault] = [HalfOpen(at_s=1), PowerCut(at_s=2, gates=(9,))]

    assert schedule(faults, [1, 2]) == [Act(1, 0, 1, "begin"), Act(1, 0, 2, "begin")]
    assert schedule(faults, [9]) == [Act(1, 0, 9, "begin"), Act(2, 1, 9, "begin")]


def test_a_flapping_link_flaps_as_often_as_there_is_time():
    acts = schedule([Flapping(at_s=10, lasts_s=10, every_s=3)], [1])

    assert [(act.at_s, act.doing) for act in acts] == [(10, "begin"), (13, "again"), (16, "again")]


def test_a_clone_ends_after_its_age_and_its_time():
    assert schedule([Clone(at_s=1, age_s=4, lasts_s=6)], [1])[-1] == Act(11, 0, 1, "end")


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0.1, 1000)), max_size=5))
def test_acts_are_in_order_and_everything_that_begins_ends_later(spans: list[tuple[float, float]]):
    faults = [Crowd(at_s=at_s, lasts_s=lasts_s) for at_s, lasts_s in spans]

    acts = schedule(faults, [1, 2])

    assert acts == sorted(acts)
    assert len(acts) == 4 * len(spans)
    for number in range(len(spans)):
        assert [act.doing for act in acts if (act.fault, act.gate_id) == (number, 1)] == ["begin", "end"]


@pytest.mark.parametrize(
    ("fault", "wired"),
    [
        (Offline(at_s=0), True),
        (Offline(at_s=0, gates=(2,)), False),
        (PowerCut(at_s=0), True),
        (PowerCut(at_s=0, of="process"), False),
        (Crowd(at_s=0), False),
    ],
)
def test_only_gates_whose_wire_is_meddled_with_have_a_cable(fault: Fault, wired: bool):
    assert needs_cable([fault], 1) is wired


def test_only_a_parent_can_cut_the_power_of_a_process():
    cut = PowerCut(at_s=0, of="process")

    assert process_cuts([PowerCut(at_s=0), cut, Crowd(at_s=0)]) == [cut]


BROKEN = {
    "faults[0].kind": '{"kind":"earthquake","atS":1}',
    "faults[0].atS": '{"kind":"offline","atS":-1}',
    "unknown field `lasts` - at `$.faults[0]": '{"kind":"offline","atS":1,"lasts":5}',
    "missing required field `lastsS` - at `$.faults[0]": '{"kind":"clone","atS":1}',
    "there is no gate 7 - at `$.faults[0].gates": '{"kind":"poison","atS":1,"gates":[7]}',
    "needs two gates - at `$.faults[0].gates": '{"kind":"double_use","atS":1,"token":"x","gates":[1]}',
    "faults[0].byS": '{"kind":"wrong_clock","atS":1,"byS":0,"lastsS":1}',
    "faults[0].everyS": '{"kind":"flapping","atS":1,"lastsS":1,"everyS":2}',
    "faults[0].refused": '{"kind":"crowd","atS":1,"refused":2}',
}


@pytest.mark.parametrize("field", BROKEN)
def test_a_fault_that_cannot_be_played_is_refused_by_the_name_of_its_field(tmp_path: Path, field: str):
    with pytest.raises(PlanUnreadable) as refused:
        load(written(tmp_path, BROKEN[field], "mqtt://127.0.0.1"))

    assert field in str(refused.value)


def test_a_wire_that_is_encrypted_is_not_meddled_with(tmp_path: Path):
    half_open = '{"kind":"half_open","atS":1}'

    with pytest.raises(PlanUnreadable, match=r"mqtt:// broker only - at `\$\.faults\[0\]\.kind"):
        load(written(tmp_path, half_open, "mqtts://broker.example.com"))


def test_every_kind_is_read_as_it_is_written():
    faults: tuple[Fault, ...] = (
        PowerCut(at_s=1, of="process"),
        WrongClock(at_s=2, by_s=-3600, lasts_s=5),
        DoubleUse(at_s=3, token="x", gates=(1, 2)),
    )

    text = msgspec.json.encode(faults)

    assert b'"kind":"wrong_clock"' in text and b'"byS":-3600' in text
    assert msgspec.json.decode(text, type=tuple[Fault, ...]) == faults


def written(folder: Path, fault: str, broker: str) -> Path:
    """The path of a plan with gates 1 and 2 and one fault."""
    gates = ",".join(f'{{"gateId":{number},"siteId":1,"password":""}}' for number in (1, 2))
    path = folder / "fleet.json"
    path.write_text(f'{{"broker":"{broker}","gates":[{gates}],"faults":[{fault}]}}')
    return path
