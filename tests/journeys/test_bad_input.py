"""What nobody should send: over HTTP and the socket each gets its clear error, and nothing is half written."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from domain.identity.rules import tokens
from domain.kernel.keys import Keys
from tests.journeys.house import window
from tests.journeys.own_site import Site, own_site

PASSES = "/api/guest-passes"
GOOD = {"guestName": "Grace", **window()}
MANY = 10_000_000


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    async with own_site() as opened:
        yield opened


@pytest.fixture(autouse=True)
async def nothing_is_half_written(site: Site) -> AsyncIterator[None]:
    """After each test as many passes, facts and letters as before, the house well, and no defect in its log."""
    before = await written(site)
    yield
    assert await written(site) == before
    ready = await site.http.get("/health/ready")
    assert ready.json()["status"] == "ok"
    lines = (site.house.data / "log" / "gatehouse.log").read_text().splitlines()
    assert [line for line in lines if '"level": "error"' in line or '"status": 500' in line] == []


async def written(site: Site) -> dict[str, int]:
    """How many rows there are of all that a guest pass brings about."""
    tables = ("guest_passes", "grants", "facts", "notifications", "deliveries", "idempotency", "access_log")
    counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    return dict(zip(tables, (await site.house.rows(f"SELECT {counted}"))[0], strict=True))


def problem_of(answer: httpx2.Response) -> dict[str, Any]:
    """The problem document of a refusal, which looks the same everywhere."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("urn:gatehouse:problem:") and problem["title"] and problem["detail"]
    return problem


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"guestName=Grace",
        b'{"guestName": "Grace",}',
        b"\x00",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"guestName":' * 50_000,
        b"[]",
        b'"Grace"',
        b"null",
        b'{"guestName": "\\ud800"}',
    ],
    ids=[
        "cut",
        "form",
        "comma",
        "nul",
        "utf-16",
        "deep lists",
        "deep objects",
        "list",
        "text",
        "null",
        "surrogate",
    ],
)
async def test_junk_is_malformed(site: Site, body: bytes):
    answer = await site.http.post(
        PASSES, content=body, headers={**site.member.headers, "Content-Type": "application/json"}
    )

    assert (answer.status_code, problem_of(answer)["type"]) == (400, "urn:gatehouse:problem:malformed")


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
async def test_another_kind_of_body_is_refused(site: Site, media: str):
    headers = {**site.member.headers, "Content-Type": media}
    answer = await site.http.post(PASSES, content=json.dumps(GOOD), headers=headers)

    assert (answer.status_code, problem_of(answer)["type"]) == (
        415,
        "urn:gatehouse:problem:unsupported_media",
    )


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({**GOOD, "colour": "red"}, {"colour"}),
        ({}, {"guestName", "start", "end"}),
        (
            {
                "guestName": 5,
                "start": "soon",
                "end": [],
                "entries": "thrice",
                "zoneIds": "all",
                "siteId": "x",
            },
            {"guestName", "start", "end", "entries", "zoneIds", "siteId"},
        ),
        ({**GOOD, "guestName": "Gr\0ace"}, {"guestName"}),
        ({**GOOD, "guestName": ""}, {"guestName"}),
        ({**GOOD, "guestName": "G" * 201}, {"guestName"}),
        ({**GOOD, "siteId": 10**30}, {"siteId"}),
        ({**GOOD, "siteId": 1.5}, {"siteId"}),
        ({**GOOD, "start": "0001-01-01T00:00:00+14:00"}, {"start"}),
        ({**GOOD, "end": "9999-12-31T23:59:59-14:00"}, {"end"}),
        ({**GOOD, "end": "2026-03-01T09:00:00Z"}, {"end"}),
        ({**GOOD, "guestEmail": "nobody"}, {"guestEmail"}),
        ({**GOOD, "guest_name": "twice"}, {"guestName"}),
    ],
    ids=lambda given: ",".join(sorted(given)) if isinstance(given, set) else "",
)
async def test_wrong_fields_are_all_named(site: Site, body: dict[str, Any], fields: set[str]):
    answer = await site.http.post(PASSES, json=body, headers=site.member.headers)

    assert answer.status_code == 422
    assert {error["field"] for error in problem_of(answer)["errors"]} == fields


