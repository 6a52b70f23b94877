"""Roles hold where they are held: the same roles at another site open nothing here."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import text

from domain.access.operations.recording import GateEvent
from domain.catalogue import CATALOGUE
from domain.kernel.caller import SERVICE, Caller
from domain.kernel.errors import DomainError, Forbidden, NotFound
from domain.kernel.operations import Operation
from domain.kernel.paging import Page
from tests.served import Served, served_house

PEOPLE: Final = frozenset({"member", "guard", "desk", "manager"})
# What everybody who is signed in may see of any site.
OPEN: Final = {"sites.get_site"}
NOW: Final = datetime.now(UTC)
EXAMPLES: Final[dict[str, Any]] = {
    "site_id": 1,
    "zone_id": 1,
    "gate_id": 1,
    "guest_pass_id": 1,
    "to_zone_id": 1,
    "user_id": 2,
    "host_user_id": 2,
    "name": "Other",
    "guest_name": "Other",
    "start": (NOW - timedelta(minutes=1)).isoformat(),
    "end": (NOW + timedelta(hours=2)).isoformat(),
    "action": "enter",
    "role": "guard",
    "granted": True,
    "mode": "normal",
    "verb": "identify",
    "reason": "a test",
    "alarm_id": 1,
    "muster_id": 1,
    "direction": "in",
    "counted": 3,
    "note": "a test",
    "presented": "a code",
    "access_id": 1,
    "incident_hold_id": 1,
    "since": (NOW - timedelta(hours=2)).isoformat(),
    "until": (NOW - timedelta(hours=1)).isoformat(),
    "days": 90,
    "schedule_id": 1,
    "pass_id": 3,
    "credential_id": 1,
    "watch_id": 1,
    "week": [[]] * 7,
    "day": "2026-05-09",
    "kind": "badge",
    "holder_name": "Other",
    "value": "x123mm77",
}
HERE: Final = {
    *("site_id", "zone_id", "to_zone_id", "gate_id", "guest_pass_id", "host_user_id"),
    *("alarm_id", "muster_id", "access_id", "incident_hold_id"),
    *("schedule_id", "pass_id", "credential_id", "watch_id"),
}
ALARM: Final = """
    INSERT INTO alarms (site_id, gate_id, kind, state, raised_at, last_at, count, detail, note, version)
    VALUES (1, 1, 'forced', 'raised', :now, :now, 1, '{}', '', 1)
