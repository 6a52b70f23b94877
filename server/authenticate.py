"""Tells who brings a token: its session is asked about at most once a second.

1. A session that has ended is refused at most one second later, and at once where its end is heard of (`forget`).
2. However many requests of one session arrive together, the database is asked once.
3. Not more than ``size`` sessions are remembered; the one asked first is forgotten first.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from domain.kernel.caller import Caller
from domain.kernel.events import Closing

LASTS_S: Final = 1.0
SIZE: Final = 10_000


class Claims(Protocol):
    """What an access token says by itself."""

    @property
    def user_id(self) -> int:
        """Whose it is."""

    @property
    def session_id(self) -> int:
        """The login it came from."""

    @property
    def expires_at(self) -> float:
        """Unix seconds from which it is void."""


@dataclass(slots=True)
class _Known:
    user_id: int
    caller: Caller | None = None
    until: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Authenticator:
    """Turns tokens into callers. ``read`` checks a token by itself; ``identify`` asks whether its session lives."""

    def __init__(
        self,
        read: Callable[[str], Claims],
        identify: Callable[[Claims], Awaitable[Caller]],
        *,
        lasts_s: float = LASTS_S,
        size: int = SIZE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.read = read
        self._identify = identify
        self._lasts_s = lasts_s
        self._size = size
        self._clock = clock
        self._sessions: dict[int, _Known] = {}

    async def authenticate(self, token: str) -> Caller:
        """Return who brings ``token``.

        Raises:
            Unauthenticated: It is not ours, has expired, or its session has ended.
        """
        return await self.caller(self.read(token))

    async def caller(self, claims: Claims) -> Caller:
        """Return the caller of a token that was read before.

        Raises:
            Unauthenticated: The session has ended.
        """
        known = self._known(claims)
        if (found := self._fresh(known)) is not None:
            return found
        async with known.asking:
            if (found := self._fresh(known)) is not None:
                return found
            asked_at = self._clock()
            known.caller = await self._identify(claims)
            known.until = asked_at + self._lasts_s
            return known.caller

    def forget(self, closing: Closing) -> None:
        """Ask anew about the sessions whose rights have changed."""
        if closing.session_id is not None:
            self._sessions.pop(closing.session_id, None)
            return
        for session_id in [s for s, known in self._sessions.items() if known.user_id == closing.user_id]:
            del self._sessions[session_id]

    def forget_all(self) -> None:
        """Ask anew about everybody."""
        self._sessions.clear()

    def _known(self, claims: Claims) -> _Known:
        known = self._sessions.get(claims.session_id)
        if known is None:
            if len(self._sessions) >= self._size:
                del self._sessions[next(iter(self._sessions))]
            known = self._sessions[claims.session_id] = _Known(claims.user_id)
        return known

    def _fresh(self, known: _Known) -> Caller | None:
        return known.caller if self._clock() < known.until else None
