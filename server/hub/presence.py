"""Keeps those who are present listed: each is confirmed every 27 seconds, spread over that time and many at once."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

from channels.broker import Broker, BrokerUnavailable
from channels.protocol.messages import ClientInfo
from server.hub.connection import Connection
from server.hub.registry import TURNS, Registry

CONFIRMED_S: Final = 27.0
"""Well below the 60 seconds after which a broker takes somebody for gone."""
AT_ONCE: Final = 500


class PresenceKeeper:
    """Confirm the presence of all connections, by their turns."""

    def __init__(self, broker: Broker, registry: Registry) -> None:
        self._broker = broker
        self._registry = registry

    async def run(self) -> None:
        """Confirm until cancelled."""
        clock = asyncio.get_running_loop().time
        turn, due = 0, clock()
        while True:
            due = max(due + CONFIRMED_S / TURNS, clock())
            await asyncio.sleep(due - clock())
            await self.confirm(turn)
            turn += 1

    async def confirm(self, turn: int) -> None:
        """Confirm those whose turn it is."""
        connections = iter(self._registry.turn(turn))
        while arrivals := _some(connections):
            with contextlib.suppress(
                BrokerUnavailable
            ):  # they are listed a while longer, and it is tried again
                await self._broker.arrive_many(arrivals)


def _some(connections: Iterator[Connection]) -> list[tuple[str, ClientInfo]]:
    """Return who is present now: not earlier, since somebody may have left while others were confirmed."""
    found: list[tuple[str, ClientInfo]] = []
    for connection in connections:
        found += _present(connection)
        if len(found) >= AT_ONCE:
            break
    return found


def _present(connection: Connection) -> Iterable[tuple[str, ClientInfo]]:
    session = connection.session
    return [
        (subscription.channel, session.client_info(subscription))
        for subscription in session.subscriptions.values()
        if subscription.present and subscription.opening.presence
    ]
