"""The signed bytes of a pass: written once, read at every gate, with or without a link.

Layout, big-endian, 90 bytes: version 1 | key id 1 | pass id 8 | site 4 | zones 4 | not-before 4 | minutes 3
| flags 1 | Ed25519 signature 64. The signature covers a fixed prefix and the 26 bytes before it; the
version fixes the algorithm. Two texts carry the same bytes: base64url for programs (120 letters) and `GH1:`
+ base45 for the QR (139 letters, version 6). Nothing in it names a person.

A phone that shows a rotating code (`live_code`) appends step 4 | code 4: 98 bytes, 151 letters, still version 6.
"""

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from enum import IntFlag

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from domain.access.rules import base45
from domain.access.rules.live_code import LiveCode
from domain.access.rules.reasons import Reason

PREFIX = "GH1:"
SIZE = 90
VERSION = 1
# A signature made for a pass must mean nothing anywhere else the same key could ever sign.
_PURPOSE = b"gatehouse pass v1\x00"
_HEAD = struct.Struct(">BBQIII")
_CLAIM_SIZE = 26
_LARGEST_ID = 2**63 - 1
_BASE64_LENGTH = SIZE // 3 * 4
_BASE45_LENGTH = SIZE // 2 * 3
_LIVE_SIZE = SIZE + 8
_LIVE_BASE45_LENGTH = _LIVE_SIZE // 2 * 3


class Flag(IntFlag):
    """What a pass tells a gate that has nobody to ask."""

    SINGLE_ENTRY = 1
    NEEDS_ESCORT = 2
    LIVE_CODE = 4


class PassClaim(Struct, frozen=True, kw_only=True):
    """What a pass says of itself; true once its signature was checked."""

    key_id: int
    pass_id: int
    site_id: int
    zones: int
    """Bit n is set where zone ordinal n of the site may be entered."""
    not_before: int
    """Unix seconds."""
    minutes: int
    flags: int = 0

    @property
    def not_after(self) -> int:
        """The first second in which the pass no longer opens, in Unix seconds."""
        return self.not_before + 60 * self.minutes


def sign(claim: PassClaim, key: Ed25519PrivateKey) -> bytes:
    """Returns the bytes of the pass; the same claim and key give the same bytes each time.

    Raises:
        ValueError: a member does not fit its field.
    """
    body = _pack(claim)
    return body + key.sign(_PURPOSE + body)


def verify(raw: bytes, keys: Mapping[int, Ed25519PublicKey]) -> PassClaim | Reason:
    """Returns what the pass says, or `unknown` for what is no pass, or `bad_sig` for one nobody of ours signed."""
    if len(raw) != SIZE:
        return Reason.UNKNOWN
    version, key_id, pass_id, site_id, zones, not_before = _HEAD.unpack_from(raw)
    key = keys.get(key_id)
    if version != VERSION or key is None:
        return Reason.BAD_SIG
    try:
        key.verify(raw[_CLAIM_SIZE:], _PURPOSE + raw[:_CLAIM_SIZE])
    except InvalidSignature:
        return Reason.BAD_SIG
    return PassClaim(
        key_id=key_id,
        pass_id=pass_id,
        site_id=site_id,
        zones=zones,
        not_before=not_before,
        minutes=int.from_bytes(raw[22:25], "big"),
        flags=raw[25],
    )


def read(text: str, keys: Mapping[int, Ed25519PublicKey]) -> PassClaim | Reason:
    """Returns what the presented text says, or the reason why it says nothing; any text is safe to hand in."""
    raw = _bytes_of(text.strip())
    return Reason.UNKNOWN if raw is None else verify(raw[:SIZE], keys)


def live_code_of(text: str) -> LiveCode | None:
    """Returns the rotating code that came along with a pass, unchecked."""
    raw = _bytes_of(text.strip())
    if raw is None or len(raw) != _LIVE_SIZE:
        return None
    return LiveCode(step=int.from_bytes(raw[SIZE : SIZE + 4], "big"), code=raw[SIZE + 4 :])


def peek(text: str) -> tuple[int, int] | None:
    """Returns the key id and pass id that a text claims, unchecked: enough to fetch what checking needs."""
    raw = _bytes_of(text.strip())
    if raw is None or raw[0] != VERSION:
        return None
    return raw[1], min(int.from_bytes(raw[2:10], "big"), _LARGEST_ID)


def as_base64url(raw: bytes) -> str:
    """Returns the text for programs: the API's `qrToken`."""
    return urlsafe_b64encode(raw).decode("ascii")


def as_qr_text(raw: bytes) -> str:
    """Returns the text for the QR code; every letter is in its compact alphanumeric set."""
    return PREFIX + base45.encode(raw)


def public_key(text: str) -> Ed25519PublicKey:
    """Returns the key written as base64url of its 32 bytes, the way gates are handed keys.

    Raises:
        ValueError: it is not such a text.
    """
    return Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def public_key_text(key: Ed25519PublicKey) -> str:
    """Returns `key` as base64url of its 32 bytes, without padding."""
    return urlsafe_b64encode(key.public_bytes_raw()).decode("ascii").rstrip("=")


def _pack(claim: PassClaim) -> bytes:
    head = (VERSION, claim.key_id, claim.pass_id, claim.site_id, claim.zones, claim.not_before)
    try:
        return _HEAD.pack(*head) + claim.minutes.to_bytes(3, "big") + claim.flags.to_bytes(1, "big")
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a pass cannot carry {claim}: {error}") from error


def _bytes_of(text: str) -> bytes | None:
    # Lengths first: junk of a megabyte costs nothing.
    if text.startswith(PREFIX):
        fits = len(text) - len(PREFIX) in (_BASE45_LENGTH, _LIVE_BASE45_LENGTH)
        return base45.decode(text[len(PREFIX) :]) if fits else None
    if len(text) != _BASE64_LENGTH or not text.isascii() or not _is_base64url(text):
        return None
    try:
        return urlsafe_b64decode(text)
    except binascii.Error:
        return None


def _is_base64url(text: str) -> bool:
    # The standard decoder skips letters it does not know, so that many texts would mean one pass.
    return text.replace("-", "a").replace("_", "a").isalnum()
