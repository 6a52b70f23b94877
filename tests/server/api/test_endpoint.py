"""The server API as bytes over HTTP: who is let in, what is read, and how it answers."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from channels.memory import MemoryBroker
from tests.partner_hub import API_KEY, partner_hub

KEY = {"X-API-Key": API_KEY}


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        partner_hub(MemoryBroker()) as hub,
        httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http,
    ):
        yield http


async def test_without_a_key_of_its_own_a_hub_serves_no_api():
    async with (
        partner_hub(MemoryBroker(), api_key=None) as hub,
        httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http,
    ):
        answer = await http.post("/api/info", json={}, headers=KEY)
        assert answer.status_code == 404 and "HUB_API_KEY" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": API_KEY + "x"},
        {"X-API-Key": API_KEY[:-1]},
        {"Authorization": f"Bearer {API_KEY}"},
        {"Authorization": "apikey"},
        {"Authorization": "apikey wrong"},
        {"X-API-Key": "ключ".encode()},
    ],
)
async def test_who_brings_no_key_is_not_let_in(http, headers):
    answer = await http.post("/api/publish", json={"channel": "chat:1", "data": 1}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers", [KEY, {"Authorization": f"apikey {API_KEY}"}, {"authorization": f"APIKEY {API_KEY}"}]
)
async def test_the_key_may_come_in_two_headers(http, headers):
    answer = await http.post("/api/publish", json={"channel": "chat:1", "data": 1}, headers=headers)
    assert answer.status_code == 200 and answer.json()["result"]["offset"] == 1


async def test_payloads_stay_as_they_were_written(http):
    body = b'{"channel": "chat:1", "data": {"b":1.0,\n "a" : "\\u00e9\\n"} }'
    await http.post("/api/publish", content=body, headers=KEY)
    answer = await http.post("/api/history", json={"channel": "chat:1", "limit": 1}, headers=KEY)
    assert b'"data":{"b":1.0, "a" : "\\u00e9\\n"}' in answer.content


async def test_what_is_no_json_is_read_back_as_base64(http):
    await http.post("/api/publish", json={"channel": "chat:1", "b64data": "AAEC"}, headers=KEY)
    answer = await http.post("/api/history", json={"channel": "chat:1", "limit": 1}, headers=KEY)
    assert answer.json()["result"]["publications"] == [{"data": None, "offset": 1, "b64data": "AAEC"}]


@pytest.mark.parametrize("body", [b"{", b"nothing", b'{"channel": "\xff"}', b"[1", b"{}x"])
async def test_what_cannot_be_read_is_a_problem(http, body):
    answer = await http.post("/api/publish", content=body, headers=KEY)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("malformed")


async def test_a_body_has_a_largest_size(http):
    answer = await http.post("/api/publish", content=b'"' + b"x" * 1024 * 1024 + b'"', headers=KEY)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "body", "named"),
    [
        ("publish", b"{}", "channel"),
        ("publish", b"", "channel"),
        ("publish", b"[]", "object"),
        ("publish", b'{"channel": 7, "data": 1}', "channel"),
        ("publish", b'{"channel": "chat:1"}', "data"),
        ("publish", b'{"channel": "chat:1", "data": 1, "tags": []}', "tags"),
        ("publish", b'{"channel": "chat:1", "data": 1, "version": -1}', "version"),
        ("broadcast", b'{"channels": "chat:1", "data": 1}', "channels"),
        ("broadcast", b'{"channels": [' + b'"a",' * 1000 + b'"a"], "data": 1}', "channels"),
        ("history", b'{"channel": "chat:1", "limit": -2}', "limit"),
        ("history", b'{"channel": "chat:1", "since": 7}', "since"),
        ("disconnect", b'{"user": "bob", "disconnect": {"code": 70000}}', "disconnect.code"),
        (
            "subscribe",
            b'{"user": "bob", "channel": "chat:1", "override": {"presence": 1}}',
            "override.presence",
        ),
        ("batch", b'{"commands": {}}', "commands"),
    ],
)
async def test_a_bad_field_is_named(http, method, body, named):
    answer = await http.post(f"/api/{method}", content=body, headers=KEY)
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == 107
    assert named in answer.json()["error"]["message"]


async def test_commands_of_a_batch_answer_for_themselves(http):
    commands: list[Any] = [
        {"publish": {"channel": "chat:1", "data": 1}},
        {"dance": {}},
        {},
        {"publish": {}, "info": {}},
    ]
    replies = (await http.post("/api/batch", json={"commands": commands}, headers=KEY)).json()["replies"]
    assert replies[0]["publish"]["offset"] == 1
    assert [reply["error"]["code"] for reply in replies[1:]] == [104, 107, 107]


async def test_a_batch_holds_no_batches(http):
    commands: list[Any] = [{"batch": {"commands": []}}]
    replies = (await http.post("/api/batch", json={"commands": commands}, headers=KEY)).json()["replies"]
    assert replies == [{"error": {"code": 104, "message": "method not found"}}]


async def test_nobody_answers_rpc_unless_told_to(http):
    answer = await http.post("/api/rpc", json={"method": "identity.me"}, headers=KEY)
    assert answer.json() == {"error": {"code": 108, "message": "not available"}}


async def test_a_method_is_posted(http):
    assert (await http.get("/api/info", headers=KEY)).status_code == 405
    assert (await http.post("/api/dance", json={}, headers=KEY)).status_code == 404
