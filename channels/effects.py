"""What a session wants of the world: questions it waits for, and things it says without waiting.

A handler is a generator that yields an `Ask` and is sent the answer, or thrown the refusal. What it tells is collected
in the session's outbox, so that everything between two questions happens at once.
"""

from collections.abc import Generator, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from channels.broadcast import Broadcast
from channels.host import Identity, Opening
from channels.protocol.messages import ClientInfo, Reply
from channels.stream import History, Joined, Left, Position

T = TypeVar("T")


class Ask(Struct, Generic[T], frozen=True):
    """A question whose answer is a T."""


Steps = Generator[Ask[Any], Any, T]  # answers differ in type from step to step; `ask` gives each its own


def ask(question: Ask[T]) -> Steps[T]:
    """Wait for the answer to ``question``, typed."""
    answer: T = yield question
    return answer


class Authenticate(Ask[Identity], frozen=True):
    """Who brings this token?"""

    token: str
    data: bytes


class Renew(Ask[Identity], frozen=True):
    """Who brings this new token?"""

    identity: Identity
    token: str


class Permit(Ask[Opening], frozen=True):
    """May they follow the channel?"""

    identity: Identity
    channel: str
    token: str


class Show(Ask[bytes | None], frozen=True):
    """What do they see first?"""

    identity: Identity
    channel: str


class Invoke(Ask[bytes], frozen=True):
    """What does the application answer?"""

    identity: Identity
    method: str
    data: bytes


class Follow(Ask[None], frozen=True):
    """Let deliveries of the channel come."""

    channel: str


class Read(Ask[History], frozen=True):
    """What does history hold?"""

    channel: str
    since: Position | None
    limit: int
    reverse: bool = False


class Present(Ask[Mapping[str, ClientInfo]], frozen=True):
    """Who is present?"""

    channel: str


class Arrive(Ask[None], frozen=True):
    """Enter the presence of the channel."""

    channel: str
    info: ClientInfo


class Leave(Ask[None], frozen=True):
    """End the presence in the channel."""

    channel: str
    client: str


class Announce(Ask[None], frozen=True):
    """Tell followers of the channel who joined or left."""

    channel: str
    event: Joined | Left


class Send(Struct, frozen=True):
    """Send this message."""

    reply: Reply


class Deliver(Struct, frozen=True):
    """Send this publication, written once for all."""

    broadcast: Broadcast


class Identified(Struct, frozen=True):
    """The connection belongs to this user from now on."""

    identity: Identity


class Unfollow(Struct, frozen=True):
    """Let no more deliveries of the channel come."""

    channel: str


class Close(Struct, frozen=True):
    """Close the connection once everything before was sent."""

    code: int
    reason: str


Tell = Send | Deliver | Identified | Unfollow | Close