@pytest.mark.parametrize(
    "query", ["limit=many", "limit=0", "limit=100000", "cursor=junk", "from=then", "gateId=-x", "colour=red"]
)
async def test_wrong_queries_name_their_field(site: Site, query: str):
    answer = await site.http.get(f"/api/access-log?siteId={site.site_id}&{query}", headers=site.guard.headers)

    assert answer.status_code == 422
    assert [error["field"] for error in problem_of(answer)["errors"]] == [query.partition("=")[0]]


async def test_a_body_of_ten_megabytes_is_too_large_and_the_connection_stays_sane(site: Site):
    large = b'{"guestName": "' + b"G" * MANY + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    headers = {**site.member.headers, "Content-Type": "application/json"}
    for content in (large, in_pieces()):
        answer = await site.http.post(PASSES, content=content, headers=headers)
        assert (answer.status_code, problem_of(answer)["type"]) == (413, "urn:gatehouse:problem:too_large")
        assert (await site.member.get("/api/auth/me"))["username"] == "member"


async def test_a_wrong_method_is_told_the_right_ones(site: Site):
    answer = await site.http.patch(PASSES, json={}, headers=site.member.headers)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert problem_of(answer)["type"] == "urn:gatehouse:problem:method_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing",
        "/nothing",
        "/api",
        "/api/guest-passes/x",
        "/api/guest-passes/%00",
        "/api/guest-passes/1/2",
        "/api/../etc/passwd",
        "/api/rpc/no.such",
        "/app/assets/../../../pyproject.toml",
        "/app/assets/none.js",
        "/app/mail/..%2f..%2fpg",
    ],
)
async def test_an_unknown_path_is_not_found(site: Site, path: str):
    answer = await site.http.get(path, headers=site.member.headers)

    assert answer.status_code in (404, 405), answer.text
    assert "gatehouse-platform" not in answer.text


def strange_tokens(site: Site) -> dict[str, str]:
    """Access tokens that are none."""
    good = site.member.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")
    secret = (site.house.data / "keys" / "jwt-secret").read_text().strip()
    ours, yesterday = Keys(secret), datetime.now(UTC) - timedelta(days=1)
    user_id, session_id = int(claims["sub"]), claims["sid"]
    flipped = "A" if signature[10] != "A" else "B"
    return {
        "expired": tokens.issue(ours, user_id=user_id, session_id=session_id, now=yesterday, lasts_s=900),
        "forged": f"{head}.{body}.{signature[:10]}{flipped}{signature[11:]}",
        "none": jwt.encode(claims, "", algorithm="none"),
        "other algorithm": jwt.encode(claims, secret, algorithm="HS256"),
        "another key": tokens.issue(
            Keys("another installation"),
            user_id=user_id,
            session_id=session_id,
            now=datetime.now(UTC),
            lasts_s=900,
        ),
        "another session": tokens.issue(
            ours, user_id=user_id, session_id=session_id + 10_000, now=datetime.now(UTC), lasts_s=900
        ),
        "junk": "junk",
        "not ascii": "пропуск",
        "long": "a." * 30_000 + "b",
    }


