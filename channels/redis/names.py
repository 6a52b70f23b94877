"""What a channel's keys and deliveries are called in Redis, and in which slot of a cluster they are."""

import binascii
from typing import Final

SLOTS: Final = 16_384


class Names:
    """The names of everything under one prefix.

    What stands between the first braces decides about the slot, so all that a channel has is in one. The prefix stands
    inside, since nothing between the braces would count as none.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._head = len(self.delivery("")) - len(b"}:to")

    def key(self, channel: str, kind: str) -> str:
        """The key of one kind of thing that a channel has."""
        return f"{{{self._prefix}:{channel}}}:{kind}"

    def delivery(self, channel: str) -> bytes:
        """What the channel's deliveries are published under."""
        return f"{{{self._prefix}:{channel}}}:to".encode()

    def channel(self, delivery: bytes) -> str:
        """The channel whose deliveries are published under this."""
        return delivery[self._head : -len(b"}:to")].decode()

    def slot(self, delivery: bytes) -> int:
        """The slot of all that the channel has."""
        return binascii.crc_hqx(delivery[1:].partition(b"}")[0], 0) % SLOTS
