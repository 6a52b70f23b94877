"""What commits is published in order and once, and never fails a call."""

import asyncio

from domain.kernel.events import Closing
from domain.kernel.log import Fact
from server.orders import CONTROL, Ended
from server.process import compose
from tests.court import MEMBER, SHOWN, BallMoved, Court, Fragile
from tests.eventually import eventually


async def test_a_commit_is_one_publication_and_is_out_when_the_call_returns(court: Court):
    await court.move(1, 2, 3)
    assert [channel for channel, _ in court.ears.heard] == ["ball:1"]
    assert court.ears.places == [1, 2, 3]
    await eventually(lambda: _none_left(court))


async def test_what_is_said_goes_out_unstored(court: Court):
    await court.move(say="hello")
    assert court.ears.heard == [("said", "hello")]
    assert (await court.process.broker.history("said", limit=10)).publications == ()


async def test_calls_at_once_are_told_in_the_order_of_their_facts(court: Court):
    async with asyncio.TaskGroup() as tasks:
        for place in range(20, 60):
            tasks.create_task(court.move(place))
    assert sorted(court.ears.places) == list(range(20, 60))
    assert len(SHOWN) <= 40 and court.ears.places == [place for shown in SHOWN for place in shown]


async def test_after_a_rush_commits_are_gathered_until_there_is_one_that_somebody_waits_for(court: Court):
    relay, now = court.process.relay, court.process.runtime.clock()
    await court.move(*range(100, 200))
    for to in range(200, 205):
        fact = Fact(id=to, event=BallMoved(ball_id=1, to=to), seq=1, actor="", correlation="", at=now)
        await relay.hand_over([fact], [])
    await court.move(205)
    assert court.ears.places == list(range(100, 206))
    assert SHOWN[-1] == list(range(200, 206))


async def test_a_right_that_ends_is_announced_first(court: Court):
    await court.move(-5)
    assert court.ears.heard[0] == (CONTROL, Ended(closing=Closing(-5)))
    assert [channel for channel, _ in court.ears.heard] == [CONTROL, "ball:1"]


async def test_a_fact_that_cannot_be_shown_fails_no_call_and_hides_no_other(court: Court):
    await court.move(12, 13, 14)
    assert court.ears.places == [12, 14]
    await eventually(lambda: _left(court, 1))


async def test_what_one_feed_shows_does_not_wait_for_the_next(court: Court):
    await court.move(77)
    assert court.ears.places == [77]
    await eventually(lambda: _none_left(court))


async def test_a_broker_that_is_away_fails_no_call(court: Court):
    broker = court.process.broker
    assert isinstance(broker, Fragile)
    broker.away = True
    await court.move(41, say="x")
    assert court.ears.heard == [] and await court.unpublished() == 1


async def test_a_process_whose_relay_does_not_run_waits_for_nothing(court: Court):
    other = compose(
        catalogue=court.process.catalogue,
        engine=court.process.engine,
        broker=court.process.broker,
        tools=court.process.runtime.tools,
    )
    async with asyncio.timeout(2):
        await other.runtime.call(MEMBER, "ball.move", {"to": [51]})
    assert court.ears.heard == [] and await court.unpublished() == 1


async def _none_left(court: Court) -> bool:
    return await court.unpublished() == 0


async def _left(court: Court, number: int) -> bool:
    return await court.unpublished() == number
