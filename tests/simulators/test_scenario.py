"""A simulated day is the same for one seed, in order, and full of the usual people."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.access.rules.facts import Direction
from simulators.plan import GatePlan, Person, Scenario
from simulators.presented import Presented
from simulators.scenario import FORGED, live, plan_day

GATES = tuple(GatePlan(gate_id=number, site_id=1, password="") for number in (1, 2))
PEOPLE = tuple(Person(token=f"t{number}", gates=(1,)) for number in range(20))


@given(st.integers(0, 50), st.integers(0, 5), st.integers(0, 1000))
def test_a_day_is_in_order_and_the_same_again(people: int, gates: int, seed: int):
    scenario = Scenario(seed=seed)

    acts = plan_day(scenario, people, gates)

    assert acts == sorted(acts) == plan_day(scenario, people, gates)
    assert {act.who for act in acts if act.doing == "come"} == set(range(people))
    for person in range(people):
        ways = [act.doing for act in acts if act.who == person and act.doing in ("come", "leave")]
        assert ways in (["come", "leave"], ["come", "leave", "come", "leave"])


def test_another_day_is_another_day():
    assert plan_day(Scenario(), 5, 1, day=0) != plan_day(Scenario(), 5, 1, day=1)


async def test_a_day_is_played_once_with_all_its_people():
    shown = Counter[tuple[str, Direction]]()
    alarms = list[bool]()

    async def show(gate_id: int, token: str, direction: Direction) -> Presented:
        shown[token, direction] += 1
        await asyncio.sleep(0)
        return Presented(
            gate_id=gate_id,
            verdict="admit",
            reason="ok",
            text="",
            action="",
            passed=token != FORGED,
            source="online",
            request_id="",
            seq=1,
            milliseconds=1,
        )

    def alarm(gate_id: int, on: bool) -> None:
        alarms.append(on)

    await live(Scenario(speed=1_000_000, alarms=1, repeat=False), PEOPLE, GATES, show, alarm)

    assert {token for token, _ in shown} == {person.token for person in PEOPLE} | {FORGED}
    assert alarms == [True, False]
    assert sum(shown[f"t{number}", "out"] for number in range(20)) >= 20
