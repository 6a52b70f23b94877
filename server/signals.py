"""What followers of a feed say to each other and nobody keeps: read, allowed, counted, and put into what is heard."""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import ProtocolError
from channels.rate import Rate
from domain.kernel import params
from domain.kernel.caller import Caller
from domain.kernel.feeds import Feed, Heard
from domain.kernel.runtime import Runtime

RATE: Final = Rate(most=20, within_s=5.0)
"""Of one session, whatever the channel: as often as one moves on a screen, and no stream of data."""
SESSIONS: Final = 10_000


class Signals:
    """Turns what a client publishes on a feed into what its followers hear."""

    def __init__(self, runtime: Runtime, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._runtime = runtime
        self._clock = clock
        self._paid_until: dict[int, float] = {}

    async def heard(
        self, feed: Feed, ids: dict[str, int], caller: Caller, session_id: int, data: bytes
    ) -> bytes:
        """Return the payload that followers get.

        Raises:
            ProtocolError: The feed takes no signals (108), or too many came (111).
            DomainError: The data is not of the feed's shape, or the caller may not say it.
        """
        if feed.says is None or feed.signal is None:
            raise ProtocolError(ErrorCode.NOT_AVAILABLE)
        self._pay(session_id)
        signal = params.read(data, feed.signal, {})
        async with self._runtime.readers() as db:
            said = await feed.says(self._runtime.context(caller, db), signal, **ids)
        return msgspec.json.encode(Heard(said))

    def _pay(self, session_id: int) -> None:
        now = self._clock()
        paid_until = RATE.pay(self._paid_until.get(session_id, now), now)
        if paid_until - now > RATE.within_s:
            raise ProtocolError(ErrorCode.TOO_MANY_REQUESTS)
        if len(self._paid_until) >= SESSIONS:
            self._paid_until = {one: until for one, until in self._paid_until.items() if until > now}
        self._paid_until[session_id] = paid_until
