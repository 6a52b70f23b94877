"""What gates are told of passes comes to the list that the database has, in changes, in parts, or as a whole.

Proves: domain/access/operations/list_publishing.py, domain/access/operations/list_terms.py
"""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import text

from domain.access.operations import list_publishing
from domain.access.operations.list_publishing import PublishedList
from domain.access.operations.lists import read_line
from domain.access.rules import live_code
from domain.access.rules.listing import EMPTY, Listed, ListFlag, toggled
from domain.access.rules.orders import ALL_GATES, is_signed
from domain.kernel.caller import SERVICE
from gate_bridge import wire
from tests.list_gate import ListGate, answer, publish, unpublished
from tests.premises import Premises


async def a_badge(premises: Premises, **more: Any) -> int:
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(days=30)).isoformat()}
    given = {"site_id": premises.ids["site"], "kind": "badge", "holder_name": "Ada", **window, **more}
    return int((await premises.ask("manager", "access.create_pass", **given)).pass_id)


async def lines(premises: Premises) -> dict[int, Listed]:
    """The list as the database has it."""
    made = await answer(premises, 0)
    put = [line for chunk in made for line in chunk.get("put", ())]
    return {line["p"]: read_line(line) for line in put}


async def test_a_change_is_told_as_that_change_signed_for_all_gates_of_the_site(premises: Premises):
    gate = await ListGate.open(premises)
    first = await a_badge(premises)
    (before,) = await publish(premises)
    premises.house.clock.now += timedelta(seconds=1)
    second = await a_badge(premises)

    (out,) = await publish(premises)

    assert before.delta is None and out.delta is not None
    assert [line["p"] for line in out.delta["put"]] == [second] != [first]
    assert (out.delta["from"], out.delta["to"]) == (before.revision, out.revision)
    assert is_signed("list delta", gate.site_id, ALL_GATES, out.delta, gate.keys[1])
    assert is_signed("list", gate.site_id, ALL_GATES, out.head, gate.keys[1])
    assert not is_signed("list", gate.site_id, ALL_GATES, out.delta, gate.keys[1])
    assert await unpublished(premises) == []


async def test_a_gate_that_hears_every_change_asks_for_nothing_more_and_has_the_list(premises: Premises):
    gate = await ListGate.open(premises)
    await gate.take_all()
    asked = list(gate.asked)

    badge = await a_badge(premises)
    await gate.take_all()
    await premises.ask("guard", "access.revoke_pass", pass_id=badge)
    await gate.take_all()

    assert gate.asked == asked
    assert gate.lists.known.lines == await lines(premises)
    assert gate.lists.known.lines[badge].flags & ListFlag.REVOKED
    assert gate.lists.revision == gate.lists.known.head.revision > 0  # type: ignore[union-attr]  # it has one


async def test_a_gate_that_missed_something_asks_for_what_it_missed(premises: Premises):
    gate = await ListGate.open(premises)
    badges = [await a_badge(premises) for _ in range(3)]
    await gate.take_all()
    had = gate.lists.revision
    for badge in badges[:2]:
        premises.house.clock.now += timedelta(seconds=1)
        await premises.ask("guard", "access.revoke_pass", pass_id=badge)
        await publish(premises)
    premises.house.clock.now += timedelta(seconds=1)
    await a_badge(premises)

    await gate.take_all()

    assert gate.asked[-1] == had
    missed = await answer(premises, had)
    assert {line["p"] for line in missed[0]["put"]} > set(badges[:2]) and badges[2] not in missed[0]["put"]
    assert gate.lists.known.lines == await lines(premises)


async def test_a_pass_that_has_ended_leaves_the_list(premises: Premises):
    gate = await ListGate.open(premises)
    badge = await a_badge(premises, end=(premises.now + timedelta(hours=1)).isoformat())
    await gate.take_all()
    assert badge in gate.lists.known.lines
    premises.house.clock.now += timedelta(hours=1)

    assert await premises.serve("access.settle_lists") == 1
    await gate.take_all()

    assert gate.lists.known.lines == {} == await lines(premises)
    assert gate.lists.revision > 0


