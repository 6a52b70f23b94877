"""What a session wants of the world: questions it waits for, and things it says without waiting.

A handler is a generator that yields an `Ask` and is sent the answer, or thrown the refusal; it names the answer's type
where it takes it, since a layer in between would cost on every step. What it tells is collected in the session's
outbox, so that everything between two questions happens at once.
"""

from collections.abc import Generator, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from channels.broadcast import Broadcast
from channels.broker import Attendance
from channels.host import Identity, Opening, Publishing
from channels.protocol.codec import Codec
from channels.protocol.messages import ClientInfo, Reply
from channels.stream import History, Joined, Left, Position

T = TypeVar("T")


class Ask(Struct, Generic[T], frozen=True):
    """A question whose answer is a T."""


Steps = Generator[Ask[Any], Any, T]  # answers differ in type from step to step; each question names its own


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
    client: str


class Glance(Ask[Opening], frozen=True):
    """What may they read in a channel they do not follow?"""

    identity: Identity
    channel: str


class NameChannel(Ask[str], frozen=True):
    """Which channel is this subscription token for?"""

    identity: Identity
    token: str


class Propose(Ask[Publishing], frozen=True):
    """May they publish, and what will it be?"""

    identity: Identity
    channel: str
    data: bytes
    granted: bool


class Hear(Ask[None], frozen=True):
    """Does the application take a message that wants no answer?"""

    identity: Identity
    data: bytes


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


class Top(Ask[Position], frozen=True):
    """Where does the channel, whose deliveries come already, stand?

    What is handed out next must come right after this position: the hub's own position of the channel will do.
    """

    channel: str


class Publish(Ask[None], frozen=True):
    """Publish in a client's name."""

    channel: str
    publishing: Publishing
    info: ClientInfo


class Read(Ask[History], frozen=True):
    """What does history hold?"""

    channel: str
    since: Position | None
    limit: int
    reverse: bool = False


class Count(Ask[Attendance], frozen=True):
    """How many are present?"""

    channel: str


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
    """Send this delivery, written once for all."""

    broadcast: Broadcast
    whole: bool = False
    """It goes to somebody who reads differences, but needs all of it."""

    def message(self, codec: Codec) -> bytes:
        """Write it as this follower reads it."""
        if self.whole:
            return self.broadcast.delta_message(codec, None)
        return self.broadcast.message(codec)


class Live(Struct, frozen=True):
    """The subscription follows live, or has moved: see whether it keeps step with the channel now."""

    channel: str


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


Tell = Send | Deliver | Live | Identified | Unfollow | Close
