"""What one statement does with many walks is what the rules say of one after the other."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from domain.access.rules.passage import OUTSIDE, Standing, after
from domain.access.rules.passage import Walk as Walked
from tests.premises import Gate, Premises

ROUNDS, WALKS = 12, 9


async def passes(premises: Premises, count: int) -> list[int]:
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(hours=8)).isoformat()}
    for _ in range(count):
        await premises.ask("member", "access.create_guest_pass", guest_name="Ada", **window)
    return [row.id for row in await rows(premises, "SELECT id FROM grants ORDER BY id")]


async def rows(premises: Premises, question: str) -> list[Any]:
    async with premises.house.runtime.readers() as db:
        return list((await db.execute(text(question))).all())


async def test_random_walks_in_batches_end_where_the_rules_say(
    premises: Premises, entrance: Gate, door: Gate
) -> None:
    dice = random.Random(1)
    grants = [*await passes(premises, 3), None]
    hall, office = premises.ids["hall"], premises.ids["office"]
    between = {entrance.gate_id: (None, hall), door.gate_id: (hall, office)}
    for _ in range(ROUNDS):
        for gate in (entrance, door):
            await gate.report(
                *(
                    gate.event(
                        direction=dice.choice(["in", "out"]),
                        grant_id=dice.choice(grants),
                        historical=True,
                        at=premises.now - timedelta(minutes=dice.randrange(30)),
                    )
                    for _ in range(dice.randrange(1, WALKS))
                )
            )

    standing = dict.fromkeys([grant for grant in grants if grant is not None], OUTSIDE)
    inside: Counter[int | None] = Counter()
    visits, arrived = list[tuple[int, str]](), dict[int, Any]()
    for row in await rows(
        premises, "SELECT id, gate_id, grant_id, direction, at FROM access_log ORDER BY id"
    ):
        left, entered = between[row.gate_id][:: 1 if row.direction == "in" else -1]
        walk = Walked(row.id, left, entered, row.at)
        if row.grant_id is None:
            inside[left] -= 1
            inside[entered] += 1
            continue
        was = standing[row.grant_id]
        standing[row.grant_id] = after(was, walk)
        if walk.comes_in and not was.entered:
            arrived[row.grant_id] = row.at
        if None in (left, entered):
            visits.append((row.grant_id, "enter" if walk.comes_in else "exit"))
    inside.update(one.inside for one in standing.values())

    stored = await rows(premises, "SELECT id, inside_zone_id, entered, moved_at, moved_by FROM grants")
    assert {row[0]: Standing(row[1], row[2], row[3], row[4] or 0) for row in stored} == standing
    counted = await rows(premises, "SELECT id, inside FROM zones")
    assert {row.id: row.inside for row in counted} == {hall: inside[hall], office: inside[office]}
    written = (
        "SELECT g.grant_id, action FROM visits JOIN guest_passes g ON g.id = guest_pass_id ORDER BY visits.id"
    )
    assert [tuple(row) for row in await rows(premises, written)] == visits
    came = await rows(premises, "SELECT grant_id, arrived_at FROM guest_passes WHERE arrived_at IS NOT NULL")
    assert {row.grant_id: row.arrived_at for row in came} == arrived
    told = await premises.named("visit.logged")
    assert [one.action for one in told] == [action for _, action in visits]
    assert sum(one.first for one in told) == len(arrived)