async def test_a_broker_that_lost_its_messages_gets_the_heads_again_and_no_old_change(premises: Premises):
    await a_badge(premises)
    (before,) = await publish(premises)

    await premises.serve("access.republish_lists")

    (again,) = await publish(premises)
    assert (again.revision, again.delta) == (before.revision, None)
    assert await unpublished(premises) == []


async def test_what_changed_while_it_was_told_is_told_next(premises: Premises):
    (out,) = await unpublished(premises) or await unpublished_after_a_key(premises)
    await a_badge(premises)

    told = [PublishedList(out.site_id, out.revision)]
    await premises.serve("access.lists_published", lists=told)

    (next_,) = await publish(premises)
    assert next_.delta is not None and next_.delta["from"] == out.revision
    await premises.serve("access.lists_published", lists=told)
    assert await unpublished(premises) == []


async def unpublished_after_a_key(premises: Premises) -> Any:
    await ListGate.open(premises)
    return await unpublished(premises)


async def test_a_list_is_renewed_before_it_is_too_old_with_the_keys_of_the_days_to_come(premises: Premises):
    gate = await ListGate.open(premises)
    await gate.take_all()
    before = gate.lists.known.head
    assert await premises.serve("access.renew_lists") == 0
    premises.house.clock.now += list_publishing.RENEWED_AFTER + timedelta(seconds=1)

    assert await premises.serve("access.renew_lists") == 1
    assert await premises.serve("access.renew_lists") == 0  # it is not out yet
    await gate.take_all()

    head = gate.lists.known.head
    assert before is not None and head is not None and head.expires_ms > before.expires_ms
    today = live_code.day_of(live_code.step_of(premises.now.timestamp()))
    assert {int(day) for day in head.live_keys} == set(range(today - 1, today + 4))


async def test_what_gates_need_to_judge_by_is_in_the_head(premises: Premises):
    gate = await ListGate.open(premises)
    week = [[[540, 1080]]] * 5 + [[], []]
    site_id = premises.ids["site"]
    hours = await premises.ask(
        "manager", "access.create_schedule", site_id=site_id, name="office", week=week, holidays=[]
    )
    await premises.ask("manager", "access.set_holiday", site_id=site_id, day="2026-05-09", name="Victory")
    office: dict[str, Any] = {
        "zone_id": premises.ids["office"],
        "schedule_id": hours.schedule_id,
        "in_order": True,
    }
    timed: dict[str, Any] = {
        "passback": "timed",
        "passback_minutes": 30,
        "first_person": True,
        "two_person": True,
    }
    await premises.ask("manager", "access.change_zone", offline_policy="list_ok", **office, **timed)
    await premises.ask("guard", "access.open_zone", zone_id=premises.ids["office"])
    await gate.take_all()

    head = gate.lists.known.head
    assert head is not None and head.time_zone == "Europe/Moscow"
    assert head.holidays == ("2026-05-09",)
    assert head.hours[str(hours.schedule_id)].week[0] == ((540, 1080),)
    zone = head.zones[1]
    assert (zone.ordinal, zone.zone_id, zone.policy) == (1, premises.ids["office"], "list_ok")
    assert (zone.passback, zone.passback_minutes, zone.in_order) == ("timed", 30, True)
    assert (zone.first_person, zone.two_person, zone.schedule_id) == (True, True, hours.schedule_id)
    assert zone.opened_s == int(premises.now.timestamp())


