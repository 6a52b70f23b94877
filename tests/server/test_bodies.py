"""A body is bounded in size and time, whatever its sender says."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from domain.kernel.errors import TooLarge
from server.bodies import read_json_body
from server.problems import TooSlow, UnsupportedMedia


def request(*chunks: bytes, waits: bool = False, **headers: str) -> Request:
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        if not waiting and waits:
            await asyncio.Event().wait()
        body = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(waiting) or waits}

    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": encoded}, receive)


async def test_chunks_are_one_body():
    assert await read_json_body(request(b"{", b"}")) == b"{}"
    assert await read_json_body(request()) == b""


@pytest.mark.parametrize(
    "given", [request(b"12345", b"6789"), request(content_length="9"), request(b"123456789")]
)
async def test_a_body_too_large_is_refused(given: Request):
    with pytest.raises(TooLarge):
        await read_json_body(given, limit=8)


async def test_a_body_that_does_not_come_is_not_waited_for():
    with pytest.raises(TooSlow):
        await read_json_body(request(b"{", waits=True), deadline_s=0.01)


@pytest.mark.parametrize(
    "media", ["application/json", "application/json; charset=utf-8", "application/ld+json"]
)
async def test_json_is_read_under_its_names(media: str):
    assert await read_json_body(request(b"{}", content_type=media)) == b"{}"


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x=y"]
)
async def test_another_kind_is_refused_where_there_is_a_body(media: str):
    assert await read_json_body(request(content_type=media)) == b""
    with pytest.raises(UnsupportedMedia):
        await read_json_body(request(b"{}", content_type=media))
