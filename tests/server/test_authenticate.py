"""Who brings a token is asked once a second and once at a time."""

import asyncio

import msgspec
import pytest

from domain.kernel.caller import Caller
from domain.kernel.errors import Unauthenticated
from domain.kernel.events import Closing
from server.authenticate import Authenticator, Claims


class Token(msgspec.Struct, frozen=True):
    user_id: int
    session_id: int
    expires_at: float = 0


class Sessions:
    """The living sessions, and how often they were asked about."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ended: set[int] = set()
        self.asked: list[int] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def identify(self, claims: Claims) -> Caller:
        self.asked.append(claims.session_id)
        await self.answering.wait()
        if claims.session_id in self.ended:
            raise Unauthenticated("over")
        return Caller(roles=frozenset({"member"}), user_id=claims.user_id, session_id=claims.session_id)

    def authenticator(self, size: int = 100) -> Authenticator:
        return Authenticator(
            lambda token: Token(int(token) // 10, int(token)),
            self.identify,
            size=size,
            clock=lambda: self.now,
        )


async def test_a_session_is_asked_about_once_a_second():
    sessions = Sessions()
    authenticator = sessions.authenticator()
    assert (await authenticator.authenticate("71")).user_id == 7
    sessions.ended.add(71)
    sessions.now = 0.9
    await authenticator.authenticate("71")
    assert sessions.asked == [71]
    sessions.now = 1.0
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate("71")


async def test_requests_that_come_together_ask_once():
    sessions = Sessions()
    authenticator = sessions.authenticator()
    sessions.answering.clear()
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(authenticator.authenticate("71")) for _ in range(50)]
        await asyncio.sleep(0)
        sessions.answering.set()
    assert {task.result().session_id for task in asked} == {71} and sessions.asked == [71]


async def test_one_who_gives_up_waiting_does_not_take_the_others_along():
    sessions = Sessions()
    authenticator = sessions.authenticator()
    sessions.answering.clear()
    first = asyncio.ensure_future(authenticator.authenticate("71"))
    second = asyncio.ensure_future(authenticator.authenticate("71"))
    await asyncio.sleep(0)
    first.cancel()
    sessions.answering.set()
    assert (await second).session_id == 71


async def test_what_is_heard_of_is_forgotten_at_once():
    sessions = Sessions()
    authenticator = sessions.authenticator()
    for token in ("71", "72", "81"):
        await authenticator.authenticate(token)
    authenticator.forget(Closing(7, 71))
    await authenticator.authenticate("71")
    authenticator.forget(Closing(7))
    for token in ("71", "72", "81"):
        await authenticator.authenticate(token)
    assert sessions.asked == [71, 72, 81, 71, 71, 72]
    authenticator.forget_all()
    await authenticator.authenticate("81")
    assert sessions.asked[-1] == 81


async def test_an_answer_under_way_is_not_kept_once_it_is_forgotten():
    sessions = Sessions()
    authenticator = sessions.authenticator()
    sessions.answering.clear()
    asking = asyncio.ensure_future(authenticator.authenticate("71"))
    await asyncio.sleep(0)
    authenticator.forget(Closing(7, 71))
    sessions.answering.set()
    await asking
    sessions.ended.add(71)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate("71")


async def test_not_more_sessions_are_remembered_than_there_is_room_for():
    sessions = Sessions()
    authenticator = sessions.authenticator(size=2)
    for token in ("11", "21", "31", "11"):
        await authenticator.authenticate(token)
    assert sessions.asked == [11, 21, 31, 11]
