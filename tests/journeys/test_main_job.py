"""The main job, end to end: a host expects a guest, the code opens a gate, and everybody who should hears of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from centrifuge import ReplyError

from simulators.presented import Presented
from tests.eventually import eventually
from tests.journeys.house import PATIENCE_S, House, Person, calling, running_house, sign_in, window
from tests.sdk import Seen, connected

SITE = 1
MAIN_ENTRANCE, SERVER_ROOM = 1, 4


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    async with running_house() as up:
        yield up


@pytest.fixture(scope="module")
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with calling(house) as client:
        yield client


@pytest.fixture(scope="module")
async def member(http: httpx2.AsyncClient) -> Person:
    return await sign_in(http, "member@example.com")


@pytest.fixture(scope="module")
async def guard(http: httpx2.AsyncClient) -> Person:
    return await sign_in(http, "guard@example.com")


@pytest.fixture(scope="module")
async def screen(house: House, guard: Person) -> AsyncIterator[Seen]:
    """What the guard's screen gets: the access feed of the site."""
    seen = Seen()
    async with connected(house, guard.headers, Seen()) as client:
        await client.new_subscription(f"access:{SITE}", seen).subscribe()
        await eventually(lambda: seen.views, PATIENCE_S)
        yield seen


def row_of(seen: Seen, shown: Presented) -> Any:
    """The row of the feed that this scan became."""
    return next(row for key, row in seen.items.items() if key.endswith(f":{shown.request_id}"))


async def on_screen(seen: Seen, shown: Presented) -> Any:
    """Wait until the scan is on the guard's screen."""
    await eventually(lambda: any(key.endswith(f":{shown.request_id}") for key in seen.items), PATIENCE_S)
    return row_of(seen, shown)


async def test_a_guest_is_let_in_and_everybody_hears_of_it(
    house: House, http: httpx2.AsyncClient, member: Person, guard: Person, screen: Seen
):
    me = (await member.get("/api/auth/me"))["id"]
    personal = Seen()
    async with connected(house, member.headers, personal) as socket:
        assert f"#{me}" in socket._server_subs  # the SDK has no public list of them
        guest = await member.expect_guest("Ada of the main job")
        number = guest["guestPassId"]

        scanned = await house.scan(MAIN_ENTRANCE, guest["qrToken"])

        assert scanned.code == 0, scanned
        assert scanned.printed == "Gate 1 opened (decided online) and somebody walked through.\n"
        heard = await eventually(lambda: arrivals(personal, "Ada of the main job"), 10)
        assert heard[0]["title"] == "Your guest has arrived"
    row = await eventually(lambda: passed(screen, number), 10)
    assert (
        row | {"verdict": "admit", "reason": "ok", "direction": "in", "gateId": 1, "source": "online"} == row
    )
    assert (row["person"], row["hostName"]) == ("Ada of the main job", "Maria Lebedeva")
    visits = await member.get("/api/visit-logs", guestPassId=number)
    assert [(one["action"], one["gateId"]) for one in visits["items"]] == [("enter", 1)]
    log = await guard.get("/api/access-log", siteId=SITE, gateId=1, limit=200)
    mine = [one for one in log["items"] if one["guestPassId"] == number]
    assert {one["kind"] for one in mine} == {"decision", "passage"}
    assert (await member.get(f"/api/guest-passes/{number}"))["state"] == "inside"
    letter = await eventually(lambda: letter_about(http, "Ada of the main job"), PATIENCE_S)
    assert isinstance(letter, str) and "came in at Gatehouse Loft" in letter


def arrivals(seen: Seen, name: str) -> list[Any]:
    return [one for one in seen.items.values() if one["kind"] == "guest_arrived" and name in one["text"]]


def passed(seen: Seen, guest_pass_id: int) -> Any:
    rows = [one for one in seen.items.values() if one["guestPassId"] == guest_pass_id and one["passed"]]
    return rows[0] if rows else False