async def test_a_long_list_comes_in_parts_that_gates_take(premises: Premises):
    gate = await ListGate.open(premises)
    badge = await a_badge(premises)
    await copies(premises, badge, 900)
    await premises.serve("access.recount_list", site_id=premises.ids["site"])

    chunks = await answer(premises, 0)
    for one in await publish(premises):
        gate.told(one)
    await gate.catch_up()

    assert len(chunks) > 1 and [chunk["i"] for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert all(len(msgspec.json.encode(chunk)) <= wire.MAX_LIST_BYTES for chunk in chunks)
    assert len(gate.lists.known.lines) == 901
    assert gate.lists.revision > 0


async def test_a_change_of_too_many_passes_is_not_told_unasked(premises: Premises, monkeypatch: Any):
    monkeypatch.setattr(list_publishing, "CHANGES_AT_ONCE", 1)
    gate = await ListGate.open(premises)
    badges = [await a_badge(premises) for _ in range(2)]
    await gate.take_all()
    for badge in badges:
        await premises.ask("guard", "access.revoke_pass", pass_id=badge)

    (out,) = await publish(premises)
    gate.told(out)
    await gate.catch_up()

    assert out.delta is None
    assert gate.lists.known.lines == await lines(premises) and gate.lists.revision == out.revision


async def test_the_digest_moves_with_the_lines_however_many_change_at_once(premises: Premises):
    badges = await asyncio.gather(*(a_badge(premises) for _ in range(6)))
    await asyncio.gather(
        *(premises.ask("guard", "access.revoke_pass", pass_id=badge) for badge in badges[:3]),
        *(a_badge(premises) for _ in range(3)),
        *(premises.ask("desk", "access.change_pass", pass_id=badge, unpaid=True) for badge in badges[2:]),
    )

    assert await premises.serve("access.recount_list", site_id=premises.ids["site"])
    assert len(await lines(premises)) == 9


async def test_a_digest_that_went_wrong_is_seen_and_put_right(premises: Premises):
    gate = await ListGate.open(premises)
    await a_badge(premises)
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(text("UPDATE site_lists SET digest = sha256('wrong')"))

    made = await premises.serve("access.answer_list", site_id=premises.ids["site"])
    assert not made.sound
    assert not await premises.serve("access.recount_list", site_id=premises.ids["site"])
    await gate.take_all()

    assert gate.lists.revision > 0


async def test_a_revocation_on_a_long_list_is_one_line_to_tell(premises: Premises):
    gate = await ListGate.open(premises)
    badge = await a_badge(premises)
    await copies(premises, badge, 500)
    await premises.serve("access.recount_list", site_id=premises.ids["site"])
    await gate.take_all()
    await premises.ask("guard", "access.revoke_pass", pass_id=badge)

    (out,) = await publish(premises)

    assert out.delta is not None and [line["p"] for line in out.delta["put"]] == [badge]
    assert gate.told(out)


async def test_a_site_without_a_key_is_not_told_anything(premises: Premises):
    assert await unpublished(premises) == []
    assert await premises.serve("access.answer_list", site_id=premises.ids["site"]) is None


async def test_only_the_house_publishes(premises: Premises):
    for name in ("list_unpublished_lists", "answer_list", "lists_published", "recount_list", "renew_lists"):
        operation = premises.house.runtime.operations[f"access.{name}"]
        assert operation.allow == {"service"}
    await premises.house.call(SERVICE, "access.republish_lists")


async def copies(premises: Premises, badge: int, count: int) -> None:
    """Many more passes like one."""
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(
            text(
                "WITH made AS (INSERT INTO grants SELECT (jsonb_populate_record(g, jsonb_build_object("
                "'id', nextval(pg_get_serial_sequence('grants', 'id'))))).* FROM grants g, generate_series(1, :n)"
                " WHERE g.id = :badge RETURNING id)"
                " INSERT INTO list_entries (grant_id, site_id, revision, watch, entry)"
                " SELECT made.id, e.site_id, e.revision, e.watch, jsonb_set(e.entry, '{p}', to_jsonb(made.id))"
                " FROM made, list_entries e WHERE e.grant_id = :badge"
            ),
            {"n": count, "badge": badge},
        )


def test_the_digest_is_that_of_the_lines_in_any_order():
    one, two = (Listed(pass_id=number, zones=1, valid_from=0, valid_until=9) for number in (1, 2))

    assert toggled(EMPTY, [one, two]) == toggled(EMPTY, [two, one]) != EMPTY
    assert toggled(toggled(EMPTY, [one, two]), [one]) == toggled(EMPTY, [two])
