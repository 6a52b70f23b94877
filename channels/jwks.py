"""Public keys that a signer publishes at an address, and changes when it likes (RFC 7517).

1. Keys are read again when they are five minutes old, and when a token names one that is not known, but not more
   often than every ten seconds, whatever tokens come. All who wait share one reading.
2. Keys that were read once stay good for an hour where the address does not answer.
3. Only keys for signatures with a name are taken, and never a shared secret: whoever can read the address could sign.

`jwt.PyJWKClient` fetches: it refuses redirects and anything but HTTP. It blocks, so it runs in a thread.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import jwt

from channels.tokens import SECRET, Key, KeysUnavailable, algorithms_of

logger = logging.getLogger(__name__)

FRESH_S: Final = 300.0
GOOD_S: Final = 3600.0
PAUSE_S: Final = 10.0
PATIENCE_S: Final = 5.0


class PublishedKeys:
    """`channels.tokens.Keys` from an address."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=PATIENCE_S)
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading = asyncio.Lock()
        self._readings = 0

    async def find(self, algorithm: str, kid: str | None) -> Sequence[Key]:
        """Return the key of that name if it is good for the algorithm; raises KeysUnavailable."""
        if kid is None or algorithm in SECRET:
            return []
        readings = self._readings
        if kid not in self._keys or self._age(self._read_at) > FRESH_S:
            await self._read()
        if (key := self._keys.get(kid)) is not None:
            return [key] if algorithm in algorithms_of(key) else []
        if self._readings == readings:
            # It could not be looked for, and the signer may have a new key by now: the client tries again.
            raise KeysUnavailable(f"the keys of {self._client.uri} cannot be read now")
        return []

    async def _read(self) -> None:
        async with self._reading:
            if self._age(self._tried_at) < PAUSE_S:
                return  # too early, or somebody has just read them while we waited
            self._tried_at = self._clock()
            try:
                found = await asyncio.to_thread(self._client.get_signing_keys)
            except (jwt.PyJWTError, ValueError, OSError) as problem:
                logger.warning("the keys of %s cannot be read: %s", self._client.uri, problem)
                if self._age(self._read_at) > GOOD_S:
                    self._keys = {}
            else:
                self._keys = {one.key_id: one.key for one in found if one.key_id and algorithms_of(one.key)}
                self._read_at = self._clock()
                self._readings += 1

    def _age(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._clock() - moment