KINDS = ["expired", "forged", "none", "other algorithm", "another key", "another session", "junk"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_that_is_none_lets_nobody_in(site: Site, kind: str):
    headers = {"Authorization": f"Bearer {strange_tokens(site)[kind]}"}
    answers = [
        await site.http.get("/api/auth/me", headers=headers),
        await site.http.post(PASSES, json=GOOD, headers=headers),
    ]

    for answer in answers:
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        code = problem_of(answer)["type"].rpartition(":")[2]
        assert code == ("token_expired" if kind == "expired" else "unauthenticated")


# The socket


def dial(site: Site) -> connect:
    return connect(
        site.house.url.replace("http", "ws") + "/connection/websocket", subprotocols=None, proxy=None
    )


async def entered(site: Site) -> ClientConnection:
    """A connection that said who it is."""
    socket = await dial(site)
    token = site.guard.headers["Authorization"].removeprefix("Bearer ")
    await socket.send(json.dumps({"id": 1, "connect": {"token": token}}))
    assert json.loads(await socket.recv())["connect"]["client"]
    return socket


async def end_of(socket: ClientConnection) -> int:
    """The code that a connection is closed with."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            await socket.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("junk", 3501),
        (b"\x00\xff", 3501),
        ("[]", 3501),
        ("[" * 50_000, 3501),
        ('{"id": 1}', 3501),
        ('{"id": 1, "subscribe": {"channel": "access:1"}}', 3501),
        ('{"id": 1, "rpc": {"method": "sites.list_sites", "data": {}}}', 3501),
        ('{"id": 1, "connect": {"token": "junk"}}', 3500),
        ("x" * 70_000, 1009),
    ],
    ids=["junk", "bytes", "list", "deep", "nothing", "subscribe", "rpc", "token", "too large"],
)
async def test_a_bad_beginning_ends_the_connection(site: Site, frame: str | bytes, code: int):
    async with dial(site) as socket:
        await socket.send(frame)
        assert await end_of(socket) == code


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "expired"])
async def test_a_token_that_is_none_opens_no_socket(site: Site, kind: str):
    async with dial(site) as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": strange_tokens(site)[kind]}}))
        assert await end_of(socket) == 3500


async def test_an_expired_token_is_told_so_that_the_client_gets_a_new_one(site: Site):
    async with dial(site) as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": strange_tokens(site)["expired"]}}))
        assert json.loads(await socket.recv())["error"]["code"] == 109


async def test_a_refused_command_leaves_the_connection_open(site: Site):
    socket = await entered(site)
    asked: dict[int, tuple[dict[str, Any], int]] = {
        2: ({"subscribe": {"channel": "nothing:1"}}, 102),
        3: ({"subscribe": {"channel": "access:x"}}, 102),
        4: ({"subscribe": {"channel": f"access:{site.site_id + 1}"}}, 103),
        5: ({"subscribe": {"channel": "#1"}}, 103),
        6: ({"rpc": {"method": "no.such", "data": {}}}, 404),
        7: ({"rpc": {"method": "sites.get_site", "data": {"siteId": "x"}}}, 422),
        8: ({"rpc": {"method": "sites.get_site", "data": [1]}}, 400),
        9: ({"publish": {"channel": f"access:{site.site_id}", "data": {}}}, 422),
        11: ({"publish": {"channel": f"occupancy:{site.site_id}", "data": {}}}, 108),
        10: ({"rpc": {"method": "access.record", "data": {"events": [], "poison": []}}}, 403),
    }
    try:
        for number, (command, code) in asked.items():
            await socket.send(json.dumps({"id": number, **command}))
            reply = await answer_to(socket, number)
            assert reply["error"]["code"] == code, (command, reply)
        await socket.send(json.dumps({"id": 99, "rpc": {"method": "sites.list_sites", "data": {}}}))
        assert (await answer_to(socket, 99))["rpc"]["data"]["items"][0]["siteId"] == site.site_id
    finally:
        await socket.close()


async def answer_to(socket: ClientConnection, number: int) -> dict[str, Any]:
    while True:
        for line in (await socket.recv()).splitlines():
            reply: dict[str, Any] = json.loads(line)
            if reply.get("id") == number:
                return reply


async def test_a_junk_frame_later_ends_only_this_connection(site: Site):
    good, bad = await entered(site), await entered(site)
    await bad.send("{")

    assert await end_of(bad) == 3501
    await good.send(json.dumps({"id": 2, "rpc": {"method": "sites.list_sites", "data": {}}}))
    assert (await answer_to(good, 2))["rpc"]["data"]["items"]
    await good.close()
