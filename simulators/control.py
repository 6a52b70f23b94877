"""The door of a running fleet: a local socket through which one asks a gate to be shown a pass, or to sound.

One line of JSON in, one line out, then the door closes.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from domain.access.rules.credentials import Method
from domain.access.rules.facts import Direction
from simulators.presented import Presented

logger = logging.getLogger(__name__)

DEADLINE_S = 15.0
MAX_LINE = 64 * 1024


class NoFleet(Exception):
    """Nobody answers at the control socket."""


class NotPresented(Exception):
    """The fleet could not show the pass; the message says why."""


class Request(Struct, frozen=True, kw_only=True, rename="camel", tag_field="do", tag="show"):
    """Show this pass at this gate."""

    gate_id: int
    token: Annotated[str, Meta(max_length=4096)]
    direction: Direction = "in"
    method: Method = "qr"
    walk: bool = True


class Sound(Struct, frozen=True, kw_only=True, rename="camel", tag_field="do", tag="sound"):
    """Switch an alarm of this gate on or off."""

    gate_id: int
    alarm: str
    on: bool


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request was not done."""

    error: str


Present = Callable[[Request], Awaitable[Presented]]
Alarm = Callable[[Sound], Awaitable[None]]
_ASKED: msgspec.json.Decoder[Request | Sound] = msgspec.json.Decoder(Request | Sound)


def sweep(path: Path) -> None:
    """Removes what a killed fleet has left beside its door: the doors of its shares, however many they were."""
    for left in path.parent.glob(f"{escape(path.name)}.*"):
        if left.suffix[1:].isdecimal() and left.is_socket():
            left.unlink(missing_ok=True)


@asynccontextmanager
async def door(path: Path, present: Present, sound: Alarm) -> AsyncIterator[None]:
    """Answers at the socket while the block runs."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply: Presented | Refusal | None
        try:
            async with asyncio.timeout(DEADLINE_S):
                asked = _ASKED.decode(await reader.readline())
                reply = await (present(asked) if isinstance(asked, Request) else sound(asked))
        except (msgspec.DecodeError, ValueError, NotPresented) as error:
            reply = Refusal(error=str(error))
        except TimeoutError:
            reply = Refusal(error=f"the gate did not finish within {DEADLINE_S:.0f} s")
        with suppress(OSError):
            writer.write(msgspec.json.encode(reply) + b"\n")
            await writer.drain()
        writer.close()

    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # Whoever may open this socket may walk through gates of the simulation.
    mask = os.umask(0o077)
    try:
        server = await asyncio.start_unix_server(answer, path, limit=MAX_LINE)
    finally:
        os.umask(mask)
    try:
        async with server:
            yield
    finally:
        path.unlink(missing_ok=True)


async def present(
    socket: Path,
    gate_id: int,
    token: str,
    direction: Direction = "in",
    *,
    method: Method = "qr",
    walk: bool = True,
) -> Presented:
    """Has the running fleet's gate be shown a pass, and returns what happened.

    Raises:
        NoFleet: no fleet runs at this socket.
        NotPresented: it has no such gate, or the gate could not.
    """
    request = Request(gate_id=gate_id, token=token, direction=direction, method=method, walk=walk)
    line = await _ask(socket, request)
    try:
        return msgspec.json.decode(line, type=Presented)
    except msgspec.DecodeError:
        raise NotPresented(_refusal(line)) from None


async def sound(socket: Path, gate_id: int, alarm: str, *, on: bool) -> None:
    """Has the running fleet's gate switch an alarm on or off.

    Raises:
        NoFleet: no fleet runs at this socket.
        NotPresented: it has no such gate, or the gate could not.
    """
    line = await _ask(socket, Sound(gate_id=gate_id, alarm=alarm, on=on))
    if line != b"null\n":
        raise NotPresented(_refusal(line))


async def _ask(socket: Path, asked: Request | Sound) -> bytes:
    try:
        reader, writer = await asyncio.open_unix_connection(socket, limit=MAX_LINE)
    except OSError as error:
        raise NoFleet(f"no fleet answers at {socket}") from error
    try:
        writer.write(msgspec.json.encode(asked) + b"\n")
        async with asyncio.timeout(DEADLINE_S + 1):
            return await reader.readline()
    except (OSError, TimeoutError) as error:
        raise NotPresented(f"the fleet at {socket} went away without an answer") from error
    finally:
        writer.close()


def _refusal(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=Refusal).error
    except msgspec.DecodeError:
        return "the fleet gave no answer"
