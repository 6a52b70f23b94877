"""The session without I/O: what it answers, in which order, and that nothing it is given breaks it."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.broadcast import Broadcast
from channels.effects import (
    Arrive,
    Ask,
    Authenticate,
    Close,
    Deliver,
    Follow,
    Invoke,
    Leave,
    Permit,
    Present,
    Read,
    Renew,
    Send,
    Show,
    Steps,
    Unfollow,
)
from channels.host import Identity, Opening
from channels.limits import Limits
from channels.protocol import ErrorCode, ProtocolError
from channels.protocol.json import JsonCodec
from channels.protocol.messages import ClientInfo, Command, Reply
from channels.session import Session
from channels.stream import HistoryPolicy, Position, Publication, Stream
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
        self.before: Callable[[Ask[Any]], None] = lambda question: None

    # What happens

    def say(self, text: str) -> list[Any]:
        """Run the commands of one frame to their end; returns what was told meanwhile."""
        start = len(self.told)
        for command in CODEC.decode(text.encode()):
            self.run(self.session.handle(command))
        self.chores()
        return self.told[start:]

    def run(self, steps: Steps[None] | None) -> None:
        self.take()
        if steps is None:
            return
        try:
            question = next(steps)
            while not self.closed:
                self.asked.append(question)
                self.before(question)
                try:
                    answer = self.answer(question)
                except ProtocolError as refusal:
                    question = steps.throw(refusal)
                else:
                    question = steps.send(answer)
                self.take()
        except StopIteration:
            pass
        self.take()

    def chores(self) -> None:
        while self.session.chores and not self.closed:
            self.run(self.session.chores.popleft())

    def take(self) -> None:
        effects = self.session.take()
        self.told += effects
        for effect in effects:
            if isinstance(effect, Unfollow):
                self.followed.discard(effect.channel)

    def publish(self, channel: str, data: bytes = b"{}", *, lose: bool = False) -> None:
        publication = self.stream(channel).append(data, KEPT, self.now)
        if not lose and channel in self.followed:
            self.session.live(Broadcast(channel, publication))
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
            case Permit(channel=channel):
                if channel.startswith("secret"):
                    raise ProtocolError(ErrorCode.PERMISSION_DENIED)
                return self.opening
            case Follow(channel=channel):
                self.followed.add(channel)
            case Read(channel=channel, since=since, limit=limit, reverse=reverse):
                return self.stream(channel).read(self.now, since=since, limit=limit, reverse=reverse)
            case Show():
                return b'{"items":[]}'
            case Invoke(method=method, data=data):
                if method == "refuse":
                    raise ProtocolError(409, "taken")
                return data
            case Arrive(channel=channel, info=info):
                self.present.setdefault(channel, {})[info.client] = info
            case Leave(channel=channel, client=client):
                self.present.get(channel, {}).pop(client, None)
            case Present(channel=channel):
                present: Mapping[str, ClientInfo] = self.present.get(channel, {})
                return present
        return None


def words(effects: list[Any]) -> list[str]:
    """Write down what the client reads, and how it ends."""
    codec = CODEC
    written = []
    for effect in effects:
        match effect:
            case Send(reply=reply):
                written.append(codec.encode(reply).decode())
            case Deliver(broadcast=broadcast):
                written.append(broadcast.message(codec).decode())
            case Close(code=code):
                written.append(f"closed {code}")
    return written


def connected(**limits: Any) -> World:
    world = World(Limits(**limits))
    world.say('{"id":1,"connect":{"token":"t"}}')
    return world


CONNECTED = '{"id":1,"connect":{"client":"c1","version":"0","ping":25,"pong":true}}'


def test_connect_is_answered() -> None:
    assert words(World().say('{"id":1,"connect":{"token":"t"}}')) == [CONNECTED]


BREACHES = [
    "{}",
    '{"id":1}',
    '{"id":1,"rpc":{"method":"a"}}',
    '{"connect":{}}',
    '{"id":1,"send":{}}',
]


@pytest.mark.parametrize("frame", BREACHES)
def test_what_may_not_come_first_closes_with_3501(frame: str) -> None:
    assert words(World().say(frame)) == ["closed 3501"]


def error(code: int, message: str) -> str:
    return f'{{"id":2,"error":{{"code":{code},"message":"{message}"}}}}'


BAD = error(107, "bad request")
NOT_SERVED = error(108, "not available")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ('"connect":{}', "closed 3501"),
        ('"ping":{}', NOT_SERVED),
        ('"publish":{"channel":"a","data":1}', NOT_SERVED),
        ('"publish":{}', "closed 3501"),
        ('"subscribe":{}', "closed 3501"),
        ('"subscribe":{"channel":"é"}', BAD),
        ('"subscribe":{"channel":"' + "x" * 256 + '"}', BAD),
        ('"subscribe":{"channel":"a","type":1}', NOT_SERVED),
        ('"subscribe":{"channel":"a","tf":{}}', BAD),
        ('"subscribe":{"channel":"secret"}', error(103, "permission denied")),
        ('"unsubscribe":{"channel":"a"}', '{"id":2,"unsubscribe":{}}'),
        ('"rpc":{"method":"m","data":{"a" : 1}}', '{"id":2,"rpc":{"data":{"a" : 1}}}'),
        ('"rpc":{"method":"m"}', '{"id":2,"rpc":{"data":{}}}'),
        ('"rpc":{"method":"refuse"}', error(409, "taken")),
        ('"sub_refresh":{"channel":"a","token":"t"}', error(103, "permission denied")),
        ('"sub_refresh":{"channel":"a"}', BAD),
        ('"refresh":{}', BAD),
        ('"refresh":{"token":"t"}', '{"id":2,"refresh":{"client":"c1","version":"0"}}'),
        ('"presence":{"channel":"a"}', NOT_SERVED),
        ('"history":{"channel":"a"}', '{"id":2,"history":{"publications":[],"epoch":"e","offset":0}}'),
        ('"history":{"channel":"a","since":{"epoch":"other"}}', error(112, "unrecoverable position")),
        ('"history":{"channel":"a","reverse":true,"since":{}}', BAD),
    ],
)
def test_one_command_after_connect(command: str, answer: str) -> None:
    assert words(connected().say(f'{{"id":2,{command}}}')) == [answer]


def test_an_unasked_pong_and_a_message_nobody_takes_close() -> None:
    assert words(connected().say("{}")) == ["closed 3501"]
    assert words(connected().say('{"send":{"data":1}}')) == ["closed 3508"]


def test_a_refused_connect_drops_the_rest_of_the_frame_and_the_client_is_closed_when_it_stays() -> None:
    world = World()
    world.identity = Identity(user="7", expires_at=world.now - 1)
    frame = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"a"}}'
    assert words(world.say(frame)) == ['{"id":1,"error":{"code":109,"message":"token expired"}}']
    assert words(world.after(11)) == ["closed 3502"]


def test_a_fresh_subscription_reads_its_position_before_its_first_view() -> None:
    world = connected()
    world.publish("feed", b"0")
    world.before = lambda question: world.publish("feed", b"1") if isinstance(question, Show) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told == [
        '{"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":1,"positioned":true,"data":{"items":[]}}}',
        '{"push":{"channel":"feed","pub":{"data":1,"offset":2}}}',
    ]


def test_recovery_joins_history_to_what_came_meanwhile() -> None:
    world = connected()
    for number in range(1, 4):
        world.publish("feed", b"%d" % number)
    world.before = lambda question: world.publish("feed", b"9") if isinstance(question, Read) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed","recover":true,"offset":1,"epoch":"e"}}'))
    world.publish("feed", b"10")
    assert told == [
        '{"id":2,"subscribe":{"recoverable":true,"epoch":"e","publications":[{"data":2,"offset":2},'
        '{"data":3,"offset":3},{"data":9,"offset":4}],"recovered":true,"offset":1,"positioned":true,'
        '"was_recovering":true}}'
    ]
    assert words(world.told)[-1] == '{"push":{"channel":"feed","pub":{"data":10,"offset":5}}}'
    assert not any(isinstance(question, Show) for question in world.asked)


@pytest.mark.parametrize(
    "position", ['"offset":1,"epoch":"other"', '"offset":0,"epoch":"e"', '"offset":99,"epoch":"e"']
)
def test_what_cannot_be_recovered_gets_a_fresh_view_or_112(position: str) -> None:
    world = connected()
    for _ in range(7):
        world.publish("feed")
    frame = '{"id":2,"subscribe":{"channel":"feed","recover":true,%s,"flag":%d}}'
    refused = words(world.say(frame % (position, 3)))
    assert refused == ['{"id":2,"error":{"code":112,"message":"unrecoverable position"}}']
    assert "feed" not in world.followed
    fresh = words(world.say(frame % (position, 1)))
    assert fresh == [
        '{"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true,"data":{"items":[]},'
        '"was_recovering":true}}'
    ]


def test_a_gap_ends_the_subscription_with_2500() -> None:
    world = connected()
    world.say('{"id":2,"subscribe":{"channel":"feed"}}')
    start = len(world.told)
    world.publish("feed", lose=True)
    world.publish("feed")
    world.publish("feed")
    assert words(world.told[start:]) == [
        '{"push":{"channel":"feed","unsubscribe":{"code":2500,"reason":"insufficient state"}}}'
    ]
    assert world.followed == set()


def test_a_gap_in_a_server_side_subscription_closes_with_3010() -> None:
    world = World()
    world.identity = Identity(user="7", channels=("#7",))
    world.say('{"id":1,"connect":{}}')
    world.publish("#7", lose=True)
    world.publish("#7")
    assert words(world.told)[-1] == "closed 3010"


def test_server_side_subscriptions_recover_in_the_connect_reply() -> None:
    world = World()
    world.identity = Identity(user="7", channels=("#7",))
    for number in range(1, 4):
        world.publish("#7", b"%d" % number)
    frame = '{"id":1,"connect":{"subs":{"#7":{"recover":true,"offset":2,"epoch":"e"},"#8":{"recover":true}}}}'
    (reply,) = words(world.say(frame))
    assert '"subs":{"#7":{' in reply
    assert '"publications":[{"data":3,"offset":3}],"recovered":true,"offset":2' in reply
    assert "#8" not in reply
    again = words(world.say('{"id":2,"subscribe":{"channel":"#7"}}'))
    assert again == ['{"id":2,"error":{"code":105,"message":"already subscribed"}}']


def test_deliveries_lost_while_opening_are_told_after_the_reply() -> None:
    world = connected()
    world.before = lambda question: world.session.doubt("feed") if isinstance(question, Read) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told[0].startswith('{"id":2,"subscribe":')
    assert '"code":2500' in told[1]


def test_more_than_can_be_held_back_is_told_after_the_reply() -> None:
    world = connected()

    def flood(question: Ask[Any]) -> None:
        if isinstance(question, Show):
            for _ in range(600):
                world.publish("feed")

    world.before = flood
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told[0].startswith('{"id":2,"subscribe":')
    assert len(told) == 514
    assert '"code":2500' in told[-1]


def test_a_right_that_ends_while_opening_refuses_the_subscribe() -> None:
    world = connected()
    world.before = lambda question: world.session.unsubscribe("feed") if isinstance(question, Read) else None
    told = words(world.say('{"id":2,"subscribe":{"channel":"feed"}}'))
    assert told == ['{"id":2,"error":{"code":103,"message":"permission denied"}}']
    assert world.followed == set()


def test_a_connection_follows_only_so_many_channels() -> None:
    world = connected(channels=2)
    frames = "\n".join(f'{{"id":{n},"subscribe":{{"channel":"c{n}"}}}}' for n in range(2, 5))
    assert words(world.say(frames))[2] == '{"id":4,"error":{"code":106,"message":"limit exceeded"}}'


def test_presence_is_entered_counted_and_left() -> None:
    world = connected()
    world.opening = Opening(presence=True, join_leave=True)
    world.say('{"id":2,"subscribe":{"channel":"room"}}')
    counted = words(world.say('{"id":3,"presence_stats":{"channel":"room"}}'))
    listed = words(world.say('{"id":4,"presence":{"channel":"room"}}'))
    world.say('{"id":5,"unsubscribe":{"channel":"room"}}')
    assert counted == ['{"id":3,"presence_stats":{"num_clients":1,"num_users":1}}']
    assert listed == ['{"id":4,"presence":{"presence":{"c1":{"user":"7","client":"c1"}}}}']
    assert world.present == {"room": {}}
    names = [type(question).__name__ for question in world.asked]
    assert names[-2:] == ["Leave", "Announce"]


def test_pings_come_by_the_clock_and_want_an_answer() -> None:
    world = connected()
    assert words(world.after(12.4)) == []
    assert words(world.after(0.1)) == ["{}"]
    assert words(world.say("{}")) == []
    assert words(world.after(25)) == ["{}"]
    assert words(world.after(8)) == ["closed 3012"]


def test_an_expired_connection_is_closed_after_the_grace_unless_refreshed() -> None:
    world = World()
    world.identity = Identity(user="7", expires_at=world.now + 60)
    assert '"expires":true,"ttl":60' in words(world.say('{"id":1,"connect":{}}'))[0]
    world.identity = Identity(user="7", expires_at=world.now + 90)
    assert words(world.say('{"id":2,"refresh":{"token":"t"}}')) == [
        '{"id":2,"refresh":{"client":"c1","version":"0","expires":true,"ttl":90}}'
    ]
    world.session.deadlines.clear("ping")
    assert words(world.after(114)) == []
    assert words(world.after(1)) == ["closed 3005"]


@pytest.mark.parametrize(("user", "lasts_s", "code"), [("8", 60, 3500), ("7", -1, 3005)])
def test_a_refresh_by_another_or_too_late_closes(user: str, lasts_s: float, code: int) -> None:
    world = connected()
    world.identity = Identity(user=user, expires_at=world.now + lasts_s)
    assert words(world.say('{"id":2,"refresh":{"token":"t"}}')) == [f"closed {code}"]


def test_an_expired_subscription_ends_with_2501_unless_refreshed() -> None:
    world = connected()
    world.session.deadlines.clear("ping")
    world.opening = Opening(expires_at=world.now + 60)
    assert '"expires":true,"ttl":60' in words(world.say('{"id":2,"subscribe":{"channel":"a"}}'))[0]
    world.opening = Opening(expires_at=world.now - 1)
    assert words(world.say('{"id":3,"sub_refresh":{"channel":"a","token":"t"}}')) == [
        '{"id":3,"error":{"code":109,"message":"token expired"}}'
    ]
    assert '"code":2501' in words(world.after(85))[0]


def test_the_end_leaves_every_channel() -> None:
    world = connected()
    world.opening = Opening(presence=True)
    world.say('{"id":2,"subscribe":{"channel":"a"}}\n{"id":3,"subscribe":{"channel":"b"}}')
    for question in world.session.end():
        world.answer(question)
    world.take()
    assert world.followed == set()
    assert world.present == {"a": {}, "b": {}}
    assert world.session.subscriptions == {}


# Whatever comes

CHANNELS = st.sampled_from(["a", "b", "secret", "#7", "", "é", "x" * 256])
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "channel": CHANNELS,
        "token": st.sampled_from(["", "t"]),
        "recover": st.booleans(),
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
MOVES = st.one_of(
    st.tuples(st.just("command"), METHODS, ARGUMENTS),
    st.tuples(st.just("publish"), st.sampled_from(["a", "b", "#7"]), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 1.0, 9.0, 30.0]), st.just(None)),
    st.tuples(st.just("pong"), st.just(None), st.just(None)),
    st.tuples(st.just("doubt"), st.sampled_from(["a", "b"]), st.just(None)),
    st.tuples(st.just("unsubscribe"), st.sampled_from(["a", "b", "#7"]), st.just(None)),
    st.tuples(st.just("connect"), st.just(None), st.just(None)),
)


@settings(max_examples=300, deadline=None)
@given(
    moves=st.lists(MOVES, max_size=30),
    between=st.lists(st.tuples(st.sampled_from(["a", "b", "#7"]), st.booleans()), max_size=20),
    connects=st.booleans(),
)
def test_random_commands_never_raise_never_answer_twice_and_keep_the_order(
    moves: list[tuple[str, Any, Any]], between: list[tuple[str, bool]], connects: bool
) -> None:
    world = World()
    world.identity = Identity(user="7", channels=("#7",))
    world.opening = Opening(history=KEPT, presence=True)
    interruptions = iter(between)

    def interrupt(question: Ask[Any]) -> None:
        if isinstance(question, Read | Show) and (publication := next(interruptions, None)) is not None:
            world.publish(publication[0], lose=publication[1])

    world.before = interrupt
    numbers = count(2)
    sent: dict[int, str] = {1: ""} if connects else {}
    if connects:
        world.say('{"id":1,"connect":{}}')
    for kind, first, second in moves:
        if kind == "command":
            number = next(numbers) if first != "send" else 0
            if not world.closed and number:
                sent[number] = second.get("channel", "")
            raw = CODEC._encoder.encode({"id": number, first: second})
            world.say(raw.decode())
        else:
            _move(world, kind, first, second)
    check_order(words(world.told), sent, closed=world.closed)
    if not world.closed:
        assert world.followed == set(world.session.subscriptions)


def _move(world: World, kind: str, first: Any, second: Any) -> None:
    match kind:
        case "publish":
            world.publish(first, lose=second)
        case "wait":
            world.after(first)
        case "pong":
            world.say("{}")
        case "doubt":
            world.session.doubt(first)
        case "unsubscribe":
            world.session.unsubscribe(first)
        case "connect":
            world.say('{"id":1000,"connect":{}}')
    world.take()
    world.chores()


def check_order(told: list[str], sent: dict[int, str], *, closed: bool) -> None:
    """Every command is answered once; pushes come between reply and end, their offsets without gap or double."""
    answered: list[int] = []
    positions: dict[str, int] = {}
    for number, line in enumerate(told):
        if line.startswith("closed"):
            assert number == len(told) - 1, "nothing is said after the end"
            break
        reply = CODEC.decode_replies(line.encode())[0]
        if reply.id:
            answered.append(reply.id)
        _follow(reply, positions, sent)
    assert len(answered) == len(set(answered))
    assert set(answered) <= {*sent, 1000}
    if not closed:
        assert sorted({*answered} - {1000}) == sorted(sent)


def _follow(reply: Reply, positions: dict[str, int], sent: dict[int, str]) -> None:
    push = reply.push
    if reply.subscribe:
        positions[sent[reply.id]] = reply.subscribe.offset + len(reply.subscribe.publications)
    if reply.unsubscribe:
        positions.pop(sent[reply.id], None)
    if reply.connect:
        for channel, result in reply.connect.subs.items():
            positions[channel] = result.offset + len(result.publications)
    if push and push.unsubscribe:
        positions.pop(push.channel, None)
    if push and push.pub:
        assert push.pub.offset == positions[push.channel] + 1
        positions[push.channel] = push.pub.offset


def test_a_live_delivery_outside_history_passes_a_positioned_subscription() -> None:
    world = connected()
    world.say('{"id":2,"subscribe":{"channel":"feed"}}')
    world.session.live(Broadcast("feed", Publication(data=b'"typing"')))
    world.take()
    assert words(world.told)[-1] == '{"push":{"channel":"feed","pub":{"data":"typing"}}}'
    assert world.session.position("feed") == Position(0, EPOCH)
