"""What the server states about its log, signed: the root of a minute, and what was taken out on purpose.

1. A signature covers `gatehouse <purpose> v1`, a zero byte, and the members of the statement as JSON with sorted
   keys, no white space. Hashes are hexadecimal, moments are Unix seconds.
2. A root holds the hash of the site's root before it, and that covers its signature too: whoever has the newest
   root has all of them.
3. A key is named by the first eight bytes of the SHA-256 of its public half.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

Purpose = Literal["log root", "log omission"]
Kind = Literal["dropped", "erased"]
FIRST = bytes(32)
"""What stands for the root before a site's first."""
_ENCODER = msgspec.json.Encoder(order="sorted")


class Root(Struct, frozen=True, kw_only=True):
    """What the gates of a site reported in one minute, as one hash.

    ``root`` is over the keys of all events, which stay for ever; ``rows`` is over what the server put beside the
    events that stood in the log when the minute was sealed.
    """

    site_id: int
    number: int
    minute: int
    count: int
    root: bytes
    rows: bytes
    previous: bytes
    key: str
    signature: bytes = b""

    @property
    def members(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "count": self.count,
            "key": self.key,
            "minute": self.minute,
            "number": self.number,
            "previous": self.previous.hex(),
            "root": self.root.hex(),
            "rows": self.rows.hex(),
            "site": self.site_id,
        }

    @property
    def hash(self) -> bytes:
        """What the site's next root holds of this one."""
        return sha256(covered("log root", self.members) + self.signature).digest()

    def signed(self, key: Ed25519PrivateKey) -> "Root":
        """Returns it with its signature."""
        return msgspec.structs.replace(self, signature=key.sign(covered("log root", self.members)))

    def is_signed(self, key: Ed25519PublicKey) -> bool:
        """Returns whether the holder of the key stated this."""
        return is_signed("log root", self.members, self.signature, key)


class Omission(Struct, frozen=True, kw_only=True):
    """What was taken out of a day of a site's log: events that had their term, or the persons in some of them."""

    site_id: int
    day: date
    kind: Kind
    events: int
    unreadable: int
    """Events that had never been readable and whose messages went with the day."""
    term_days: int | None
    at: datetime
    key: str
    signature: bytes = b""

    @property
    def members(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "at": int(self.at.timestamp()),
            "day": self.day.isoformat(),
            "events": self.events,
            "key": self.key,
            "kind": self.kind,
            "site": self.site_id,
            "term": self.term_days,
            "unreadable": self.unreadable,
        }

    @property
    def was_due(self) -> bool:
        """Whether the day had had its term when it was dropped; persons may be erased at any time."""
        if self.term_days is None:
            return self.kind == "erased"
        ended = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC) + timedelta(days=1)
        return self.at >= ended + timedelta(days=self.term_days)

    def signed(self, key: Ed25519PrivateKey) -> "Omission":
        """Returns it with its signature."""
        return msgspec.structs.replace(self, signature=key.sign(covered("log omission", self.members)))

    def is_signed(self, key: Ed25519PublicKey) -> bool:
        """Returns whether the holder of the key stated this."""
        return is_signed("log omission", self.members, self.signature, key)


def covered(purpose: Purpose, members: Mapping[str, Any]) -> bytes:
    """Returns the bytes that a signature covers."""
    return f"gatehouse {purpose} v1\0".encode() + _ENCODER.encode(members)


def is_signed(purpose: Purpose, members: Mapping[str, Any], signature: bytes, key: Ed25519PublicKey) -> bool:
    """Returns whether the holder of the key stated this for this purpose."""
    try:
        key.verify(signature, covered(purpose, members))
    except InvalidSignature:
        return False
    return True


def key_id(public: bytes) -> str:
    """Returns how a public key of 32 bytes is named."""
    return sha256(public).digest()[:8].hex()
