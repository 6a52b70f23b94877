"""Remembers tokens whose signature was checked: a check costs ten times a look-up, and clients come back with the same.

1. What is kept is a digest, from which no token can be made again, and what the token said.
2. It is kept until the token expires, so that an expired one is always judged by who checks.
3. Not more than ``size`` are remembered; the one checked first is forgotten first. Refusals are not remembered.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, Generic, Protocol, TypeVar

SIZE: Final = 20_000


class Expiring(Protocol):
    """What a token says."""

    @property
    def expires_at(self) -> float:
        """Unix seconds from which it is void."""


C = TypeVar("C", bound=Expiring)


class Verified(Generic[C]):
    """Reads tokens like ``read`` does, and mostly faster."""

    def __init__(self, read: Callable[[str], C], *, now: Callable[[], float], size: int = SIZE) -> None:
        """``now`` tells Unix seconds."""
        self._read = read
        self._now = now
        self._size = size
        self._known: dict[bytes, C] = {}

    def __call__(self, token: str) -> C:
        """Return what the token says; raises what ``read`` raises."""
        digest = blake2b(token.encode(errors="surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None:
            if self._now() < known.expires_at:
                return known
            del self._known[digest]
        said = self._read(token)
        if len(self._known) >= self._size:
            del self._known[next(iter(self._known))]
        self._known[digest] = said
        return said

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)