"""
# What has one name and not one form, and what another operation took away.
OTHERS: Final[dict[str, dict[str, Any]]] = {
    "access.add_credential": {"kind": "plate"},
    "access.create_pass": {"holder_name": "Other"},
    "access.erase_person": {"guest_pass_id": 2},
    "access.watch": {"kind": "plate", "action": "alert"},
}


def concerned(operation: Operation) -> bool:
    """Tell whether people may call it about a thing of a site."""
    return bool(operation.allow & PEOPLE and HERE & set(operation.params.__struct_fields__))


CONCERNED = [
    pytest.param(operation, id=name)
    for name, operation in sorted(CATALOGUE.operations.items())
    if concerned(operation)
]


@pytest.fixture(scope="module")
async def served(module_database: str) -> AsyncIterator[Served]:
    """A site with one of each thing, and another site."""
    async with served_house(module_database) as one:
        admin, host = await one.admin(), await one.sign_up("host")
        for name in ("Here", "Elsewhere"):
            await one.http.post("/sites", json={"name": name}, headers=admin)
        await one.http.post("/zones", json={"siteId": 1, "name": "Hall"}, headers=admin)
        await one.http.post("/gates", json={"siteId": 1, "name": "Door", "toZoneId": 1}, headers=admin)
        await one.http.post("/gates/1/device", headers=admin)
        host_id = (await one.http.get("/auth/me", headers=host)).json()["id"]
        role = {"siteId": 1, "role": "member", "granted": True}
        await one.http.put(f"/users/{host_id}/roles", json=role, headers=admin)
        wanted = {name: EXAMPLES[name] for name in ("start", "end")}
        visit = {"siteId": 1, "hostUserId": host_id, "guestName": "Guest", "zoneIds": [1], **wanted}
        made = await one.http.post("/guest-passes", json=visit, headers=admin)
        assert made.status_code == 201, made.text
        assert made.json()["guestPassId"] == 1
        await one.http.post("/guest-passes", json=visit, headers=admin)
        for path, thing in (
            ("/schedules", {"siteId": 1, "name": "Always", "week": [[[0, 1440]]] * 7}),
            ("/passes", {"siteId": 1, "kind": "badge", "holderName": "Ann", "liveCode": True, **wanted}),
            ("/passes/3/credentials", {"kind": "plate", "value": "a123aa77"}),
            (
                "/watch-list",
                {"siteId": 1, "kind": "name", "value": "B", "action": "alert", "reason": "a test"},
            ),
            ("/sites/1/holidays", {"day": EXAMPLES["day"], "name": "Victory Day"}),
            ("/musters", {"siteId": 1, "reason": "a test"}),
            ("/sites/1/incident-holds", {name: EXAMPLES[name] for name in ("since", "until", "reason")}),
        ):
            made = await one.http.post(path, json=thing, headers=admin)
            assert made.status_code in (200, 201), made.text
        async with one.process.runtime.sessions.begin() as db:
            await db.execute(text(ALARM), {"now": NOW})
        await refuse_somebody(one)
        await one.http.post("/visit-logs", json={"guestPassId": 1, "action": "enter"}, headers=admin)
        await sign_this_minute(one)
        await one.sign_up("stranger")
        yield one


async def sign_this_minute(one: Served) -> None:
    """Have what has happened so far sealed and signed, as if its minute were over."""
    runtime = one.process.runtime
    clock, runtime.clock = runtime.clock, lambda: datetime.now(UTC) + timedelta(minutes=2)
    for name in ("access.seal_log", "access.sign_roots"):
        await runtime.call(SERVICE, name)
    runtime.clock = clock


async def refuse_somebody(served: Served) -> None:
    """Have the gate ask, be refused and report it: entry 1 of the access log, with its decision."""
    asked: dict[str, Any] = {"gate_id": 1, "epoch": b"epoch001", "rid": "r1", "direction": "in"}
    gate = Caller(roles=frozenset({"device"}), gate_id=1)
    decided = await perform(served, gate, "access.decide", presented="no pass", **asked)
    await perform(served, SERVICE, "access.write_decisions", decisions=[decided])
    event = GateEvent(
        **asked,
        seq=1,
        at=NOW,
        clock="ok",
        kind="decision",
        source="online",
        historical=False,
        canonical=b"{}",
        previous_hash=bytes(32),
        hash=bytes(32),
        decision=decided.decision,
        admit=False,
        reason=decided.reason,
    )
    await perform(served, SERVICE, "access.record", events=[event], poison=[])


async def perform(served: Served, caller: Caller, name: str, **members: Any) -> Any:
    runtime = served.process.runtime
    return await runtime.call(caller, name, runtime.operations[name].params(**members))


@pytest.mark.parametrize("operation", CONCERNED)
async def test_the_roles_of_another_site_open_nothing(served: Served, operation: Operation):
    if operation.name in OPEN:
        return
    try:
        answer = await served.process.runtime.call(staff_of(2), operation.name, arguments(operation))
    except (Forbidden, NotFound):
        return
    assert isinstance(answer, Page) and not answer.items, f"{operation.name} answers {answer}"


@pytest.mark.parametrize("operation", CONCERNED)
async def test_the_same_roles_here_open_it(served: Served, operation: Operation):
    try:
        await served.process.runtime.call(staff_of(1), operation.name, arguments(operation))
    except DomainError as refusal:
        # how things stand may speak against it, and what was presented may be junk: rights do not
        assert refusal.status in (409, 422), refusal.detail


def staff_of(site_id: int) -> Caller:
    """Somebody with every role of people, at one site."""
    return Caller(
        roles=PEOPLE,  # type: ignore[arg-type]  # these are roles
        user_id=3,
        session_id=3,
        site_roles={site_id: PEOPLE},
    )


def arguments(operation: Operation) -> dict[str, Any]:
    """Return what is required, and whichever ids of here it takes."""
    fields = msgspec.structs.fields(operation.params)
    unknown = [field.name for field in fields if field.required and field.name not in EXAMPLES]
    assert not unknown, f"say in EXAMPLES what {operation.name} is given as {unknown}"
    given = EXAMPLES | OTHERS.get(operation.name, {})
    chosen = {f.name: given[f.name] for f in fields if f.required or f.name in HERE}
    return chosen | OTHERS.get(operation.name, {})
