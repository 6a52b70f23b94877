"""Whoever is asked at the desk why a gate stayed shut can tell, from the entry in the log."""

from datetime import timedelta
from typing import Any

import pytest

from domain.kernel.errors import NotFound
from tests.badges import CARD, Visitors, a_badge, passage_of
from tests.premises import Gate, Premises


async def told_of(premises: Premises, gate: Gate, event: Any, **members: Any) -> Any:
    await gate.report(event)
    log = await premises.ask("guard", "access.list_access_log", site_id=premises.ids["site"])
    about = {"access_id": log.items[0].access_id, **members}
    return await premises.ask("guard", "access.explain_decision", **about)


async def test_a_refusal_is_told_rule_by_rule_in_the_time_of_the_site(premises: Premises, entrance: Gate):
    begins, ends = premises.now + timedelta(hours=1), premises.now + timedelta(hours=3)
    made = await a_badge(premises, card=CARD, start=begins.isoformat(), end=ends.isoformat())
    decided = await Visitors(entrance).show(CARD)
    event = entrance.event(
        "decision", decision=decided.decision, rid=decided.rid, direction="in", admit=False
    )

    told = await told_of(premises, entrance, event)

    assert (told.admit, told.reason, told.method, told.pass_id) == (False, "not_yet", "nfc", made.pass_id)
    assert told.happened == "The gate stayed shut. This pass is not valid yet."
    assert told.why == "Valid from 13:00 to 15:00 on 2 March; it was 12:00."
    assert told.next == "Come back at 13:00 on 2 March."
    assert [(line.rule, line.verdict) for line in told.rules] == [
        ("token", "pass"),
        ("standing", "pass"),
        ("window", "deny"),
    ]
    assert [step.rule for step in told.trace] == ["token", "standing", "window"]


async def test_a_wrong_gate_names_those_that_lead_where_the_pass_may_go(premises: Premises, door: Gate):
    await a_badge(premises, card=CARD, zone_ids=[premises.ids["hall"]])
    decided = await Visitors(door).show(CARD)
    event = door.event("decision", decision=decided.decision, rid=decided.rid, direction="in", admit=False)

    told = await told_of(premises, door, event, language="ru")

    assert told.next == "Пройдите ко входу: entrance."
    assert told.why == "Проход ведёт в зону «office», а пропуск открывает: hall."


async def test_a_walk_leads_to_its_decision_and_an_answer_that_came_too_late_too(
    premises: Premises, entrance: Gate
):
    await a_badge(premises, card=CARD)
    decided = await Visitors(entrance).show(CARD)

    walk = await told_of(premises, entrance, passage_of(entrance, decided))
    late = await told_of(premises, entrance, passage_of(entrance, decided, decision=None, source="offline"))

    assert (walk.happened, walk.why, walk.next) == (
        "The gate opened.",
        "Every rule was met.",
        "Please walk through.",
    )
    assert late.decision == walk.decision == decided.decision


async def test_where_no_decision_is_kept_or_may_be_seen_there_is_none(premises: Premises, entrance: Gate):
    with pytest.raises(NotFound, match="decided alone"):
        await told_of(premises, entrance, entrance.event("boot"))
    with pytest.raises(NotFound):
        await told_of(premises, entrance, entrance.event("passage", rid="r9", direction="in"))
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.explain_decision", access_id=999)
    guard = premises.people["guard"]
    elsewhere = type(guard)(roles=guard.roles, user_id=guard.user_id, site_roles={9: frozenset({"guard"})})
    with pytest.raises(NotFound, match="access log"):
        await premises.house.call(elsewhere, "access.explain_decision", access_id=1)