async def letter_about(http: httpx2.AsyncClient, name: str) -> str | bool:
    """The letter of an arrival as the demo's mail page shows it."""
    listed = (await http.get("/app/mail/")).text
    mine = r'<a href="(\w+)">Your guest has arrived</a> <small>[^<]* to member@example\.com'
    for key in re.findall(mine, listed):
        page = (await http.get(f"/app/mail/{key}")).text
        if name in page:
            return page
    return False


async def test_the_code_comes_as_a_picture(http: httpx2.AsyncClient, member: Person):
    guest = await member.expect_guest("Ada in pictures")

    svg, png = [
        await http.get(f"/api/guest-passes/{guest['guestPassId']}/qr.{kind}", headers=member.headers)
        for kind in ("svg", "png")
    ]

    assert svg.headers["content-type"].startswith("image/svg+xml") and "<svg" in svg.text
    assert png.headers["content-type"] == "image/png" and png.content.startswith(b"\x89PNG\r\n\x1a\n")


async def test_a_gate_of_another_zone_stays_closed(house: House, member: Person, screen: Seen):
    guest = await member.expect_guest("Ada at the wrong door")

    scanned = await house.scan(SERVER_ROOM, guest["qrToken"])

    assert scanned.code == 1
    assert scanned.printed.startswith("Gate 4 stays closed: wrong_zone. This pass does not open this area.")
    row = await eventually(lambda: denied(screen, guest["guestPassId"]), PATIENCE_S)
    assert (row["reason"], row["gateId"], row["person"]) == ("wrong_zone", 4, "Ada at the wrong door")


def denied(seen: Seen, guest_pass_id: int) -> Any:
    rows = [one for one in seen.items.values() if one["guestPassId"] == guest_pass_id]
    return rows[0] if rows and rows[0]["verdict"] == "deny" else False


async def test_a_revoked_pass_opens_no_more(house: House, member: Person, screen: Seen):
    guest = await member.expect_guest("Ada revoked")
    assert (await house.present(MAIN_ENTRANCE, guest["qrToken"])).verdict == "admit"
    await member.post(f"/api/guest-passes/{guest['guestPassId']}/revoke", {"reason": "not today"}, status=200)

    shown = await house.present(MAIN_ENTRANCE, guest["qrToken"])

    assert (shown.verdict, shown.reason, shown.source) == ("deny", "revoked", "online")
    assert (await on_screen(screen, shown))["reason"] == "revoked"


async def test_a_pass_ends_with_its_window(house: House, member: Person, screen: Seen):
    guest = await member.expect_guest("Ada late", **window(timedelta(seconds=-58), timedelta(minutes=1)))

    async def ended() -> Presented | bool:
        shown = await house.present(MAIN_ENTRANCE, guest["qrToken"])
        return shown if shown.reason == "expired" else False

    shown = await eventually(ended, PATIENCE_S)

    assert isinstance(shown, Presented) and (shown.verdict, shown.source) == ("deny", "online")
    row = await on_screen(screen, shown)
    assert (row["reason"], row["person"]) == ("expired", "Ada late")


async def test_a_pass_does_not_open_before_its_window(house: House, member: Person):
    guest = await member.expect_guest("Ada early", **window(start=timedelta(hours=1)))

    shown = await house.present(MAIN_ENTRANCE, guest["qrToken"])

    assert (shown.verdict, shown.reason) == ("deny", "not_yet")


async def test_a_forged_code_opens_nothing(house: House, member: Person, screen: Seen):
    guest = await member.expect_guest("Ada forged")
    token = guest["qrToken"]
    forged = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]

    shown = await house.present(MAIN_ENTRANCE, forged)

    assert (shown.verdict, shown.reason) == ("deny", "bad_sig")
    row = await on_screen(screen, shown)
    assert (row["reason"], row["guestPassId"]) == ("bad_sig", None)


async def test_scanning_where_no_fleet_is_says_what_to_do(house: House):
    answer = await house.call(
        "simulate", "scan", "--gate", "1", "--token", "x", settings={"GATEHOUSE_DATA": str(house.data / "no")}
    )

    assert answer.code == 2 and "GATEHOUSE_DATA" in answer.complained


