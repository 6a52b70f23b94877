"""A person is told all that is kept about them, and can be forgotten without the proof or the counts noticing.

Proves: domain/access/operations/dossiers.py
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from domain.access.operations.privacy import UnderIncidentHold
from domain.access.tables.alarms import AlarmRow
from domain.kernel.caller import SERVICE
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.premises import Gate, Premises
from tests.reports import Reporter, expect_guest, seal

ADA = {"guest_name": "Ada Lovelace", "guest_email": "ada@example.com"}


async def ask_all(premises: Premises, statement: str) -> list[Any]:
    async with premises.house.runtime.readers() as db:
        return [tuple(row) for row in await db.execute(text(statement))]


async def everything(premises: Premises) -> str:
    """Every row of every table of access and of the kept answers, as one text."""
    tables = "guest_passes", "grants", "visits", "access_log", "decisions", "holds", "idempotency", "facts"
    return "\n".join([str(await ask_all(premises, f"SELECT * FROM {table}")) for table in tables])


async def proved(premises: Premises) -> tuple[list[str], int]:
    proof = await premises.ask("manager", "access.verify_gate", gate_id=premises.ids["entrance"])
    return [one.problem for one in proof.findings], sum(one.erased for one in proof.journals)


@pytest.fixture
async def visited(premises: Premises, entrance: Gate) -> Premises:
    """Premises where Ada was let in by a decision, walked in and out, and is expected once more."""
    window = {"start": premises.now.isoformat(), "end": premises.now.replace(hour=18).isoformat()}
    guest = await premises.ask("member", "access.create_guest_pass", key="first", **ADA, **window)
    decision = await entrance.scan(guest.qr_token)
    await premises.serve("access.write_decisions", decisions=[decision])
    await Reporter(premises).report(5)
    await seal(premises)
    await expect_guest(premises, guest_name="A. Lovelace", guest_email="Ada@Example.com")
    await expect_guest(premises, guest_name="Grace")
    return premises


async def test_a_guest_is_told_all_that_is_kept(visited: Premises):
    told = await visited.ask("manager", "access.export_person", guest_pass_id=1)

    assert [one.guest_name for one in told.guest_passes] == ["Ada Lovelace", "A. Lovelace"]
    assert [one.access_id for one in told.log] == [2, 3, 5]
    assert [one.guest_pass_id for one in told.visits] == [1, 1]
    assert [one.admit for one in told.decisions] == [True]
    assert msgspec.json.decode(msgspec.json.encode(told))["guestPassId"] == 1


async def test_people_are_told_what_is_kept_about_themselves(visited: Premises):
    me = visited.people["member"].user_id

    told = await visited.ask("member", "access.export_person", user_id=me)

    assert [one.guest_name for one in told.guest_passes] == ["Ada Lovelace", "A. Lovelace", "Grace"]
    assert {one.host_user_id for one in told.visits} == {me}
    assert (await visited.ask("admin", "access.export_person", user_id=me)).visits == told.visits


async def test_people_are_told_what_they_ordered(premises: Premises):
    guard = premises.people["guard"].user_id
    await premises.ask(
        "guard", "access.command_gate", gate_id=premises.ids["door"], verb="identify", reason="a parcel"
    )

    told = await premises.ask("guard", "access.export_person", user_id=guard)

    assert [(act.what, act.reason) for act in told.acts] == [("command identify to gate 2", "a parcel")]


async def test_others_are_told_nothing(visited: Premises):
    host = visited.people["member"].user_id
    for who, about, refusal in (
        ("manager", {"user_id": host}, Forbidden),
        ("guard", {"guest_pass_id": 1}, NotFound),
        ("member", {"guest_pass_id": 1}, NotFound),
        ("manager", {"guest_pass_id": 10**9}, NotFound),
        ("manager", {}, Invalid),
        ("admin", {"guest_pass_id": 1, "user_id": host}, Invalid),
    ):
        with pytest.raises(refusal):
            await visited.ask(who, "access.export_person", **about)


async def test_a_guest_who_was_erased_is_named_nowhere(visited: Premises):
    before = await everything(visited)
    assert "Lovelace" in before and "ada@example.com" in before

    erased = await visited.ask("manager", "access.erase_person", guest_pass_id=1)

    assert (erased.pass_ids, erased.events, erased.visits, erased.decisions) == ([1, 2], 3, 2, 1)
    after = await everything(visited)
    assert "Lovelace" not in after and "example.com" not in after.lower() and "Grace" in after
    assert await ask_all(visited, "SELECT count(*) FROM access_log WHERE grant_id IS NOT NULL") == [(0,)]
    assert await ask_all(visited, "SELECT grant_id, trace -> 0 ->> 'inputs' FROM decisions") == [(None, "{}")]
    assert await ask_all(visited, "SELECT guest_pass_id FROM visits") == [(None,), (None,)]
    assert await ask_all(visited, "SELECT count(*) FROM grants WHERE revoked_at IS NULL") == [(1,)]
    assert [fact.guest_pass_id for fact in await visited.named("guest_pass.erased")] == [1, 2]


async def test_the_proof_the_roots_and_the_counts_stay_as_they_were(visited: Premises):
    inside = await ask_all(visited, "SELECT id, inside, taken FROM zones ORDER BY id")
    roots = await ask_all(visited, "SELECT * FROM log_roots")
    assert await proved(visited) == ([], 0)

    await visited.ask("manager", "access.erase_person", guest_pass_id=1)

    assert await proved(visited) == ([], 3)
    assert await ask_all(visited, "SELECT id, inside, taken FROM zones ORDER BY id") == inside
    assert await ask_all(visited, "SELECT * FROM log_roots") == roots
    (note,) = (await visited.ask("manager", "access.list_log_omissions", site_id=visited.ids["site"])).items
    assert (note.kind, note.events, note.term_days) == ("erased", 3, None)


async def test_erasing_again_changes_nothing(visited: Premises):
    await visited.ask("manager", "access.erase_person", guest_pass_id=1)
    before = await everything(visited)

    again = await visited.ask("manager", "access.erase_person", guest_pass_id=1)

    assert again.events == again.visits == again.decisions == 0
    assert await everything(visited) == before


async def test_an_erased_pass_opens_nothing_and_its_guest_can_still_walk_out(
    visited: Premises, entrance: Gate
):
    guest = await visited.ask("member", "access.get_guest_pass", guest_pass_id=1)
    await visited.ask("manager", "access.erase_person", guest_pass_id=1)

    assert not (await entrance.scan(guest.qr_token, rid="r2")).admit
    assert (await entrance.scan(guest.qr_token, direction="out", rid="r3")).admit


async def test_what_a_gate_reports_of_an_erased_guest_later_is_emptied_too(visited: Premises):
    late = Reporter(visited, epoch="ff" * 8)
    await visited.ask("manager", "access.erase_person", guest_pass_id=1)
    await late.report(2, "passage")
    assert await ask_all(visited, "SELECT count(*) FROM access_log WHERE grant_id = 1") == [(2,)]

    assert await visited.house.call(SERVICE, "access.erase_late") == 2
    assert await visited.house.call(SERVICE, "access.erase_late") == 0

    assert await ask_all(visited, "SELECT count(*) FROM access_log WHERE grant_id = 1") == [(0,)]
    assert await ask_all(visited, "SELECT count(*) FROM visits WHERE guest_pass_id = 1") == [(0,)]
    assert await proved(visited) == ([], 5)


async def test_nobody_is_erased_from_an_incident(visited: Premises):
    held = await visited.ask(
        "guard", "access.place_incident_hold", site_id=visited.ids["site"], reason="a theft",
        since=datetime(2026, 3, 2, 8, tzinfo=UTC).isoformat(), until=datetime(2026, 3, 2, 10, tzinfo=UTC).isoformat(),
    )  # fmt: skip
    before = await everything(visited)

    with pytest.raises(UnderIncidentHold, match=f"Incident hold {held.incident_hold_id} "):
        await visited.ask("manager", "access.erase_person", guest_pass_id=1)
    assert await everything(visited) == before

    await visited.ask("manager", "access.release_incident_hold", incident_hold_id=held.incident_hold_id)
    await visited.ask("manager", "access.erase_person", guest_pass_id=1)


async def test_of_an_erasure_and_a_hold_at_once_one_comes_first(visited: Premises):
    window = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}

    erased, held = await visited.house.at_once(
        visited.ask("manager", "access.erase_person", guest_pass_id=1),
        visited.ask(
            "guard", "access.place_incident_hold", site_id=visited.ids["site"], reason="a theft", **window
        ),
    )

    assert not isinstance(held, Exception)
    named = "Lovelace" in await everything(visited)
    assert named == isinstance(erased, UnderIncidentHold)


async def test_only_managers_erase(visited: Premises):
    for who, refusal in (("member", Forbidden), ("guard", Forbidden), ("desk", Forbidden)):
        with pytest.raises(refusal):
            await visited.ask(who, "access.erase_person", guest_pass_id=1)


async def test_the_holder_of_an_accounts_passes_is_told_and_forgotten_by_admins(premises: Premises):
    me = premises.people["member"].user_id
    badge = await premises.ask(
        "desk", "access.create_pass", key="badge", site_id=premises.ids["site"], kind="badge", holder_user_id=me,
        holder_name="Ada Lovelace", start=premises.now.isoformat(), end=premises.now.replace(month=4).isoformat(),
    )  # fmt: skip
    await premises.ask("desk", "access.add_credential", pass_id=badge.pass_id, kind="plate", value="A123BC77")
    await Reporter(premises, pass_id=badge.pass_id).report(5)
    told = await premises.ask("member", "access.export_person", user_id=me)
    assert [(one.pass_id, one.credentials) for one in told.passes] == [(badge.pass_id, ["plate A123BC77"])]
    assert [one.access_id for one in told.log] == [2, 3, 5]
    with pytest.raises(Forbidden):
        await premises.ask("manager", "access.erase_person", user_id=me)

    erased = await premises.ask("admin", "access.erase_person", user_id=me)

    assert (erased.pass_ids, erased.events) == ([badge.pass_id], 3)
    assert "Lovelace" not in await everything(premises)
    assert await ask_all(premises, "SELECT count(*) FROM credentials") == [(0,)]
    listed = "SELECT entry ->> 'c', entry ->> 'digests' FROM list_entries"
    assert "A123" not in str(await ask_all(premises, listed))
    assert (await premises.ask("member", "access.export_person", user_id=me)).passes == []
    assert await proved(premises) == ([], 3)


async def test_an_erased_guest_is_in_no_alarm_and_no_muster(visited: Premises):
    site, told = visited.ids["site"], {"passId": 1, "accessIds": [2, 3], "gates": [1, 2]}
    muster = await visited.ask("guard", "access.begin_muster", site_id=site, reason="a drill")
    await visited.ask("guard", "access.mark_safe", muster_id=muster.muster_id, pass_id=1)
    async with visited.house.runtime.sessions.begin() as db:
        for kind, detail in (("double_use", told), ("watch_list", {"passId": 3, "decision": "d"})):
            db.add(
                AlarmRow(site_id=site, kind=kind, raised_at=visited.now, last_at=visited.now, detail=detail)
            )
    marks = (await visited.ask("manager", "access.export_person", guest_pass_id=1)).marks
    assert [(one.muster_id, one.safe, one.way) for one in marks] == [(muster.muster_id, True, "tap")]

    await visited.ask("manager", "access.erase_person", guest_pass_id=1)

    told_still = "SELECT detail::text FROM alarms WHERE kind IN ('double_use', 'watch_list') ORDER BY id"
    details = await ask_all(visited, told_still)
    assert [msgspec.json.decode(detail) for (detail,) in details] == [
        {"gates": [1, 2]},
        {"passId": 3, "decision": "d"},
    ]
    assert await ask_all(visited, "SELECT * FROM muster_marks WHERE grant_id = 1") == []


async def test_people_are_told_what_they_took_on_and_wrote_down(premises: Premises):
    guard, site = premises.people["guard"].user_id, premises.ids["site"]
    muster = await premises.ask("guard", "access.begin_muster", site_id=site, reason="a drill")
    await premises.ask("guard", "access.end_muster", muster_id=muster.muster_id)
    hall = premises.ids["hall"]
    await premises.ask("guard", "access.correct_count", zone_id=hall, counted=3, reason="counted by hand")

    told = await premises.ask("guard", "access.export_person", user_id=guard)

    assert {(act.what, act.reason) for act in told.acts} == {
        (f"muster {muster.muster_id} begun at site {site}", "a drill"),
        (f"muster {muster.muster_id} ended at site {site}", ""),
        (f"desk: correction at site {site}", "counted by hand"),
    }
