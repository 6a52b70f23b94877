"""The seam between messages and bytes: what a codec must do to carry the protocol over a WebSocket."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from channels.protocol.exceptions import Disconnect
from channels.protocol.messages import Command, Reply


class Malformed(Disconnect):
    """The frame is not a list of commands; the client is told so and stays away."""


class Codec(Protocol):
    """One way of writing the protocol; stateless, so that one instance serves all connections."""

    @property
    def name(self) -> str:
        """Short name, which also keys frames encoded once for many connections."""

    @property
    def subprotocol(self) -> str:
        """What the client offers in `Sec-WebSocket-Protocol` to get this codec."""

    @property
    def binary(self) -> bool:
        """Whether frames are Binary and not Text."""

    def decode(self, frame: bytes) -> Sequence[Command]:
        """Read all commands of one frame; raises Malformed where it holds none or anything else."""

    def encode(self, reply: Reply) -> bytes:
        """Write one message, ready to be joined with others."""

    def join(self, messages: Iterable[bytes]) -> bytes:
        """Make one frame of several messages."""
