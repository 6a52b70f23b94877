"""Reads the body of a request, never more than the limit, never longer than the deadline."""

import asyncio
from typing import Final

from starlette.requests import Request

from domain.kernel.errors import TooLarge
from server.problems import TooSlow, UnsupportedMedia

LIMIT: Final = 1024 * 1024
DEADLINE_S: Final = 20.0


async def read_json_body(request: Request, *, limit: int = LIMIT, deadline_s: float = DEADLINE_S) -> bytes:
    """Return the bytes of a body, which is empty or said to be JSON.

    Raises:
        TooLarge: It is longer than ``limit``, by its own word or in fact.
        TooSlow: It was not there after ``deadline_s``.
        UnsupportedMedia: It is something else than JSON.
    """
    body = await read_body(request, limit=limit, deadline_s=deadline_s)
    if body and not _is_json(request.headers.get("content-type", "application/json")):
        raise UnsupportedMedia("Send the body as application/json")
    return body


async def read_body(request: Request, *, limit: int = LIMIT, deadline_s: float = DEADLINE_S) -> bytes:
    """Return the bytes of a body, whatever it is said to be; raises TooLarge and TooSlow as above."""
    if _announced(request) > limit:
        raise TooLarge(f"A body has at most {limit} bytes")
    try:
        async with asyncio.timeout(deadline_s):
            return await _read(request, limit)
    except TimeoutError as error:
        raise TooSlow(f"The body was not complete after {deadline_s:g} s") from error


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdecimal() else 0


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"A body has at most {limit} bytes")
    return bytes(body)


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or media.endswith("+json")
