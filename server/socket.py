"""One WebSocket's I/O around a session: frames in, steps run, frames out, the clock; no rule of the protocol is here.

1. Reading never waits for an answer, so a pong is seen while commands wait; it waits when too many commands do.
2. One worker runs commands and chores in order; calls run beside it, a bounded number of them, and are let finish
   when the client is gone.
3. Writing waits for the client, nothing else does: what cannot be queued ends the connection with 3008.
"""

import asyncio
import contextlib
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from channels.broadcast import Broadcast
from channels.effects import Close, Deliver, Identified, Send, Steps, Unfollow
from channels.host import Host
from channels.limits import Limits
from channels.protocol.codec import Codec
from channels.protocol.codes import DisconnectCode
from channels.protocol.exceptions import Disconnect, FabricError
from channels.protocol.json import JsonCodec
from channels.protocol.messages import Command
from channels.session import Session
from channels.transitions import State
from server.answers import Answers
from server.fanout import Hub
from server.outbox import Outbox

logger = logging.getLogger(__name__)

CODECS: Final[tuple[Codec, ...]] = (JsonCodec(),)
TOO_BIG: Final = 1009
LONGEST_REASON: Final = 123


def socket_endpoint(
    hub: Hub, host: Host, *, limits: Limits | None = None, version: str = "0"
) -> Callable[[WebSocket], Awaitable[None]]:
    """Make the endpoint of a Starlette WebSocketRoute that serves the Centrifuge protocol."""
    bounds = limits or Limits()
    answers = Answers(hub, host, bounds)

    async def serve(websocket: WebSocket) -> None:
        codec, echo = choose_codec(websocket.scope.get("subprotocols", []))
        if hub.draining:
            await websocket.close()
            return
        await websocket.accept(subprotocol=echo)
        if codec is None:
            await websocket.close(DisconnectCode.NOT_AVAILABLE, close_reason("no codec in common"))
            return
        await Socket(websocket, codec, hub, answers, bounds, version).run()

    return serve


def choose_codec(offered: list[str]) -> tuple[Codec | None, str | None]:
    """Return the codec and the subprotocol to echo; a client that offers none speaks JSON."""
    wanted = [name for name in offered if name]
    if not wanted:
        return CODECS[0], None
    for codec in CODECS:
        if codec.subprotocol in wanted:
            return codec, codec.subprotocol
    return None, None


def close_reason(words: str) -> str:
    """Make words fit for a close frame: not empty, not JSON (or SDKs would misread the code), not too long."""
    with contextlib.suppress(ValueError):
        json.loads(words)
        words = f"reason: {words}"
    return words.encode()[:LONGEST_REASON].decode(errors="ignore") or "closed"


