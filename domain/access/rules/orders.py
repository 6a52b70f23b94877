"""How a gate shall be, and the signature under what it is told: whoever holds the broker opens nothing.

A signature covers a fixed prefix for the purpose, the gate's place as `{site}/{gate}` (`{site}/_all` where all gates of
the site are told), a zero byte, and the members of the message as canonical JSON: keys sorted, no white space, UTF-8,
without `sig` and without what is absent.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from domain.access.rules.facts import Mode

Purpose = Literal["desired", "command", "list", "list delta", "list chunk"]
ALL_GATES = 0
"""Stands for all gates of a site, where a gate's id is asked for."""
SIGNATURE = "sig"
_ENCODER = msgspec.json.Encoder(order="sorted")


class Wish(Struct, frozen=True):
    """A mode that somebody ordered, and until when; None is until somebody orders another."""

    mode: Mode = "normal"
    until: datetime | None = None

    def at(self, now: datetime) -> "Wish":
        """Returns what is left of it by now."""
        return NORMAL if self.until is not None and self.until <= now else self


NORMAL = Wish()


def effective(site: Wish, gate: Wish) -> Wish:
    """Returns what a gate shall be: what holds for the whole site goes before what holds for one gate.

    Nobody who frees a gate lifts a lockdown, and nobody who locks one keeps people in an evacuation.
    """
    return gate if site.mode == "normal" else site


def sign(
    purpose: Purpose, site_id: int, gate_id: int, members: Mapping[str, Any], key: Ed25519PrivateKey
) -> str:
    """Returns the signature of a message as base64url without padding, 86 letters."""
    signature = key.sign(covered(purpose, site_id, gate_id, members))
    return urlsafe_b64encode(signature).decode("ascii").rstrip("=")


def is_signed(
    purpose: Purpose, site_id: int, gate_id: int, members: Mapping[str, Any], key: Ed25519PublicKey
) -> bool:
    """Returns whether the holder of the key said this, for this purpose and to this gate."""
    try:
        signature = urlsafe_b64decode(str(members.get(SIGNATURE, "")) + "==")
        key.verify(signature, covered(purpose, site_id, gate_id, members))
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True


def covered(purpose: Purpose, site_id: int, gate_id: int, members: Mapping[str, Any]) -> bytes:
    """Returns the bytes that a signature covers."""
    known = {name: value for name, value in members.items() if value not in (None, "") and name != SIGNATURE}
    place = f"gatehouse {purpose} v1\0{site_id}/{gate_id or '_all'}\0"
    return place.encode() + _ENCODER.encode(known)
