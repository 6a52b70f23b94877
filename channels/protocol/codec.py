"""The seam between messages and bytes: what a codec must do to carry the protocol over a WebSocket."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from channels.protocol.codes import DisconnectCode
from channels.protocol.exceptions import Disconnect
from channels.protocol.messages import Command, Reply


class Malformed(Disconnect):
    """The frame is not a list of commands; the client is told so and stays away."""

    def __init__(self) -> None:
        super().__init__(DisconnectCode.BAD_REQUEST)


class Unwritable(Disconnect):
    """A payload cannot be carried by the client's codec; the client is told so and stays away."""

    def __init__(self) -> None:
        super().__init__(DisconnectCode.INAPPROPRIATE_PROTOCOL)


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

    def decode_replies(self, frame: bytes) -> Sequence[Reply]:
        """Read a server's frame; for clients of ours and tests."""

    def encode(self, reply: Reply) -> bytes:
        """Write one message, ready to be joined with others; raises Unwritable where a payload does not fit."""

    def encode_command(self, command: Command) -> bytes:
        """Write a client's message; for clients of ours and tests."""

    def join(self, messages: Iterable[bytes]) -> bytes:
        """Make one frame of several messages; one message is a frame as it is."""
