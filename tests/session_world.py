"""A world around one session for tests: it answers at once and writes down what the session tells."""

from collections.abc import Callable, Sequence
from typing import Any

from channels.broadcast import Broadcast
from channels.broker import Attendance
from channels.effects import (
    Announce,
    Arrive,
    Ask,
    Authenticate,
    Close,
    Count,
    Deliver,
    Follow,
    Glance,
    Hear,
    Invoke,
    Leave,
    NameChannel,
    Permit,
    Present,
    Propose,
    Publish,
    Read,
    Renew,
    Send,
    Show,
    Steps,
    Top,
    Unfollow,
)
from channels.host import Identity, Opening, Publishing
from channels.limits import Limits
from channels.protocol import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, FabricError, ProtocolError
from channels.protocol.json import JsonCodec
from channels.protocol.messages import ClientInfo
from channels.session import Session
from channels.stream import Delivery, HistoryPolicy, Stream
from channels.transitions import State

CODEC = JsonCodec()
KEPT = HistoryPolicy(size=5, ttl_s=60)
EPOCH = "e"


class World:
    """Answers a session's questions at once, from one stream per channel, and writes down what it tells."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.now = 1000.0
        self.session = Session(
            "c1", limits or Limits(), clock=lambda: self.now, wall=lambda: self.now, jitter=lambda: 0.0
        )
        self.streams: dict[str, Stream] = {}
        self.followed: set[str] = set()
        self.present: dict[str, dict[str, ClientInfo]] = {}
        self.told: list[Any] = []
        self.asked: list[Ask[Any]] = []
        self.identity = Identity(user="7")
        self.opening = Opening(history=KEPT)
        self.openings: dict[str, Opening] = {}
        self.anybody_publishes = False
        self.hears = False
        self.heard: list[bytes] = []
        self.before: Callable[[Ask[Any]], None] = lambda question: None

    # What happens

    def say(self, text: str) -> list[Any]:
        """Run the commands of one frame to their end; returns what was told meanwhile."""
        start = len(self.told)
        for command in CODEC.decode(text.encode()):
            self.run(self.session.handle(command))
        self.chores()
        return self.told[start:]

    def run(self, steps: Steps[None] | None, *, to_the_end: bool = False) -> None:
        self.take()
        if steps is None:
            return
        try:
            question = next(steps)
            while to_the_end or not self.closed:
                self.asked.append(question)
                try:
                    self.before(question)
                    answer = self.answer(question)
                except FabricError as refusal:
                    question = steps.throw(refusal)
                else:
                    question = steps.send(answer)
                self.take()
        except StopIteration:
            pass
        self.take()

    def chores(self) -> None:
        while not self.closed and (chore := self.session.next_chore()) is not None:
            self.run(chore)

    def take(self) -> None:
        effects = self.session.take()
        self.told += effects
        for effect in effects:
            if isinstance(effect, Unfollow):
                self.followed.discard(effect.channel)

    def publish(
        self,
        channel: str,
        data: bytes = b"{}",
        *,
        lose: bool = False,
        tags: dict[str, str] | None = None,
        info: ClientInfo | None = None,
    ) -> None:
        publication = self.stream(channel).append(data, KEPT, self.now, tags=tags, info=info)
        if not lose:
            self.deliver(channel, publication)

    def deliver(self, channel: str, delivery: Delivery) -> None:
        if channel in self.followed:
            self.session.live(Broadcast(channel, delivery))
            self.take()

    def after(self, seconds: float) -> list[Any]:
        start = len(self.told)
        self.now += seconds
        self.session.tick()
        self.take()
        return self.told[start:]

    # What is known

    @property
    def closed(self) -> bool:
        return self.session.state is State.CLOSED

    def stream(self, channel: str) -> Stream:
        if channel not in self.streams:
            self.streams[channel] = Stream()
            self.streams[channel].epoch = EPOCH
        return self.streams[channel]

    def answer(self, question: Ask[Any]) -> Any:
        match question:
            case Authenticate() | Renew():
                return self.identity
            case Permit(channel=channel) | Glance(channel=channel):
                if channel.startswith("secret"):
                    raise ProtocolError(ErrorCode.PERMISSION_DENIED)
                return self.openings.get(channel, self.opening)
            case NameChannel(token=token):
                return token
            case Propose(data=data, granted=granted):
                if not granted and not self.anybody_publishes:
                    raise ProtocolError(ErrorCode.PERMISSION_DENIED)
                return Publishing(data=data, history=self.opening.history, tags={"by": "client"})
            case Hear(data=data):
                if not self.hears:
                    raise Disconnect(DisconnectCode.NOT_AVAILABLE)
                return self.heard.append(data)
            case Show():
                return b'{"items":[]}'
            case Invoke(method=method, data=data):
                if method == "refuse":
                    raise ProtocolError(409, "taken")
                return data
            case _:
                return self._ask_broker(question)

    def _ask_broker(self, question: Ask[Any]) -> Any:
        match question:
            case Follow(channel=channel):
                self.followed.add(channel)
            case Top(channel=channel):
                return self.stream(channel).top
            case Publish(channel=channel, publishing=publishing, info=info):
                self.publish(channel, publishing.data, tags=publishing.tags, info=info)
            case Read(channel=channel, since=since, limit=limit, reverse=reverse):
                return self.stream(channel).read(self.now, since=since, limit=limit, reverse=reverse)
            case Arrive(channel=channel, info=info):
                self.present.setdefault(channel, {})[info.client] = info
            case Leave(channel=channel, client=client):
                self.present.get(channel, {}).pop(client, None)
            case Present(channel=channel):
                return self.present.get(channel, {})
            case Count(channel=channel):
                here = self.present.get(channel, {}).values()
                return Attendance(clients=len(here), users=len({info.user for info in here}))
            case Announce(channel=channel, event=event):
                self.deliver(channel, event)
        return None


def words(effects: Sequence[Any]) -> list[str]:
    """Write down what the client reads, and how it ends."""
    codec = CODEC
    written = []
    for effect in effects:
        match effect:
            case Send(reply=reply):
                written.append(codec.encode(reply).decode())
            case Deliver():
                written.append(effect.message(codec).decode())
            case Close(code=code):
                written.append(f"closed {code}")
    return written


def connected(**limits: Any) -> World:
    world = World(Limits(**limits))
    world.say('{"id":1,"connect":{"token":"t"}}')
    return world
