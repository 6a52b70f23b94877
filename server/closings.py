"""Ends what was opened with rights that have ended, whichever process ended them.

1. Each end is heard on a channel of its own and acted upon at once: a session's sockets close for good, a user's
   connect anew with the rights they have now, a channel is left.
2. Where the broker may have lost some, every connection of this process is asked about again.
"""

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from channels.broker import Broker, BrokerUnavailable
from channels.protocol.codes import DisconnectCode
from channels.stream import Delivery, Publication
from domain.kernel.events import Closing
from domain.kernel.rounds import AWAY
from server.fanout import Hub
from server.host import BusinessHost
from server.relay import CLOSINGS, decode_closing

logger = structlog.get_logger(__name__)

AGAIN_S: Final = 1.0
ENDED: Final = "the session has ended"
CHANGED: Final = "rights have changed"


class Closings:
    """Stands between broker and hub, and keeps the one channel that is not for clients to itself."""

    def __init__(self, broker: Broker, hub: Hub, host: BusinessHost) -> None:
        self._broker = broker
        self._hub = hub
        self._host = host
        self._doubt = asyncio.Event()
        broker.attach(self)

    def deliver(self, channel: str, delivery: Delivery) -> None:
        """Take a delivery; those of other channels are the hub's."""
        if channel != CLOSINGS:
            self._hub.deliver(channel, delivery)
        elif isinstance(delivery, Publication):
            self._close(decode_closing(delivery.data))

    def missed(self, channels: Collection[str] | None = None) -> None:
        """Doubt what the hub doubts, and every right where an end may have been among it."""
        self._hub.missed(channels)
        if channels is None or CLOSINGS in channels:
            self._doubt.set()

    async def run(self) -> None:
        """Listen, and look again after each gap, until cancelled."""
        await self._follow()
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                await self._look_again()
            except AWAY as error:
                logger.warning("rights could not be looked at again, trying later", error=str(error))
                await asyncio.sleep(AGAIN_S)
                self._doubt.set()

    async def _follow(self) -> None:
        while True:
            try:
                return await self._broker.follow(CLOSINGS)
            except BrokerUnavailable:
                await asyncio.sleep(AGAIN_S)

    async def _look_again(self) -> None:
        self._host.forget(None)
        for identity in self._hub.identities():
            match await self._host.standing(identity):
                case "ended":
                    self._end(identity.user, identity.session)
                case "changed":
                    self._renew(identity.user, identity.session)
                case "same":
                    pass

    def _close(self, closing: Closing) -> None:
        self._host.forget(closing)
        user = str(closing.user_id)
        session = None if closing.session_id is None else str(closing.session_id)
        if closing.channel is not None:
            self._hub.unsubscribe(closing.channel, user=user, session=session)
        elif session is not None:
            self._end(user, session)
        else:
            self._renew(user, None)

    def _end(self, user: str, session: str) -> None:
        self._hub.disconnect(user=user, session=session, code=DisconnectCode.INVALID_TOKEN, reason=ENDED)

    def _renew(self, user: str, session: str | None) -> None:
        """Have clients connect anew; one whose session has ended is then refused for good."""
        code = DisconnectCode.FORCE_RECONNECT
        self._hub.disconnect(user=user, session=session, code=code, reason=CHANGED)
