"""Whatever comes in whatever order — publications late, lost or doubled, newcomers, slow clients — everybody in a room
sees exactly what a subscription of their own would have let pass.

Proves: channels/room.py, channels/cohorts.py
"""

from itertools import count

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from channels import delta as fossil
from channels.broadcast import Broadcast
from channels.cohorts import SEATS
from channels.effects import Close, Deliver, Live, Send, Unfollow
from channels.host import Identity, Opening
from channels.limits import Limits
from channels.protocol.codec import Codec
from channels.protocol.codecs import CODECS
from channels.protocol.codes import UnsubscribeCode
from channels.protocol.messages import ClientInfo
from channels.protocol.messages import Publication as PublicationMessage
from channels.recovery import Verdict, judge
from channels.room import Room
from channels.session import Session
from channels.stream import Delivery, Joined, Left, Position, Publication
from channels.subscription import Subscription
from channels.transitions import State
from tests.session_world import KEPT

CHANNEL = "a"
OPENING = Opening(history=KEPT, join_leave=True, delta=True)
JSON = CODECS[0]
numbers = count(1)


class Client:
    """A connection: its session is real, and what it is sent is read as its SDK would."""

    def __init__(
        self,
        room: Room["Client"],
        codec: Codec = JSON,
        *,
        position: Position | None = None,
        delta: bool = False,
        join_leave: bool = False,
    ) -> None:
        self.room = room
        self.codec = codec
        self.clogged = False
        self.session = Session(f"c{next(numbers)}", Limits())
        self.session.state, self.session.identity = State.OPEN, Identity(user="u")
        self.session.subscriptions[CHANNEL] = self.subscribed(position, delta, join_leave)
        self.own = self.subscribed(position, delta, join_leave)
        """What judges by itself what is to be seen."""
        self.seen: list[str] = []
        self.owed: list[str] = []
        self.previous = b""
        self.gone = False
        room.enter(self)
        room.settle(self, 0)

    def subscribed(self, position: Position | None, delta: bool, join_leave: bool) -> Subscription:
        subscription = Subscription(CHANNEL, OPENING)
        subscription.go_live()
        subscription.position, subscription.delta = position, delta
        subscription.join_leave = join_leave
        return subscription

    def judge(self, broadcast: Broadcast) -> None:
        verdict = self.own.admit(broadcast)
        if verdict is Verdict.SEND:
            self.owed.append(words(broadcast.delivery))
        elif verdict is Verdict.GAP:
            self.owed.append("gap")
            self.own.end()

    def deliver(self, broadcast: Broadcast) -> None:
        self.session.live(broadcast)
        while effects := self.session.take():
            for effect in effects:
                match effect:
                    case Deliver():
                        self.read(effect.message(self.codec))
                    case Live():
                        self.room.settle(self, 0)
                    case Unfollow():
                        self.room.leave(self)
                        self.gone = True
                    case Send(reply=reply):
                        assert reply.push and reply.push.unsubscribe
                        assert reply.push.unsubscribe.code == UnsubscribeCode.INSUFFICIENT_STATE
                        self.seen.append("gap")
                    case Close():
                        raise AssertionError("nothing here ends a connection")

    def read(self, message: bytes) -> None:
        for reply in self.codec.decode_replies(message):
            push = reply.push
            assert push is not None
            if push.pub is not None:
                data = bytes(push.pub.data)
                if self.own.delta:
                    data = applied(self.codec, self.previous, push.pub)
                self.previous = data
                self.seen.append(f"{push.pub.offset} {data.decode()}")
            elif push.join is not None:
                self.seen.append(f"join {push.join.info.client}")
            elif push.leave is not None:
                self.seen.append(f"leave {push.leave.info.client}")


def applied(codec: Codec, previous: bytes, pub: PublicationMessage) -> bytes:
    """Return the payload that a client makes of a publication written for somebody who reads differences."""
    data = bytes(pub.data) if codec.binary else msgspec.json.decode(pub.data, type=str).encode()
    return fossil.apply(previous, data) if pub.delta else data


