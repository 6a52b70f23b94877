"""Keeping a hub as it should be: who is present is confirmed, rooms are compared with the broker, the end is paced.

Proves: server/hub/presence.py, server/hub/registry.py, server/hub/resync.py, server/hub/connection.py, server/fanout.py
"""

import asyncio
from collections.abc import Iterable

from channels.broadcast import Broadcast
from channels.effects import Deliver
from channels.host import Identity, Opening
from channels.limits import Limits
from channels.memory import MemoryBroker
from channels.protocol.codec import Codec
from channels.protocol.codecs import CODECS
from channels.protocol.messages import ClientInfo
from channels.session import Session
from channels.stream import Position
from channels.subscription import Subscription
from channels.transitions import State
from server.fanout import Hub
from server.hub.presence import AT_ONCE, PresenceKeeper
from server.hub.registry import TURNS, Registry
from tests.eventually import eventually
from tests.session_world import KEPT


class Line:
    """A connection that remembers what it was handed, behind a session that is open."""

    def __init__(self, client: str, *, user: str = "u", login: str = "s") -> None:
        self.session = Session(client, Limits())
        self.session.state = State.OPEN
        self.session.identity = Identity(user=user, session=login)
        self.codec: Codec = CODECS[0]
        self.clogged = False
        self.transport: asyncio.Transport | None = None
        self.handed: list[Broadcast] = []
        """What was handed to it and passed its session."""

    def follow(self, channel: str, position: Position | None = None, *, present: bool = False) -> None:
        subscription = Subscription(channel, Opening(history=KEPT, presence=present))
        subscription.go_live()
        subscription.position, subscription.present = position, present
        self.session.subscriptions[channel] = subscription

    def deliver(self, broadcast: Broadcast) -> None:
        self.session.live(broadcast)
        for effect in self.session.take():
            if isinstance(effect, Deliver):
                self.handed.append(broadcast)

    def perform(self) -> None:
        self.session.take()


class Counting(MemoryBroker):
    """Remembers how many it was brought at once."""

    def __init__(self) -> None:
        super().__init__()
        self.brought: list[int] = []

    async def arrive_many(self, arrivals: Iterable[tuple[str, ClientInfo]]) -> None:
        arrivals = list(arrivals)
        self.brought.append(len(arrivals))
        await super().arrive_many(arrivals)


# Presence


async def test_everybody_present_is_confirmed_once_in_a_period_and_many_at_once() -> None:
    broker, registry = Counting(), Registry()
    for number in range(2000):
        line = Line(f"c{number}")
        for channel in ("a", "b"):
            line.follow(channel, present=True)
        line.follow("quiet")
        registry.add(line)
    for turn in range(TURNS):
        await PresenceKeeper(broker, registry).confirm(turn)
    assert sum(broker.brought) == 4000
    assert len(broker.brought) >= TURNS, "not all in one turn"
    assert max(broker.brought) <= AT_ONCE + 2
    assert len(await broker.presence("a")) == len(await broker.presence("b")) == 2000
    assert await broker.presence("quiet") == {}


async def test_who_leaves_while_others_are_confirmed_is_not_confirmed() -> None:
    registry = Registry()
    lines = [Line(f"c{number}") for number in range(AT_ONCE * TURNS * 2)]

    class Leaving(Counting):
        async def arrive_many(self, arrivals: Iterable[tuple[str, ClientInfo]]) -> None:
            await super().arrive_many(arrivals)
            for line in lines:
                line.session.subscriptions.clear()

    for line in lines:
        line.follow("a", present=True)
        registry.add(line)
    broker = Leaving()
    await PresenceKeeper(broker, registry).confirm(0)
    assert broker.brought == [AT_ONCE]


# Who is connected


def test_connections_are_found_by_user_login_and_client() -> None:
    registry = Registry()
    lines = [Line(f"c{n}", user=f"u{n % 3}", login=f"s{n % 6}") for n in range(12)]
    for line in lines:
        registry.add(line)
        assert line.session.identity is not None
        registry.identify(line, line.session.identity)

    def found(**wanted: str) -> list[str]:
        return sorted(one.session.client for one in registry.chosen(**wanted))

    assert len(registry) == len(found()) == 12
    assert found(user="u0") == ["c0", "c3", "c6", "c9"]
    assert found(user="u0", session="s3") == ["c3", "c9"]
    assert found(session="s5") == ["c11", "c5"]
    assert found(client="c4") == ["c4"]
    assert found(client="c4", user="u2") == found(client="x") == found(user="x") == []
    for line in lines[:11]:
        assert registry.remove(line)
        assert not registry.remove(line)
    assert found(user="u2") == ["c11"]
    registry.remove(lines[11])
    assert found(user="u2") == [] and not registry._users


# Positions


async def test_a_room_that_is_behind_is_caught_up_once() -> None:
    hub, ahead, behind, untold = Hub(MemoryBroker()), Line("c1"), Line("c2"), Line("c3")
    tops = [(await hub.broker.publish("a", b"%d" % n, history=KEPT)).position for n in range(3)]
    for line, position in ((ahead, tops[2]), (behind, tops[0]), (untold, None)):
        line.follow("a", position)
        hub.enter(line)
        await hub.follow(line, "a")
    running = asyncio.create_task(hub.run())
    await hub.check_position("a")
    await eventually(lambda: hub.numbers.resyncs == 1)
    assert hub.top("a") == behind.session.position("a") == ahead.session.position("a") == tops[2]
    assert [broadcast.delivery for broadcast in behind.handed] == list(
        (await hub.broker.history("a", since=tops[0], limit=5)).publications
    )
    await hub.check_position("a")
    assert hub.numbers.resyncs == 1
    running.cancel()


async def test_a_lost_stream_is_told_and_not_taken_for_the_new_one() -> None:
    hub, line = Hub(broker := MemoryBroker()), Line("c1")
    line.follow("a", (await broker.publish("a", b"1", history=KEPT)).position)
    hub.enter(line)
    await hub.follow(line, "a")
    await broker.publish("a", b"2", history=KEPT)
    await eventually(lambda: hub.top("a") is not None)
    broker.flush()
    running = asyncio.create_task(hub.run())
    await hub.follow(Line("c2"), "a")
    await hub.check_position("a")
    await eventually(lambda: hub.numbers.resyncs == 1)
    assert "a" not in line.session.subscriptions
    assert hub.top("a") is None, "newcomers ask the broker"
    running.cancel()


# The end


async def test_a_hub_that_ends_closes_everybody_and_waits_for_calls_but_not_for_ever() -> None:
    hub = Hub(MemoryBroker())
    lines = [Line(f"c{number}") for number in range(50)]
    for line in lines:
        hub.enter(line)
    hub.numbers.calls = 1
    ending = asyncio.create_task(hub.shutdown(within_s=30))
    closed: list[Line] = []
    while len(closed) < len(lines):
        await asyncio.sleep(0)
        now = [line for line in lines if line.session.state is State.CLOSED and line not in closed]
        assert len(now) < len(lines), "they are not sent away all at once"
        closed += now
        for line in now:
            hub.depart(line)
        if closed:
            ending.cancel()
            break
    assert hub.draining
    for line in lines:
        hub.depart(line)
    ending = asyncio.create_task(hub.shutdown(within_s=30))
    hub.numbers.calls = 0
    await ending
    hub.numbers.calls = 1
    await hub.shutdown(within_s=0.1)
