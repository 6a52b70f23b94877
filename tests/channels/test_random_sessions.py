"""Whatever comes in whatever order — commands, answers late or refused, deliveries, losses, wishes, the clock — the
session keeps its promises: it never raises, never answers twice, never pushes before the reply, hides no gap, and is
silent after the end.

Proves: channels/session.py, channels/subscription.py, channels/following.py, channels/positioning.py
"""

from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from channels.broadcast import Broadcast
from channels.effects import Ask, Close, Deliver, Live, Send, Steps, Unfollow
from channels.host import Identity, Opening
from channels.limits import Limits
from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import Disconnect, FabricError, ProtocolError
from channels.protocol.messages import Command, Publication, Reply, SubscribeResult
from channels.rate import Rate
from channels.session import Session
from channels.stream import Position
from channels.subscription import Phase
from channels.transitions import State
from tests.session_world import CODEC, EPOCH, KEPT, World

CHANNELS = ("a", "b", "cache", "delta", "wish", "room", "#7")
NAMES = st.sampled_from([*CHANNELS, "secret", "", "é", "x" * 256])
OPENINGS = {
    "cache": Opening(history=KEPT, recovery="cache"),
    "delta": Opening(history=KEPT, delta=True, may_publish=True),
    "wish": Opening(
        history=KEPT, positioned=False, recoverable=False, join_leave=True, push_join_leave=False
    ),
    "room": Opening(presence=True, join_leave=True, may_publish=True, data=b"{}"),
    "b": Opening(history=KEPT, presence=True, may_read_history=False, may_read_presence=False),
}
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "channel": NAMES,
        "token": st.sampled_from(["", "t", "a"]),
        "data": st.sampled_from([1, {"x": 1}]),
        "recover": st.booleans(),
        "recoverable": st.booleans(),
        "positioned": st.booleans(),
        "join_leave": st.booleans(),
        "delta": st.sampled_from(["", "fossil", "other"]),
        "offset": st.integers(0, 6),
        "epoch": st.sampled_from(["", EPOCH, "other"]),
        "flag": st.integers(0, 3),
        "limit": st.integers(-2, 400),
        "reverse": st.booleans(),
        "method": st.sampled_from(["m", "refuse"]),
        "since": st.fixed_dictionaries(
            {"offset": st.integers(0, 6), "epoch": st.sampled_from(["", EPOCH, "x"])}
        ),
        "type": st.integers(0, 1),
    },
)
METHODS = st.sampled_from([name for name in Command.__struct_fields__ if name not in ("id", "connect")])
REFUSALS = st.sampled_from(
    [
        ProtocolError(ErrorCode.INTERNAL),
        ProtocolError(ErrorCode.PERMISSION_DENIED),
        ProtocolError(ErrorCode.TOKEN_EXPIRED),
        ProtocolError(409, "taken"),
    ]
)


