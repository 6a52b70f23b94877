"""The token of a guest's page: whoever has it may see one pass until it ends, and nothing else.

Layout, big-endian, 29 bytes: version 1 | guest pass id 8 | ends (Unix seconds) 4 | HMAC-SHA256, cut to 16. As text it
is base64url of 39 letters. The key is derived for this purpose alone.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from msgspec import Struct

VERSION = 1
_BODY = struct.Struct(">BQI")
_MAC_BYTES = 16
_LENGTH = 39
_LATEST = 2**32 - 1


class Link(Struct, frozen=True):
    """What a genuine token says."""

    guest_pass_id: int
    ends: int
    """The first second, in Unix time, in which it leads nowhere any more."""


def sign(link: Link, key: bytes) -> str:
    """Returns the token; the same link and key give the same text each time."""
    body = _BODY.pack(VERSION, link.guest_pass_id, min(link.ends, _LATEST))
    return urlsafe_b64encode(body + _mac(body, key)).decode("ascii").rstrip("=")


def read(text: str, key: bytes) -> Link | None:
    """Returns what a token says, or None for one that nobody of ours made; any text is safe to hand in."""
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=")
    except Error:
        return None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    # one link has one text: the decoder forgives letters that it does not know, and bits that it does not need
    if urlsafe_b64encode(raw).decode("ascii").rstrip("=") != text:
        return None
    if not hmac.compare_digest(mac, _mac(body, key)):
        return None
    version, guest_pass_id, ends = _BODY.unpack(body)
    return Link(guest_pass_id, ends) if version == VERSION else None


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