class Socket:
    """One connection."""

    def __init__(
        self, websocket: WebSocket, codec: Codec, hub: Hub, answers: Answers, limits: Limits, version: str
    ) -> None:
        self.session = Session(str(uuid.uuid4()), limits, version=version)
        self._websocket = websocket
        self._codec = codec
        self._hub = hub
        self._answers = answers
        self._limits = limits
        self._outbox = Outbox(codec, limits)
        self._commands: asyncio.Queue[Command | None] = asyncio.Queue(limits.waiting_commands)
        self._calls = asyncio.Semaphore(limits.concurrent_calls)
        self._closing: Close | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._alarm = float("inf")

    async def run(self) -> None:
        """Serve the connection to its end."""
        self._hub.enter(self)
        self._hub.numbers.enter(self._codec.name)
        self.perform()
        try:
            async with asyncio.TaskGroup() as tasks:
                parts = [tasks.create_task(part) for part in (self._read(), self._write(), self._work(tasks))]
                try:
                    await asyncio.wait(parts[:2], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self._close(Close(DisconnectCode.CONNECTION_CLOSED, "connection closed"))
                    for part in parts:
                        part.cancel()
                await asyncio.wait(parts)
                await self._end()
        finally:
            self._hub.depart(self)
            self._hub.numbers.depart(self._codec.name)
            if self._timer is not None:
                self._timer.cancel()

    async def _end(self) -> None:
        await self._go(self.session.end())
        self._hub.depart(self)

    # In

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if self._closing is None:
                await self._take(message.get("bytes") or (message.get("text") or "").encode())

    async def _take(self, frame: bytes) -> None:
        if len(frame) > self._limits.frame_bytes:
            self._close(Close(TOO_BIG, "message too big"))
            return
        try:
            commands = self._codec.decode(frame)
        except Disconnect as end:
            self.session.close(end.code, end.reason)
            self.perform()
            return
        for command in commands:
            if command.request is None:
                self.session.handle(command)
                self.perform()
            else:
                await self._commands.put(command)

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while self._closing is None:
            while (chore := self.session.next_chore()) is not None:
                await self._go(chore)
            command = await self._commands.get()
            if command is None:
                continue
            steps = self.session.handle(command)
            self.perform()
            if steps is not None and self.session.is_call(command):
                await self._calls.acquire()
                tasks.create_task(self._call(steps))
            elif steps is not None:
                await self._go(steps)

    async def _call(self, steps: Steps[None]) -> None:
        try:
            await self._go(steps)
        finally:
            self._calls.release()

    async def _go(self, steps: Steps[None]) -> None:
        try:
            question = next(steps)
            while True:
                self.perform()
                try:
                    answer = await self._answers.to(self, question)
                except FabricError as refusal:
                    question = steps.throw(refusal)
                else:
                    question = steps.send(answer)
        except StopIteration:
            self.perform()
        except FabricError as refusal:
            logger.debug("a chore was refused: %s", refusal)
        except Exception:
            logger.exception("the session failed")
            self.session.close(DisconnectCode.INTERNAL_ERROR)
            self.perform()

    # Out

    def deliver(self, broadcast: Broadcast) -> None:
        """Take a delivery of the hub."""
        self.session.live(broadcast)
        self.perform()

    def perform(self) -> None:
        """Do what the session wants, and wake at its next moment."""
        while effects := self.session.take():
            for effect in effects:
                match effect:
                    case Send(reply=reply):
                        self._queue(self._codec.encode(reply))
                    case Deliver():
                        self._queue(effect.message(self._codec))
                    case Unfollow(channel=channel):
                        self._hub.unfollow(self, channel)
                    case Identified(identity=identity):
                        self._hub.identify(self, identity)
                    case Close():
                        self._close(effect)
        if self.session.chores and not self._commands.full():
            self._commands.put_nowait(None)
        self._set_alarm()

    def _queue(self, message: bytes) -> None:
        if self._closing is None and not self._outbox.add(message):
            self._outbox.clear()
            self.session.close(DisconnectCode.SLOW)

    def _close(self, close: Close) -> None:
        if self._closing is None:
            self._closing = close
            self._outbox.wake()

    async def _write(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            while True:
                await self._outbox.filled()
                while (frame := self._outbox.take()) is not None:
                    if not await self._send(frame):
                        return
                if self._closing is not None:
                    await self._send_close(self._closing)
                    return

    async def _send(self, frame: bytes) -> bool:
        try:
            async with asyncio.timeout(self._limits.write_s):
                if self._codec.binary:
                    await self._websocket.send_bytes(frame)
                else:
                    await self._websocket.send_text(frame.decode())
        except TimeoutError:
            self._close(Close(DisconnectCode.WRITE_ERROR, DisconnectCode.WRITE_ERROR.message))
            return False
        return True

    async def _send_close(self, close: Close) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.write_s):
                await self._websocket.close(close.code, close_reason(close.reason))

    # Time

    def _set_alarm(self) -> None:
        nearest = self.session.deadlines.nearest
        if nearest == self._alarm:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._alarm = nearest
        if self.session.state is not State.CLOSED and nearest != float("inf"):
            delay_s = max(0.0, nearest - self.session.clock())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._alarm = float("inf")
        self._timer = None
        self.session.tick()
        self.perform()