def words(delivery: Delivery) -> str:
    match delivery:
        case Publication(offset=offset, data=data):
            return f"{offset} {data.decode()}"
        case Joined(info=info):
            return f"join {info.client}"
        case Left(info=info):
            return f"leave {info.client}"


def write(room: Room[Client]) -> bool:
    """Write what is next; False where nothing is."""
    portion = room.portion()
    if portion is None:
        return False
    for client in list(portion.members):
        for message in portion.messages:
            client.read(message)
    return True


class Rooms(RuleBasedStateMachine):
    """One room, its stream, and clients that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.room: Room[Client] = Room(CHANNEL)
        self.clients: list[Client] = []
        self.stream: list[Publication] = []
        self.epoch = "e1"
        self.flying: list[Publication] = []
        self.newest: Position | None = None
        """Of what was handed out, as this test sees it."""

    def top(self) -> Position:
        return Position(self.stream[-1].offset, self.epoch) if self.stream else Position(0, self.epoch)

    def hand_out(self, delivery: Delivery, *, again: bool = False) -> None:
        broadcast = Broadcast(CHANNEL, delivery)
        known = False
        if isinstance(delivery, Publication) and delivery.offset:
            stands = self.room.position if self.newest is None else self.newest
            known = again and stands is not None and judge(stands, delivery) is Verdict.SKIP
            if stands is None or judge(stands, delivery) is not Verdict.SKIP:
                self.newest = Position(delivery.offset, delivery.epoch)
        for client in self.clients:
            if not (known and client.own.position is None):
                client.judge(broadcast)
        self.room.take(broadcast, again=again)

    # Deliveries

    @rule(size=st.sampled_from([3, 60]))
    def publish(self, size: int) -> None:
        data = f'"{next(numbers)}{"x" * size}"'.encode()
        publication = Publication(data=data, offset=self.top().offset + 1, epoch=self.epoch)
        self.stream.append(publication)
        self.flying.append(publication)

    @precondition(lambda self: self.flying)
    @rule()
    def arrive(self) -> None:
        self.hand_out(self.flying.pop(0))

    @precondition(lambda self: self.flying)
    @rule()
    def lose(self) -> None:
        self.flying.pop(0)

    @precondition(lambda self: self.stream)
    @rule(data=st.data())
    def double(self, data: st.DataObject) -> None:
        self.hand_out(data.draw(st.sampled_from(self.stream)))

    @precondition(lambda self: self.stream)
    @rule(count=st.integers(1, 5))
    def read_back(self, count: int) -> None:
        for publication in self.stream[-count:]:
            self.hand_out(publication, again=True)
        self.flying.clear()

    @rule()
    def publish_outside_the_stream(self) -> None:
        self.hand_out(Publication(data=b"%d" % next(numbers)))

    @rule(joined=st.booleans())
    def somebody_comes_or_goes(self, joined: bool) -> None:
        info = ClientInfo(user="u", client=f"x{next(numbers)}")
        self.hand_out(Joined(info) if joined else Left(info))

    @rule()
    def begin_a_new_epoch(self) -> None:
        self.epoch = f"e{next(numbers)}"
        self.stream.clear()
        self.flying.clear()

    # Clients

    @rule(
        codec=st.sampled_from(CODECS[:2]),
        positioned=st.booleans(),
        delta=st.booleans(),
        join_leave=st.booleans(),
        back=st.integers(0, 2),
    )
    def come(self, codec: Codec, positioned: bool, delta: bool, join_leave: bool, back: int) -> None:
        top = self.top()
        position = Position(max(0, top.offset - back), top.epoch) if positioned else None
        self.clients.append(
            Client(self.room, codec, position=position, delta=delta and positioned, join_leave=join_leave)
        )

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients))
        self.room.leave(client)
        assert client.seen == client.owed[: len(client.seen)]
        self.clients.remove(client)

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def clog(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients))
        client.clogged = True
        self.room.fall_out(client)
        assert client.seen == client.owed

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def fall_out(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients))
        if self.room.fall_out(client):
            assert client.seen == client.owed

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def unclog(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients))
        client.clogged = False
        self.room.settle(client, 0)

    @rule()
    def write(self) -> None:
        write(self.room)

    # What holds

    @invariant()
    def nobody_sees_anything_else(self) -> None:
        for client in self.clients:
            assert client.seen == client.owed[: len(client.seen)]
            if not client.gone:
                assert client in self.room
        assert len(self.room) == len([c for c in self.clients if not c.gone])

    def teardown(self) -> None:
        while write(self.room):
            pass
        for client in self.clients:
            assert client.seen == client.owed
        assert not self.room.due


Rooms.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestRooms = Rooms.TestCase


@pytest.fixture
def room() -> Room[Client]:
    return Room(CHANNEL)


def published(offset: int, data: bytes = b"1") -> Broadcast:
    return Broadcast(CHANNEL, Publication(data=data, offset=offset, epoch="e"))


def at(offset: int) -> Position:
    return Position(offset, "e")


def test_what_is_published_is_written_once_for_all_in_step(room: Room[Client]) -> None:
    clients = [Client(room, position=at(0)) for _ in range(10)]
    room.take(published(1))  # the first one was alone, and takes its seat with this
    assert all(room.is_in_step(client) for client in clients)
    while write(room):
        pass
    assert [room.take(published(offset)) for offset in (2, 3)] == [True, True]
    portions = []
    while (portion := room.portion()) is not None:
        portions.append(portion)
    assert sum(len(portion.members) for portion in portions) == 10
    assert {len(portion.messages) for portion in portions} == {2}, "a tick's messages are written together"
    assert len({id(portion.messages[0]) for portion in portions}) == 1


def test_a_large_room_is_written_a_bench_at_a_time_and_nobody_starves(room: Room[Client]) -> None:
    clients = [Client(room, position=at(0)) for _ in range(3 * SEATS)]
    room.take(published(1))
    while write(room):
        pass
    for offset in range(2, 8):
        room.take(published(offset))
        portion = room.portion()
        assert portion is not None and len(portion.members) <= SEATS
        for client in portion.members:
            for message in portion.messages:
                client.read(message)
        if offset > 4:
            assert all(f"{offset - 3} 1" in client.seen for client in clients), "who waits longest is next"


def test_those_who_come_while_something_is_owed_are_put_together_later(room: Room[Client]) -> None:
    for offset in range(1, 101):
        room.take(published(offset))
        Client(room, position=at(offset))
        while offset % 3 == 0 and write(room):
            pass
    room.take(published(101))
    portions = 0
    while write(room):
        portions += 1
    assert portions <= 2


def test_who_comes_during_a_fan_out_gets_nothing_from_before(room: Room[Client]) -> None:
    early = [Client(room, position=at(0)) for _ in range(2)]
    room.take(published(1))
    late = Client(room, position=at(1))
    assert room.is_in_step(late)
    while write(room):
        pass
    assert [client.seen for client in (*early, late)] == [["1 1"], ["1 1"], []]


def test_who_leaves_during_a_fan_out_is_not_written_to(room: Room[Client]) -> None:
    clients = [Client(room, position=at(0)) for _ in range(3)]
    room.take(published(1))
    room.take(published(2))
    in_step = next(client for client in clients if room.is_in_step(client) and client.seen == [])
    room.leave(in_step)
    while write(room):
        pass
    assert in_step.seen == []


def test_the_hindmost_is_known(room: Room[Client]) -> None:
    assert room.lowest() is None
    clients = [Client(room, position=at(5)) for _ in range(2)]
    Client(room)
    behind = Client(room, position=at(3))
    assert room.lowest() == at(3)
    assert room.behind(at(5)) == [behind]
    room.leave(behind)
    assert room.lowest() == at(5)
    for client in clients:
        room.leave(client)
    assert room.lowest() is None


def test_a_lone_follower_costs_no_cohort(room: Room[Client]) -> None:
    client = Client(room, position=at(0))
    room.take(published(1))
    assert client.seen == ["1 1"]
    assert not room.is_in_step(client)
