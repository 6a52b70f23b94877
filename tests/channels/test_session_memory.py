"""What a quiet connection costs: a session with three followed channels, and not much more without them.

Proves: channels/session.py, channels/subscription.py, channels/deadlines.py
"""

import gc
import time
import tracemalloc
from collections.abc import Callable

from channels.host import Identity, Opening
from channels.limits import Limits
from channels.session import Session
from channels.stream import HistoryPolicy
from tests.session_world import World

MANY = 1000
FRAME = "\n".join(
    ['{"id":1,"connect":{}}', *(f'{{"id":{n},"subscribe":{{"channel":"feed:{n}"}}}}' for n in range(2, 5))]
)
MOST_BYTES = 1300
"""About 1,110 on CPython 3.11, of which the positions (240) are shared where a room keeps the step."""


def test_a_session_with_three_live_subscriptions_is_small() -> None:
    opening = Opening(history=HistoryPolicy(10, 60.0), data=b"{}")
    assert grown(lambda world: world.say(FRAME), opening) <= MOST_BYTES


def test_a_session_that_has_said_nothing_is_smaller() -> None:
    assert grown(lambda world: None, Opening()) <= 500


def grown(begin: Callable[[World], object], opening: Opening) -> float:
    """Return the bytes each of many sessions keeps, without the world around it."""
    world = World()
    identity, limits = Identity(user="7"), Limits()
    world.identity, world.opening = identity, opening
    begin(world)
    kept = []
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(MANY):
        world.session = Session(f"{number:036d}", limits, clock=time.monotonic, wall=time.time)
        begin(world)
        kept.append(world.session)
        world.told.clear()
        world.asked.clear()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / MANY
