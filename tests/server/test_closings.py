"""Rights that end are heard of by every process, also by one that has missed some of it."""

from collections.abc import AsyncIterator, Collection

import pytest
from sqlalchemy import update

from channels.broker import Listener
from channels.memory import MemoryBroker
from channels.stream import Delivery
from domain.identity.tables import RoleGrantRow, SessionRow
from server.orders import CONTROL, KEPT
from tests.eventually import eventually
from tests.sdk import Seen, connected
from tests.served import Served, served_house


class Gappy(MemoryBroker):
    """A broker that loses deliveries while it is told to."""

    listener: Listener
    lossy = False

    def attach(self, listener: Listener) -> None:
        self.listener = listener
        super().attach(self)

    def deliver(self, channel: str, delivery: Delivery) -> None:
        if not self.lossy:
            self.listener.deliver(channel, delivery)

    def missed(self, channels: Collection[str] | None = None) -> None:
        self.listener.missed(channels)


@pytest.fixture
def broker() -> Gappy:
    return Gappy()


@pytest.fixture
async def served(database: str, broker: Gappy) -> AsyncIterator[Served]:
    async with served_house(database, broker=broker) as one:
        yield one


async def test_a_right_that_ended_in_another_process_ends_here(database: str, broker: Gappy, served: Served):
    member, seen = await served.sign_up(), Seen()
    async with served_house(database, broker=Passing(broker)) as other, connected(served, member, seen):
        await other.http.post("/auth/logout", headers=member)
        await eventually(lambda: seen.ends == [3500], timeout_s=1)


async def test_only_the_sockets_of_that_session_end(served: Served):
    await served.sign_up("ann")
    first, second = [await served.sign_in("ann@example.com") for _ in range(2)]
    one, other = Seen(), Seen()
    async with connected(served, first, one), connected(served, second, other) as client:
        await served.http.post("/auth/logout", headers=first)
        await eventually(lambda: one.ends == [3500])
        assert (await client.rpc("identity.me", {})).data["email"] == "ann@example.com" and not other.ends


async def test_an_end_that_was_missed_is_read_back(broker: Gappy, served: Served):
    member, seen = await served.sign_up(), Seen()
    async with connected(served, member, seen):
        broker.lossy = True
        await served.http.post("/auth/logout", headers=member)
        broker.lossy = False
        assert not seen.ends
        broker.listener.missed()
        await eventually(lambda: seen.ends == [3500])


async def test_an_end_that_was_missed_shows_with_the_next(broker: Gappy, served: Served):
    (first, one), (second, other) = [(await served.sign_up(), Seen()) for _ in range(2)]
    async with connected(served, first, one), connected(served, second, other):
        broker.lossy = True
        await served.http.post("/auth/logout", headers=first)
        broker.lossy = False
        await served.http.post("/auth/logout", headers=second)
        await eventually(lambda: one.ends == other.ends == [3500])


async def test_where_ends_were_lost_for_good_everybody_is_asked_about_again(broker: Gappy, served: Served):
    ended, changed, same = [(await served.sign_up(), Seen()) for _ in range(3)]
    async with connected(served, *ended), connected(served, *changed), connected(served, *same):
        async with served.process.runtime.sessions.begin() as db:
            await db.execute(
                update(SessionRow).where(SessionRow.id == 1).values(ended_at=SessionRow.created_at)
            )
            db.add(RoleGrantRow(user_id=2, site_id=None, role="admin"))
        broker.lossy = True
        await broker.publish(CONTROL, b"lost", history=KEPT)
        await broker.remove_history(CONTROL)
        broker.lossy = False
        broker.listener.missed()
        await eventually(lambda: ended[1].ends == [3500])
        await eventually(lambda: 3011 in changed[1].reconnects)
        assert not same[1].ends and 3011 not in same[1].reconnects


class Passing(MemoryBroker):
    """A broker of another process: what is published in it comes out at ``shared`` too."""

    def __init__(self, shared: MemoryBroker) -> None:
        super().__init__()
        self._shared = shared

    async def publish(self, channel, data, **options):
        await self._shared.publish(channel, data, **options)
        return await super().publish(channel, data, **options)
