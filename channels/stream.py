"""The numbered memory of one channel: publications with offsets, in an epoch.

1. Offsets start at 1 and grow by 1; within an epoch an offset never means two publications.
2. The epoch changes whenever offsets were lost and start anew, and never comes back.
3. A stream forgets its oldest publications (size, then age), but not its top offset.
"""

import secrets
from collections import deque
from typing import Final

from msgspec import Struct

from channels.protocol.messages import ClientInfo


class Position(Struct, frozen=True):
    """A place in a channel's stream."""

    offset: int = 0
    epoch: str = ""


START: Final = Position()


class Version(Struct, frozen=True):
    """How new a state is that a publication shows; what is not newer than the channel's newest is not published."""

    number: int
    """From 1 on."""
    epoch: str = ""
    """Numbers are compared within an epoch only, and another epoch is always newer; empty fits any."""


class HistoryPolicy(Struct, frozen=True):
    """How much of a channel is remembered, and for how long after the last publication."""

    size: int
    ttl_s: float


class Publication(Struct, frozen=True, kw_only=True):
    """One message of a channel; offset 0 means that it is not part of any history."""

    data: bytes
    offset: int = 0
    epoch: str = ""
    tags: dict[str, str] | None = None
    info: ClientInfo | None = None
    published_at: float = 0.0
    """Unix seconds by the clock of the process that published it; 0 where that is not known."""


class Joined(Struct, frozen=True):
    """Someone began to follow a channel."""

    info: ClientInfo


class Left(Struct, frozen=True):
    """Someone follows a channel no longer."""

    info: ClientInfo


Delivery = Publication | Joined | Left


class History(Struct, frozen=True):
    """What was read back, and the top of the stream at that very moment."""

    publications: tuple[Publication, ...]
    top: Position


def new_epoch() -> str:
    """Name a life of a stream that no other has."""
    return secrets.token_hex(8)


class Stream:
    """Remember the last publications of one channel in this process; time is passed in."""

    def __init__(self) -> None:
        self.epoch = new_epoch()
        self.offset = 0
        self.touched_at = 0.0
        self._forget_at = 0.0
        self._version: Version | None = None
        self._publications: deque[Publication] = deque()

    @property
    def top(self) -> Position:
        """The position of the newest publication."""
        return Position(self.offset, self.epoch)

    def append(
        self,
        data: bytes,
        policy: HistoryPolicy,
        now: float,
        *,
        tags: dict[str, str] | None = None,
        info: ClientInfo | None = None,
        published_at: float = 0.0,
    ) -> Publication:
        """Number a publication and remember it."""
        self._expire(now)
        self.offset += 1
        publication = Publication(
            data=data,
            offset=self.offset,
            epoch=self.epoch,
            tags=tags,
            info=info,
            published_at=published_at,
        )
        self._publications.append(publication)
        while len(self._publications) > policy.size:
            self._publications.popleft()
        self._forget_at = now + policy.ttl_s
        self.touched_at = now
        return publication

    def renew(self, version: Version, now: float) -> bool:
        """Take a version for the newest, unless the stream has it or a newer one."""
        self.touched_at = now
        newest = self._version
        if newest is not None and version.epoch in ("", newest.epoch) and version.number <= newest.number:
            return False
        self._version = version
        return True

    def clear(self) -> None:
        """Forget the publications, but neither top nor version."""
        self._publications.clear()

    def read(self, now: float, *, since: Position | None, limit: int, reverse: bool = False) -> History:
        """Return up to ``limit`` publications after ``since`` (before it in reverse), and the top."""
        self._expire(now)
        self.touched_at = now
        found = [p for p in self._publications if _wanted(p.offset, since, reverse)] if limit else []
        if reverse:
            found.reverse()
        return History(tuple(found[:limit]), self.top)

    def _expire(self, now: float) -> None:
        if now >= self._forget_at:
            self._publications.clear()


def _wanted(offset: int, since: Position | None, reverse: bool) -> bool:
    if since is None:
        return True
    return offset < since.offset if reverse else offset > since.offset
