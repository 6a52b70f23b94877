"""One client of the hub: its session behind a WebSocket; no rule of the protocol of channels is here.

1. Pongs are taken at once, commands go to `Work`; reading pauses while too many of them wait.
2. What the session wants said in one turn of the loop is written in one frame, before the connection keeps step with
   a channel and before it ends.
3. A clogged connection is out of step with its channels: what they bring is queued as their pressure policy says.
4. The hub's lists hold it from the accepted upgrade until the connection is lost, and not a moment longer: the number
   of its socket may be another client's right after.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from random import getrandbits
from typing import Final

import structlog

from channels.broadcast import Broadcast
from channels.effects import Close, Deliver, Identified, Live, Send, Unfollow
from channels.host import Pressure
from channels.protocol.codec import Codec
from channels.protocol.codes import DisconnectCode
from channels.protocol.exceptions import Disconnect
from channels.protocol.messages import Command, Reply
from channels.session import Session
from channels.stream import Publication
from server.websocket.frames import (
    INVALID_TEXT,
    LONGEST_REASON,
    PROTOCOL_ERROR,
    TOO_BIG,
    Opcode,
    control_frame,
    frame,
)
from server.websocket.line import Line
from server.websocket.shared import Shared
from server.websocket.work import Work

logger = structlog.get_logger(__name__)

PONG: Final = Command()
TOLD: Final = frozenset(
    {
        DisconnectCode.SLOW,
        DisconnectCode.WRITE_ERROR,
        DisconnectCode.TOO_MANY_REQUESTS,
        DisconnectCode.TOO_MANY_ERRORS,
        DisconnectCode.BAD_REQUEST,
        DisconnectCode.INVALID_TOKEN,
        PROTOCOL_ERROR,
        INVALID_TEXT,
        TOO_BIG,
    }
)
"""Ends that an operator may want to know the client of."""


class Connection(Line):
    """A client that was let in."""

    __slots__ = (
        "_finished", "_frame_pings", "_moved", "_said", "_shared", "_speaks", "_work", "address", "agent", "codec",
        "session",
    )  # fmt: skip

    def __init__(
        self,
        transport: asyncio.Transport,
        shared: Shared,
        codec: Codec,
        *,
        address: str = "",
        agent: str = "",
        frame_pings: bool = False,
    ) -> None:
        """``frame_pings`` sends pings as WebSocket frames, for clients that know nothing of ours."""
        super().__init__(transport, shared.wheel, shared.limits)
        self.codec = codec
        self.session = Session(fresh_id(), shared.limits, version=shared.version)
        self.address = address
        """Where the client connects from."""
        self.agent = agent
        """The program it says it is."""
        self._shared = shared
        self._frame_pings = frame_pings
        self._work: Work | None = None
        self._finished = False
        self._said: list[bytes] | None = None
        """Messages to be written together when the loop comes round."""
        self._moved: list[str] | None = None
        """Channels that may keep step once those are written."""
        self._speaks = False
        shared.hub.enter(self)
        shared.hub.numbers.enter(codec.name)
        shared.wheel.place(self)

    # In

    def take(self, message: bytes, binary: bool) -> None:
        """Take a frame of commands."""
        if self._finished:
            return
        try:
            commands = self.codec.decode(message)
        except Disconnect as end:
            self.session.close(end.code, end.reason)
            self.perform()
            return
        requests = [command for command in commands if command.id or command.send is not None]
        if len(requests) < len(commands):
            self._take_pongs(commands)
        if requests:
            self._take_requests(requests)

    def _take_pongs(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if not command.id and command.send is None:
                self.session.handle(command)
        self.perform()

    def _take_requests(self, requests: list[Command]) -> None:
        if self._finished:
            return
        work = self._working()
        work.add(requests)
        if len(work) > self.limits.waiting_commands:
            self.pause_reading()

    def take_pong(self) -> None:
        """Take the answer to a ping that was a frame; others mean nothing."""
        if self._frame_pings and "pong" in self.session.deadlines:
            self.session.handle(PONG)
            self.perform()

    def _working(self) -> Work:
        if self._work is None:
            self._work = Work(self, self._shared)
        return self._work

    def rest(self) -> None:
        """Learn that nothing is under way any more."""
        self._work = None
        if not self.reading:
            asyncio.get_running_loop().call_soon(self.resume_reading)

    # Out

    def deliver(self, broadcast: Broadcast) -> None:
        """Take a delivery of the hub that the session has to judge."""
        self.session.live(broadcast)
        self.perform()

    def perform(self) -> None:
        """Do what the session wants."""
        self.follow_up("")
        self.wheel.place(self)

    def follow_up(self, method: str) -> None:
        """Do what the session wants by now; replies are counted under ``method``."""
        session = self.session
        while effects := session.take():
            for effect in effects:
                if isinstance(effect, Send):
                    self._reply(effect.reply, method)
                elif isinstance(effect, Deliver):
                    self._pass_on(effect)
                elif isinstance(effect, Live):
                    self._moved = [*(self._moved or ()), effect.channel]
                    self._speak_soon()
                elif isinstance(effect, Unfollow):
                    self._shared.hub.unfollow(self, effect.channel)
                elif isinstance(effect, Identified):
                    self._shared.hub.identify(self, effect.identity)
                else:
                    self._close(effect)
        if session.chores and not self._finished:
            self._working().proceed()

    def _speak_soon(self) -> None:
        if not self._speaks:
            self._speaks = True
            asyncio.get_running_loop().call_soon(self._speak)

    def _speak(self) -> None:
        """Write what was said in this turn of the loop, and then keep step where that is possible."""
        self._speaks = False
        self._write_said()
        moved, self._moved = self._moved, None
        if moved and not self.clogged and not self._finished:
            for channel in dict.fromkeys(moved):
                self._shared.hub.settle(self, channel)
        self.wheel.place(self)

    def _write_said(self) -> None:
        said, self._said = self._said, None
        if not said:
            return
        if self.clogged:
            for message in said:
                self._queue_up(message, None, Pressure.DISCONNECT)
        elif len(said) == 1 or sum(map(len, said)) < self.limits.joined_bytes:
            self.write(self.joined(said))
        else:
            for message in said:
                self.write(frame(message, self.codec.binary))

    def joined(self, messages: list[bytes]) -> bytes:
        """Make one frame of messages."""
        message = messages[0] if len(messages) == 1 else self.codec.join(messages)
        return frame(message, self.codec.binary)

    def _reply(self, reply: Reply, method: str) -> None:
        if self._frame_pings:
            if reply == Reply():
                self.write(control_frame(Opcode.PING))
                return
            if reply.connect is not None:
                reply.connect.ping, reply.connect.pong = 0, False
        if reply.id and method:
            self._shared.hub.numbers.command(method, reply.error.code if reply.error else None)
        try:
            message = self.codec.encode(reply)
        except Disconnect as end:
            self.session.close(end.code, end.reason)
        else:
            self._say(message)

    def _pass_on(self, delivery: Deliver) -> None:
        broadcast = delivery.broadcast
        try:
            message = delivery.message(self.codec)
        except Disconnect as end:
            self.session.close(end.code, end.reason)
            return
        subscription = self.session.subscriptions.get(broadcast.channel) if self.clogged else None
        if subscription is not None and isinstance(broadcast.delivery, Publication):
            self._queue_up(message, broadcast.channel, subscription.opening.pressure)
        else:
            self._say(message)

    def _say(self, message: bytes) -> None:
        """Write a message with the others of this turn."""
        if self.clogged:
            self._queue_up(message, None, Pressure.DISCONNECT)
        elif self._said is None:
            self._said = [message]
            self._speak_soon()
        else:
            self._said.append(message)

    # Pressure

    def clog(self) -> None:
        """Fall out of step with every channel."""
        self._shared.hub.numbers.clogged += 1
        self._write_said()
        self._shared.hub.clog(self)

    def unclog(self) -> None:
        """Keep step again where all was sent."""
        self._shared.hub.numbers.clogged -= 1
        self._shared.hub.unclog(self)

    def _queue_up(self, message: bytes, channel: str | None, pressure: Pressure) -> None:
        keeps = {Pressure.LATEST: 1, Pressure.OLDEST: self.limits.queued_publications}.get(pressure, 0)
        taken, dropped = self.enqueue(message, channel, keeps)
        if not taken:
            dropped += self.forget_queued()
            self._close(Close(DisconnectCode.SLOW, DisconnectCode.SLOW.message))
            self.session.close(DisconnectCode.SLOW)
        if dropped:
            self._shared.hub.numbers.drop(pressure.name.lower() if taken else "disconnect", dropped)

    # The end

    def fail(self, code: int, reason: str) -> None:
        """End for what is wrong with the line."""
        self._close(Close(code, reason))
        self.session.close(code, reason)
        self.perform()

    def _close(self, close: Close) -> None:
        if self._finished:
            return
        if not self.clogged:
            self._shared.hub.clog(self)  # what it is owed by its channels comes before the close frame
        self._write_said()
        self.end(close.code, close_reason(close.reason))
        self._shared.hub.numbers.close(close.code)
        if close.code in TOLD:
            self._tell(close)
        self._finish()

    def _tell(self, close: Close) -> None:
        user = self.session.identity.user if self.session.identity is not None else ""
        who = {"user": user, "address": self.address, "agent": self.agent}
        logger.info("a client is sent away", code=close.code, why=close.reason, **who)

    def lost(self) -> None:
        """Leave the hub at once, and the channels."""
        hub, self._said = self._shared.hub, None
        hub.depart(self)
        hub.numbers.depart(self.codec.name)
        if self.clogged:
            hub.numbers.clogged -= 1
        if not self._finished:
            hub.numbers.close()
            self._finish()

    def _finish(self) -> None:
        self._finished = True
        work, self._work = self._working(), None
        work.end()

    # Time

    @property
    def moment(self) -> float:
        """When `tick` is to be called."""
        due = self._due
        if self._finished:
            return due
        nearest = self.session.deadlines.nearest
        return nearest if nearest < due else due

    def tick(self) -> None:
        """Do what is due."""
        if not self._finished and self.session.deadlines.nearest <= self.wheel.clock():
            self.session.tick()
            self.perform()
        super().tick()


def fresh_id() -> str:
    """Make the id of a connection: a random UUID, written with a third of the work that `uuid` takes."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def close_reason(words: str) -> str:
    """Make words fit for a close frame: not empty, not JSON (or SDKs would misread the code), not too long."""
    with contextlib.suppress(ValueError):
        json.loads(words)
        words = f"reason: {words}"
    return words.encode()[:LONGEST_REASON].decode(errors="ignore") or "closed"
