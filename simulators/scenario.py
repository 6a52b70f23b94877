"""A working day at the gates: people come, go to lunch, leave; some are refused; now and then a gate sounds.

`plan_day` is pure and, for one seed, always the same day; `live` plays it, day after day.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from simulators.control import NotPresented
from simulators.plan import GatePlan, Person, Scenario
from simulators.visitor import Show, Visitor

logger = logging.getLogger(__name__)

HOUR_S = 3600.0
ALARM_LASTS_S = 600.0
FORGED = "GH1:" + "0" * 135
STRANGERS_PER_DAY = 3
MAX_AT_ONCE = 200
"""People walking at the same moment; more wait for one to be through."""

Doing = Literal["come", "leave", "forge", "wrong_way", "alarm_on", "alarm_off"]
Alarm = Callable[[int, bool], None]
"""Switches the alarm of a gate on or off."""


class Act(Struct, frozen=True, order=True):
    """Something somebody does, so many seconds after the day's beginning."""

    at_s: float
    doing: Doing
    who: int = 0
    """Index of the person; for alarms and forgeries of the gate."""


def plan_day(scenario: Scenario, people: int, gates: int, *, day: int = 0) -> list[Act]:
    """Returns the acts of a day in order."""
    chance = random.Random(scenario.seed * 1000 + day)
    hours, acts = scenario.hours, list[Act]()

    def at(part_of_day: float, spread: float) -> float:
        moment = chance.gauss(part_of_day, spread) * hours * HOUR_S
        return min(max(moment, 0.0), hours * HOUR_S)

    for person in range(people):
        came = at(0.1, 0.07)
        acts.append(Act(came, "come", person))
        if chance.random() < 0.6:
            went = max(at(0.48, 0.05), came + 0.02 * hours * HOUR_S)
            acts += [Act(went, "leave", person), Act(went + at(0.06, 0.01), "come", person)]
        acts.append(Act(max(at(0.9, 0.06), came + 0.7 * hours * HOUR_S), "leave", person))
        if chance.random() < 0.1:
            acts.append(Act(at(0.5, 0.2), "wrong_way", person))
    for _ in range(STRANGERS_PER_DAY if gates else 0):
        acts.append(Act(at(0.5, 0.25), "forge", chance.randrange(gates)))
    for _ in range(scenario.alarms if gates else 0):
        gate, moment = chance.randrange(gates), at(0.5, 0.2)
        acts += [Act(moment, "alarm_on", gate), Act(moment + ALARM_LASTS_S, "alarm_off", gate)]
    return sorted(acts)


async def live(
    scenario: Scenario, people: tuple[Person, ...], gates: tuple[GatePlan, ...], show: Show, alarm: Alarm
) -> None:
    """Plays the day, and the next one where the scenario repeats."""
    visitors = [Visitor(person, show) for person in people]
    day = 0
    while True:
        acts = plan_day(scenario, len(people), len(gates), day=day)
        logger.info("day %d begins: %d people, %d acts", day + 1, len(people), len(acts))
        await _play(acts, scenario.speed, visitors, gates, show, alarm)
        day += 1
        if not scenario.repeat:
            return


async def _play(
    acts: list[Act],
    speed: float,
    visitors: list[Visitor],
    gates: tuple[GatePlan, ...],
    show: Show,
    alarm: Alarm,
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    room = asyncio.Semaphore(MAX_AT_ONCE)

    async def do(act: Act) -> None:
        async with room:
            try:
                await _act(act, visitors, gates, show, alarm)
            except NotPresented as error:
                logger.info("somebody went home: %s", error)

    async with asyncio.TaskGroup() as group:
        for act in acts:
            await asyncio.sleep(max(0.0, began + act.at_s / speed - loop.time()))
            group.create_task(do(act))


async def _act(
    act: Act, visitors: list[Visitor], gates: tuple[GatePlan, ...], show: Show, alarm: Alarm
) -> None:
    match act.doing:
        case "come":
            await visitors[act.who].come()
        case "leave":
            await visitors[act.who].leave()
        case "forge":
            await show(gates[act.who].gate_id, FORGED, "in")
        case "wrong_way":
            # Their pass at a gate that is not on their way.
            person = visitors[act.who].person
            others = [gate.gate_id for gate in gates if gate.gate_id not in person.gates]
            if others:
                await show(others[act.who % len(others)], person.token, "in")
        case "alarm_on" | "alarm_off":
            alarm(gates[act.who].gate_id, act.doing == "alarm_on")
