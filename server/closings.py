"""Ends what was opened with rights that have ended, whichever process ended them.

1. Each end is an order to all hubs, carried out at once: a session's sockets close for good, a user's connect anew
   with the rights they have now, a channel is left.
2. Where orders were missed for good, every connection of this process is asked about again.
"""

import asyncio
from typing import Final

import structlog

from channels.protocol.codes import DisconnectCode
from domain.kernel.events import Closing
from domain.kernel.rounds import AWAY
from server.control import Control
from server.fanout import Hub
from server.host import BusinessHost
from server.orders import OURS, Ended

logger = structlog.get_logger(__name__)

AGAIN_S: Final = 1.0
ENDED: Final = "the session has ended"
CHANGED: Final = "rights have changed"


class Closings:
    """Carries out the orders about rights that have ended."""

    def __init__(self, control: Control, hub: Hub, host: BusinessHost) -> None:
        self._hub = hub
        self._host = host
        self._doubt = asyncio.Event()
        control.on(Ended, self._take)
        control.on_gap(self._doubt.set)

    async def run(self) -> None:
        """Look again after each gap, until cancelled."""
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                await self._look_again()
            except AWAY as error:
                logger.warning("rights could not be looked at again, trying later", error=str(error))
                await asyncio.sleep(AGAIN_S)
                self._doubt.set()

    def _take(self, order: Ended) -> None:
        self._close(order.closing)

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
        self._hub.disconnect(
            user=user, session=session, realm=OURS, code=DisconnectCode.INVALID_TOKEN, reason=ENDED
        )

    def _renew(self, user: str, session: str | None) -> None:
        """Have clients connect anew; one whose session has ended is then refused for good."""
        code = DisconnectCode.FORCE_RECONNECT
        self._hub.disconnect(user=user, session=session, realm=OURS, code=code, reason=CHANGED)
