"""Guest passes from the asking to the walk, against a real database."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from domain.access.operations.recording import Poison
from domain.access.rules import token
from domain.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from tests.premises import Gate, Premises


async def ask_for_pass(premises: Premises, who: str = "member", **members: Any) -> Any:
    given = {
        "guest_name": "Ada Lovelace",
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(hours=8)).isoformat(),
    }
    return await premises.ask(who, "access.create_guest_pass", **given | members)


async def count(premises: Premises, table: str) -> int:
    async with premises.house.runtime.readers() as db:
        return int((await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def test_a_pass_without_further_words_opens_the_guest_zones_of_the_hosts_site(
    premises: Premises,
) -> None:
    made = await ask_for_pass(premises)
    assert made.site_id == premises.ids["site"]
    assert made.zone_ids == [premises.ids["hall"]]
    assert made.host_user_id == premises.people["member"].user_id
    assert made.state == "expected"
    assert len(made.qr_token) == 120


async def test_a_time_without_offset_is_read_in_the_sites_zone(premises: Premises) -> None:
    made = await ask_for_pass(premises, start="2026-03-02T12:00:00", end="2026-03-02T13:30:00")
    assert (made.start.hour, made.end.hour, made.end.minute) == (9, 10, 30)


async def test_a_pass_ends_when_it_was_asked_to_and_offline_never_later(premises: Premises) -> None:
    end = premises.now + timedelta(minutes=30, seconds=45, microseconds=7)
    made = await ask_for_pass(premises, end=end.isoformat())
    assert made.end == end.replace(microsecond=0)
    claim = token.verify(base64.urlsafe_b64decode(made.qr_token), await public_keys(premises))
    assert isinstance(claim, token.PassClaim)
    assert claim.not_after == int(end.timestamp()) - 45


async def public_keys(premises: Premises) -> dict[int, Any]:
    device = await premises.ask("manager", "access.provision_gate", gate_id=premises.ids["entrance"])
    return {key_id: token.public_key(text) for key_id, text in device.pass_keys.items()}


async def test_the_same_key_gives_the_same_pass_and_token_and_stores_no_token(premises: Premises) -> None:
    first = await ask_for_pass(premises, key="k1")
    again = await ask_for_pass(premises, key="k1")
    assert msgspec.to_builtins(again) == msgspec.to_builtins(first)
    assert await count(premises, "guest_passes") == 1
    async with premises.house.runtime.readers() as db:
        stored = (await db.execute(text("SELECT answer::text FROM idempotency"))).scalar_one()
    assert first.qr_token not in stored


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T09:00:00Z"}, "end"),
        ({"start": "2026-03-01T10:00:00Z", "end": "2026-03-01T11:00:00Z"}, "end"),
        ({"end": "2026-05-02T10:00:00Z"}, "end"),
        ({"guest_name": ""}, "guestName"),
        ({"guest_email": "nobody"}, "guestEmail"),
        ({"zone_ids": [999]}, "zoneIds"),
        ({"entries": "twice"}, "entries"),
        ({"host_user_id": 999}, "hostUserId"),
    ],
)
async def test_bad_input_names_its_field_and_leaves_nothing(
    premises: Premises, members: dict[str, Any], field: str
) -> None:
    with pytest.raises(DomainError) as refused:
        await ask_for_pass(premises, "desk", **{"host_user_id": premises.people["member"].user_id} | members)
    assert isinstance(refused.value, Invalid)
    assert field in {problem.field for problem in refused.value.errors}
    assert await count(premises, "guest_passes") == await count(premises, "grants") == 0


async def test_who_belongs_to_no_site_expects_nobody(premises: Premises) -> None:
    with pytest.raises(Invalid, match="siteId"):
        await ask_for_pass(premises, "stranger")
    with pytest.raises(Forbidden):
        await ask_for_pass(premises, "stranger", site_id=premises.ids["site"])


async def test_a_member_may_not_be_generous_in_anothers_name_or_with_closed_zones(premises: Premises) -> None:
    with pytest.raises(Forbidden):
        await ask_for_pass(premises, host_user_id=premises.people["guard"].user_id)
    with pytest.raises(Forbidden):
        await ask_for_pass(premises, zone_ids=[premises.ids["office"]])


async def test_the_token_is_for_the_host_and_the_desk_only(premises: Premises) -> None:
    made = await ask_for_pass(premises)
    seen = {
        who: (await premises.ask(who, "access.get_guest_pass", guest_pass_id=made.guest_pass_id)).qr_token
        for who in ("member", "desk", "manager", "guard", "admin")
    }
    assert seen == dict.fromkeys(("member", "desk", "manager", "admin"), made.qr_token) | {"guard": None}
    with pytest.raises(NotFound):
        await premises.ask("stranger", "access.get_guest_pass", guest_pass_id=made.guest_pass_id)


async def test_a_guest_walks_in_and_the_log_the_visits_and_the_zone_know(
    premises: Premises, entrance: Gate
) -> None:
    made = await ask_for_pass(premises)
    decided = await entrance.scan(made.qr_token)
    assert (decided.admit, decided.reason, decided.initials) == (True, "ok", "AL")
    walked = {"rid": "r1", "decision": decided.decision, "direction": "in", "grant_id": decided.grant_id}
    journals = await entrance.report(
        entrance.event("decision", admit=True, reason="ok", **walked), entrance.event("passage", **walked)
    )
    assert [(j.up_to, list(j.missing)) for j in journals] == [(2, [])]

    log = await premises.ask("guard", "access.list_access_log", site_id=premises.ids["site"])
    assert [(e.kind, e.person, e.zone_name, e.host_name) for e in log.items] == [
        ("passage", "Ada Lovelace", "hall", "member"),
        ("decision", "Ada Lovelace", "hall", "member"),
    ]
    visits = await premises.ask("member", "access.list_visits", guest_pass_id=made.guest_pass_id)
    assert [(v.action, v.gate_id) for v in visits.items] == [("enter", entrance.gate_id)]
    zone = await premises.ask("guard", "access.get_zone", zone_id=premises.ids["hall"])
    assert zone.inside == 1
    (visit,) = await premises.named("visit.logged")
    assert visit.first
    shown = await premises.ask("member", "access.get_guest_pass", guest_pass_id=made.guest_pass_id)
    assert (shown.state, shown.arrived_at) == ("inside", premises.now)


async def test_each_refusal_has_its_reason(premises: Premises, entrance: Gate, door: Gate) -> None:
    made = await ask_for_pass(premises)
    early = await ask_for_pass(premises, start=(premises.now + timedelta(hours=1)).isoformat())
    gone = await ask_for_pass(premises)
    await premises.ask("guard", "access.revoke_guest_pass", guest_pass_id=gone.guest_pass_id, reason="lost")
    forged = ("A" if made.qr_token[60] != "A" else "B").join((made.qr_token[:60], made.qr_token[61:]))
    reasons = {
        "junk": (await entrance.scan("junk", rid="a")).reason,
        "forged": (await entrance.scan(forged, rid="b")).reason,
        "other zone": (await door.scan(made.qr_token, rid="c")).reason,
        "early": (await entrance.scan(early.qr_token, rid="d")).reason,
        "revoked": (await entrance.scan(gone.qr_token, rid="e")).reason,
    }
    premises.house.clock.advance(hours=9)
    reasons["late"] = (await entrance.scan(made.qr_token, rid="f")).reason
    assert reasons == {
        "junk": "unknown",
        "forged": "bad_sig",
        "other zone": "wrong_zone",
        "early": "not_yet",
        "revoked": "revoked",
        "late": "expired",
    }


async def test_a_forged_code_is_nobodys(premises: Premises, entrance: Gate) -> None:
    made = await ask_for_pass(premises)
    forged = ("A" if made.qr_token[60] != "A" else "B").join((made.qr_token[:60], made.qr_token[61:]))
    answer = await entrance.scan(forged)
    assert (answer.reason, answer.grant_id, answer.initials) == ("bad_sig", None, "")


async def test_of_many_scans_of_a_single_entry_at_once_exactly_one_is_admitted(
    premises: Premises, entrance: Gate
) -> None:
    made = await ask_for_pass(premises, entries="single")
    answers = await asyncio.gather(*(entrance.scan(made.qr_token, rid=f"r{n}") for n in range(20)))
    assert sum(answer.admit for answer in answers) == 1
    assert {answer.reason for answer in answers} == {"ok", "already_used"}


async def test_a_place_under_a_cap_is_promised_once(premises: Premises, entrance: Gate) -> None:
    await premises.ask("manager", "access.change_zone", zone_id=premises.ids["hall"], capacity=3)
    passes = [await ask_for_pass(premises) for _ in range(12)]
    answers = await asyncio.gather(
        *(entrance.scan(made.qr_token, rid=f"r{n}") for n, made in enumerate(passes))
    )
    admitted = [answer.admit for answer in answers]
    assert sum(admitted) <= 3
    again = [(await entrance.scan(made.qr_token, rid=f"s{n}")).admit for n, made in enumerate(passes)]
    assert sum(admitted) + sum(again) == 3


async def test_a_scan_asked_again_gets_the_same_answer(premises: Premises, entrance: Gate) -> None:
    made = await ask_for_pass(premises, entries="single")
    first = await entrance.scan(made.qr_token)
    again = await entrance.scan(made.qr_token)
    assert (again.admit, again.decision) == (True, first.decision)


async def test_nobody_walking_frees_what_was_held(premises: Premises, entrance: Gate) -> None:
    made = await ask_for_pass(premises, entries="single")
    decided = await entrance.scan(made.qr_token)
    assert (await entrance.scan(made.qr_token, rid="r2")).reason == "already_used"
    await entrance.report(entrance.event("no_passage", rid="r1", direction="in", grant_id=decided.grant_id))
    assert (await entrance.scan(made.qr_token, rid="r3")).admit
    premises.house.clock.advance(seconds=6)
    assert (await entrance.scan(made.qr_token, rid="r4")).admit


async def test_a_pass_inside_does_not_enter_again_and_always_gets_out(
    premises: Premises, entrance: Gate
) -> None:
    made = await ask_for_pass(premises)
    grant = (await entrance.scan(made.qr_token)).grant_id
    await entrance.report(entrance.event(rid="r1", direction="in", grant_id=grant))
    assert (await entrance.scan(made.qr_token, rid="r2")).reason == "passback"
    await premises.ask("member", "access.revoke_guest_pass", guest_pass_id=made.guest_pass_id)
    assert (await entrance.scan(made.qr_token, "out", rid="r3")).admit
    await entrance.report(entrance.event(rid="r3", direction="out", grant_id=grant))
    zone = await premises.ask("guard", "access.get_zone", zone_id=premises.ids["hall"])
    assert zone.inside == 0


async def test_three_hundred_deliveries_of_a_hundred_events_are_a_hundred_rows(
    premises: Premises, entrance: Gate
) -> None:
    events = [entrance.event(direction="in") for _ in range(100)]
    await asyncio.gather(*(entrance.report(*events[n::3]) for n in range(3) for _ in range(3)))
    assert await count(premises, "access_log") == await count(premises, "access_keys") == 100
    zone = await premises.ask("guard", "access.get_zone", zone_id=premises.ids["hall"])
    assert zone.inside == 100
    assert len(await premises.named("access.recorded")) == 100
    (journal,) = await entrance.report(events[0])
    assert (journal.up_to, list(journal.missing)) == (100, [])


async def test_a_hole_is_known_until_it_is_filled(premises: Premises, entrance: Gate) -> None:
    events = [entrance.event() for _ in range(10)]
    (journal,) = await entrance.report(*events[:3], *events[5:])
    assert (journal.up_to, list(journal.missing)) == (3, [(4, 5)])
    (journal,) = await entrance.report(events[3])
    assert (journal.up_to, list(journal.missing)) == (4, [(5, 5)])
    (journal,) = await entrance.report(events[4])
    assert (journal.up_to, list(journal.missing)) == (10, [])


async def test_the_same_number_with_another_content_is_kept_apart_and_raises_an_alarm(
    premises: Premises, entrance: Gate
) -> None:
    clone = Gate(premises, entrance.gate_id)
    await entrance.report(entrance.event(direction="in"))
    await clone.report(clone.event(direction="out"))
    assert await count(premises, "access_log") == 1
    assert await count(premises, "quarantine") == 1
    assert [alarm.alarm for alarm in (await premises.named("gate.alarm_raised"))] == ["contradiction"]


async def test_poison_goes_to_quarantine_and_steps_over_its_number(
    premises: Premises, entrance: Gate
) -> None:
    first = entrance.event()
    entrance.event()
    junk = Poison(
        topic=f"gh/1/1/{entrance.gate_id}/up/evt",
        reason="k: is no kind of event",
        payload=b'{"k": 5}\0',
        gate_id=entrance.gate_id,
        epoch=entrance.epoch,
        seq=2,
    )
    (journal,) = await premises.serve("access.record", events=[first, entrance.event()], poison=[junk])
    assert (journal.up_to, list(journal.missing)) == (3, [])
    stranger = Gate(premises, 999)
    assert await stranger.report(stranger.event()) == []
    assert await count(premises, "quarantine") == 2


async def test_the_log_has_a_partition_for_each_day_and_loses_nothing_without(
    premises: Premises, entrance: Gate
) -> None:
    assert await premises.serve("access.open_days") == 7
    assert await premises.serve("access.open_days") == 0
    await entrance.report(entrance.event())
    premises.house.clock.advance(days=1)
    await entrance.report(entrance.event())
    premises.house.clock.advance(days=30)
    await entrance.report(entrance.event())
    async with premises.house.runtime.readers() as db:
        where = await db.scalars(text("SELECT tableoid::regclass::text FROM access_log ORDER BY id"))
        assert where.all() == ["access_log_20260302", "access_log_20260303", "access_log_other"]
    listed = await premises.ask("guard", "access.list_access_log", site_id=premises.ids["site"])
    assert len(listed.items) == 3


async def test_a_late_will_does_not_mark_a_gate_offline_that_has_come_back(
    premises: Premises, entrance: Gate
) -> None:
    about = {"gate_id": entrance.gate_id, "epoch": entrance.epoch}
    await premises.serve("access.report_birth", session=7, **about)
    await premises.serve("access.report_birth", session=8, **about)
    assert await premises.serve("access.report_death", session=7, **about) == "stale"
    assert (await premises.ask("guard", "access.get_gate", gate_id=entrance.gate_id)).link == "online"
    assert await premises.serve("access.report_death", session=8, **about) == "taken"
    assert (await premises.ask("guard", "access.get_gate", gate_id=entrance.gate_id)).link == "offline"
    assert len(await premises.named("gate.online")) == len(await premises.named("gate.offline")) == 1


async def test_silence_makes_a_gate_unknown(premises: Premises, entrance: Gate) -> None:
    await premises.serve("access.report_birth", gate_id=entrance.gate_id, epoch=entrance.epoch, session=1)
    premises.house.clock.advance(seconds=30)
    assert await premises.serve("access.notice_silence") == 0
    premises.house.clock.advance(seconds=10)
    assert await premises.serve("access.notice_silence") == 1
    assert (await premises.ask("guard", "access.get_gate", gate_id=entrance.gate_id)).link == "unknown"


async def test_the_desk_writes_a_visit_down_once_per_walk(premises: Premises) -> None:
    made = await ask_for_pass(premises)
    about = {"guest_pass_id": made.guest_pass_id, "gate_id": premises.ids["entrance"]}
    entered = await premises.ask("guard", "access.log_visit", action="enter", key="v1", **about)
    again = await premises.ask("guard", "access.log_visit", action="enter", key="v1", **about)
    left = await premises.ask("desk", "access.log_visit", action="exit", **about)
    assert entered.visit_id == again.visit_id != left.visit_id
    assert entered.gate_id == premises.ids["entrance"]
    zone = await premises.ask("guard", "access.get_zone", zone_id=premises.ids["hall"])
    assert zone.inside == 0
    with pytest.raises(Forbidden):
        await premises.ask("member", "access.log_visit", action="enter", **about)


async def test_a_new_device_account_ends_the_old_one_and_keeps_no_password(premises: Premises) -> None:
    gate_id = premises.ids["entrance"]
    first = await premises.ask("manager", "access.provision_gate", gate_id=gate_id)
    second = await premises.ask("manager", "access.provision_gate", gate_id=gate_id)
    assert first.username == second.username == str(gate_id)
    assert len({first.password, second.password, ""}) == 3
    (account,) = await premises.serve("access.list_device_accounts")
    assert (account.password, account.revision) == (second.password, 2)
    await premises.serve("access.device_account_applied", gate_id=gate_id, revision=2)
    assert await premises.serve("access.list_device_accounts") == []


async def test_nobody_is_in_two_zones_whatever_gate_they_are_seen_at_next(
    premises: Premises, entrance: Gate, door: Gate
) -> None:
    """Seen walking into the office, then out at the street: the office is left, and nothing goes below none."""
    made = await ask_for_pass(premises)
    grant = (await entrance.scan(made.qr_token)).grant_id
    await entrance.report(entrance.event(rid="r1", direction="in", grant_id=grant))
    premises.house.clock.advance(seconds=10)
    await door.report(door.event(rid="r2", direction="in", grant_id=grant))
    assert await inside(premises) == {"hall": 0, "office": 1}
    assert (await entrance.scan(made.qr_token, rid="r3")).reason == "passback"
    premises.house.clock.advance(seconds=10)
    await entrance.report(entrance.event(rid="r4", direction="out", grant_id=grant))
    assert await inside(premises) == {"hall": 0, "office": 0}
    assert (await entrance.scan(made.qr_token, rid="r5")).admit


async def test_a_late_report_of_an_older_walk_moves_nobody(
    premises: Premises, entrance: Gate, door: Gate
) -> None:
    made = await ask_for_pass(premises)
    grant = (await entrance.scan(made.qr_token)).grant_id
    before = premises.now - timedelta(seconds=30)
    late = entrance.event(rid="r1", direction="in", grant_id=grant, at=before, historical=True)
    await door.report(door.event(rid="r2", direction="in", grant_id=grant))
    await entrance.report(late)
    assert await inside(premises) == {"hall": 0, "office": 1}


async def inside(premises: Premises) -> dict[str, int]:
    async with premises.house.runtime.readers() as db:
        return {name: count for name, count in await db.execute(text("SELECT name, inside FROM zones"))}