async def test_a_gate_that_the_fleet_does_not_have_is_told(house: House):
    answer = await house.scan(99, "x")

    assert (answer.code, answer.complained) == (2, "gatehouse: the fleet has no gate 99; it has 1, 2, 3, 4\n")


async def test_a_call_over_the_socket_answers_as_over_http(house: House, member: Person):
    guest = await member.expect_guest("Ada twice asked")
    number = guest["guestPassId"]
    async with connected(house, member.headers, Seen()) as socket:
        answer = await socket.rpc("access.get_guest_pass", {"guestPassId": number})

    assert answer.data == await member.get(f"/api/guest-passes/{number}")


async def refusal(socket: Any, method: str, data: Any) -> tuple[int, Any]:
    with pytest.raises(ReplyError) as refused:
        await socket.rpc(method, data)
    return refused.value.code, msgspec.json.decode(refused.value.message)


@pytest.mark.parametrize(
    ("method", "path", "operation", "data", "status"),
    [
        ("GET", "/api/guest-passes/999999", "access.get_guest_pass", {"guestPassId": 999999}, 404),
        ("GET", "/api/access-log?siteId=1", "access.list_access_log", {"siteId": 1}, 403),
        ("POST", "/api/guest-passes", "access.create_guest_pass", {"guestName": "", "start": 1}, 422),
        (
            "POST",
            "/api/guest-passes",
            "access.create_guest_pass",
            {**window(), "guestName": "x", "y": 1},
            422,
        ),
    ],
)
async def test_a_refusal_over_the_socket_is_that_of_http(
    house: House, http: httpx2.AsyncClient, member: Person, method, path, operation, data, status
):
    body = data if method == "POST" else None
    answer = await http.request(method, path, json=body, headers=member.headers)
    async with connected(house, member.headers, Seen()) as socket:
        code, problem = await refusal(socket, operation, data)

    assert answer.headers["content-type"] == "application/problem+json"
    assert (code, problem) == (status, answer.json())
    assert answer.status_code == status


async def test_a_key_makes_a_repeat_harmless(house: House, http: httpx2.AsyncClient, member: Person):
    body = {"guestName": "Ada with a key", **window()}
    first = await member.post("/api/guest-passes", body, key="main-job-1")
    again = await member.post("/api/guest-passes", body, key="main-job-1")
    other = await http.post(
        "/api/guest-passes",
        json={**body, "guestName": "Somebody else"},
        headers={**member.headers, "Idempotency-Key": "main-job-1"},
    )
    async with connected(house, member.headers, Seen()) as socket:
        keyed = {**body, "idempotencyKey": "main-job-1"}
        third = (await socket.rpc("access.create_guest_pass", keyed)).data
        code, problem = await refusal(socket, "access.create_guest_pass", {**keyed, "guestName": "Another"})

    assert first == again == third
    assert (other.status_code, other.json()["type"]) == (422, "urn:gatehouse:problem:idempotency_key_reused")
    assert (code, problem) == (422, other.json())
    rows = await house.rows("SELECT count(*) FROM guest_passes WHERE guest_name = 'Ada with a key'")
    assert rows[0][0] == 1


async def test_many_guests_at_once_are_all_in_the_log(house: House, member: Person, guard: Person):
    guests = [await member.expect_guest(f"Ada {number} of many") for number in range(6)]

    async with asyncio.TaskGroup() as tasks:
        scans = [
            tasks.create_task(house.present(1 + number % 2, guest["qrToken"]))
            for number, guest in enumerate(guests)
        ]

    assert [scan.result().verdict for scan in scans] == ["admit"] * 6
    wanted = {guest["guestPassId"] for guest in guests}

    async def all_there() -> bool:
        visits = await member.get("/api/visit-logs", limit=200)
        return wanted <= {one["guestPassId"] for one in visits["items"]}

    await eventually(all_there, PATIENCE_S)