class Reader:
    """What a client understands of what it is told; asserts that it can be understood."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sent: dict[int, str] = {}
        self.answered: set[int] = set()
        self.positions: dict[str, int | None] = {}
        """Where it stands in the channels it knows to be followed; None where nobody looks for gaps."""
        self.closed = False
        self.released: set[str] = set()

    def read(self, effect: Any) -> None:
        assert not self.closed or isinstance(effect, Unfollow), "nothing is said after the end"
        match effect:
            case Send(reply=reply):
                self._read_reply(CODEC.decode_replies(CODEC.encode(reply))[0])
            case Deliver():
                self._read_reply(CODEC.decode_replies(effect.message(CODEC))[0])
            case Live(channel=channel):
                assert channel in self.positions, "only what the client knows of is live"
                assert self.session.subscriptions[channel].phase is not Phase.OPENING
            case Close():
                self.closed = True

    def _read_reply(self, reply: Reply) -> None:
        if reply.id:
            assert reply.id in self.sent, "only what was asked is answered"
            assert reply.id not in self.answered, "nothing is answered twice"
            self.answered.add(reply.id)
        if reply.connect:
            for channel, result in reply.connect.subs.items():
                self._begin(channel, result)
        if reply.subscribe:
            self._begin(self.sent[reply.id], reply.subscribe)
        if reply.unsubscribe:
            self.positions.pop(self.sent[reply.id], None)
        if reply.push:
            self._read_push(reply)

    def _read_push(self, reply: Reply) -> None:
        push = reply.push
        assert push is not None
        if push.message:
            return
        if push.subscribe:
            assert push.channel not in self.positions
            self.positions[push.channel] = push.subscribe.offset if push.subscribe.positioned else None
            return
        assert push.channel in self.positions, "no push comes before the reply or after the end"
        if push.unsubscribe:
            del self.positions[push.channel]
        if push.pub:
            self._advance(push.channel, push.pub)

    def _begin(self, channel: str, result: SubscribeResult) -> None:
        assert channel not in self.positions
        assert result.recovered or not result.publications
        if not result.positioned:
            assert (result.offset, result.epoch, result.recoverable) == (0, "", False)
            self.positions[channel] = None
            return
        if OPENINGS.get(channel, Opening()).recovery == "cache":
            assert [one.offset for one in result.publications] in ([], [result.offset])
            self.positions[channel] = result.offset
            return
        self.positions[channel] = result.offset
        for publication in result.publications:
            self._advance(channel, publication)

    def _advance(self, channel: str, publication: Publication) -> None:
        stands = self.positions[channel]
        if stands is not None and publication.offset:
            assert publication.offset == stands + 1, "neither gap nor double"
            self.positions[channel] = publication.offset


class Life(RuleBasedStateMachine):
    """One connection and everything that can happen to it, also between any two of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Limits(channels=4, commands=Rate(60, 30.0), refusals=Rate(20, 60.0)))
        self.world.identity = Identity(user="7", subscriptions={"#7": None})
        self.world.openings = OPENINGS
        self.world.hears = True
        self.session = self.world.session
        self.reader = Reader(self.session)
        self.numbers = count(1)
        self.steps: Steps[None] | None = None
        self.question: Ask[Any] | None = None
        self.refused = False

    # What the shell does

    def take(self) -> None:
        for effect in self.session.take():
            self.reader.read(effect)
            if isinstance(effect, Unfollow):
                self.world.followed.discard(effect.channel)
        if self.session.state is State.CLOSED:
            self.steps = self.question = None

    def begin(self, steps: Steps[None] | None) -> None:
        self.take()
        if steps is not None and self.session.state is not State.CLOSED:
            self.steps = steps
            self.go(lambda: next(steps))

    def go(self, step: Any) -> None:
        try:
            self.question = step()
        except StopIteration:
            self.steps = self.question = None
        except ProtocolError:
            self.steps = self.question = None  # a chore's refusal ends here
        self.take()

    @property
    def busy(self) -> bool:
        return self.steps is not None

    # What can happen

    @initialize(connects=st.booleans(), expires=st.sampled_from([None, 40.0]))
    def connect(self, connects: bool, expires: float | None) -> None:
        if expires is not None:
            self.world.openings = {
                **OPENINGS,
                "a": Opening(history=KEPT, expires_at=self.world.now + expires),
            }
        if connects:
            self.command("connect", {})

    @precondition(lambda self: not self.busy)
    @rule(method=METHODS, arguments=ARGUMENTS)
    def command(self, method: str, arguments: dict[str, Any]) -> None:
        number = next(self.numbers) if method != "send" else 0
        if number:
            self.reader.sent[number] = arguments.get("channel", "")
        raw = CODEC._encoder.encode({"id": number, method: arguments})
        self.begin(self.session.handle(CODEC.decode(raw)[0]))

    @precondition(lambda self: not self.busy and self.session.state is State.OPEN)
    @rule(channel=st.sampled_from(CHANNELS), arguments=ARGUMENTS)
    def subscribe(self, channel: str, arguments: dict[str, Any]) -> None:
        self.command("subscribe", {**arguments, "channel": channel, "type": 0})

    @precondition(lambda self: self.busy)
    @rule()
    def answer(self) -> None:
        steps, question = self.steps, self.question
        assert steps is not None and question is not None
        try:
            answer = self.world.answer(question)
        except FabricError as refusal:
            self.throw(refusal)
        else:
            self.go(lambda: steps.send(answer))

    @precondition(lambda self: self.busy)
    @rule(refusal=st.one_of(REFUSALS, st.just(Disconnect(DisconnectCode.INVALID_TOKEN))))
    def refuse(self, refusal: FabricError) -> None:
        self.refused = True
        self.throw(refusal)

    def throw(self, refusal: FabricError) -> None:
        steps = self.steps
        assert steps is not None
        self.go(lambda: steps.throw(refusal))

    @precondition(lambda self: not self.busy)
    @rule()
    def chore(self) -> None:
        if self.session.state is not State.CLOSED and (steps := self.session.next_chore()) is not None:
            self.begin(steps)

    @rule(channel=st.sampled_from(CHANNELS), lose=st.booleans())
    def publish(self, channel: str, lose: bool) -> None:
        publication = self.world.stream(channel).append(b'{"n":1}', KEPT, self.world.now)
        if not lose and channel in self.world.followed:
            self.session.live(Broadcast(channel, publication))
            self.take()

    @rule(channel=st.sampled_from(CHANNELS))
    def doubt(self, channel: str) -> None:
        self.session.doubt(channel)
        self.take()

    @rule(channel=st.sampled_from(CHANNELS), code=st.sampled_from([2000, 2500, 2502]))
    def unsubscribe(self, channel: str, code: int) -> None:
        self.session.unsubscribe(channel, code)
        self.take()

    @rule(channel=st.sampled_from(CHANNELS), offset=st.sampled_from([None, 0, 2]))
    def subscribe_by_server(self, channel: str, offset: int | None) -> None:
        self.session.subscribe_by_server(channel, None, None if offset is None else Position(offset, EPOCH))
        self.take()

    @rule(left=st.sampled_from([None, 30.0, 500.0]))
    def refresh(self, left: float | None) -> None:
        self.session.refresh_by_server(None if left is None else self.world.now + left)
        self.take()

    @rule()
    def message(self) -> None:
        self.session.message(b"1")
        self.take()

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 12.0]), answers=st.booleans())
    def wait(self, seconds: float, answers: bool) -> None:
        self.world.now += seconds
        self.session.tick()
        self.take()
        if answers and "pong" in self.session.deadlines:
            self.session.handle(CODEC.decode(b"{}")[0])
            self.take()

    @precondition(lambda self: self.session.state is State.OPEN)
    @rule(closes=st.integers(0, 9))
    def close(self, closes: int) -> None:
        if not closes:
            self.session.close(3000)
            self.take()

    # What always holds

    @invariant()
    def every_command_is_answered_or_the_connection_ends(self) -> None:
        if not self.busy and self.session.state is State.OPEN:
            assert self.reader.answered == set(self.reader.sent)

    @invariant()
    def the_client_knows_what_it_follows(self) -> None:
        if self.session.state is not State.OPEN:
            return
        known = {channel for channel, one in self.session.subscriptions.items() if one.phase is Phase.LIVE}
        assert known == set(self.reader.positions)
        for channel, stands in self.reader.positions.items():
            position = self.session.position(channel)
            assert (position.offset if position else None) == stands

    @invariant()
    def deliveries_come_only_for_what_is_followed(self) -> None:
        assert self.world.followed <= set(self.session.subscriptions)

    def teardown(self) -> None:
        self.world.session.close(3000)
        self.take()
        self.world.run(self.session.end(), to_the_end=True)
        assert (self.session.subscriptions, self.world.followed) == ({}, set())
        if not self.refused:
            assert all(not present for present in self.world.present.values())


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=80, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
