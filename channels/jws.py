"""Signed tokens in compact form (RFC 7515, 7.1), taken apart without believing them; signatures of secrets checked.

Thousands of clients that come back at once bring a token each: what the general library does per token in Python, one
character at a time, is here a few calls into C. Only HS is verified here.
"""

import binascii
import hmac
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct

HASHES: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


class Malformed(ValueError):
    """A text that is no token in compact form, or one whose header asks for what is not understood."""


class Header(Struct, frozen=True):
    """What a header says of the signature."""

    alg: str
    kid: str | None = None
    crit: msgspec.Raw | None = None
    b64: bool = True


class Signed(Struct, frozen=True):
    """A token that nobody has checked."""

    header: Header
    signed: bytes
    """What the signature is of."""
    payload: bytes
    signature: bytes

    def is_of(self, secret: bytes) -> bool:
        """Tell whether it was signed with this secret, which is good for HS alone."""
        name = HASHES.get(self.header.alg)
        if name is None or not secret:
            return False
        return hmac.compare_digest(hmac.digest(secret, self.signed, name), self.signature)


def take_apart(token: str) -> Signed:
    """Return the parts of a token; raises Malformed."""
    if not token.isascii():
        raise Malformed("it is not ASCII")
    parts = token.encode().split(b".")
    if len(parts) != 3:
        raise Malformed("it has not three parts")
    header, payload, signature = parts
    return Signed(read_header(header), header + b"." + payload, _decoded(payload), _decoded(signature))


def is_by_secret(token: str) -> bool:
    """Tell whether a token says that it is signed with a shared secret."""
    try:
        return read_header(token.partition(".")[0].encode()).alg in HASHES
    except (Malformed, UnicodeEncodeError):
        return False


@lru_cache(256)
def read_header(part: bytes) -> Header:
    """Read the first part, which is the same in all tokens that one key signs; raises Malformed."""
    try:
        header = _headers.decode(_decoded(part))
    except msgspec.MsgspecError as error:
        raise Malformed(str(error)) from error
    if header.crit is not None or not header.b64:
        raise Malformed("its header asks for an extension")
    return header


def _decoded(part: bytes) -> bytes:
    # Not urlsafe_b64decode, which skips characters that do not belong.
    if b"+" in part or b"/" in part or b"=" in part:
        raise Malformed("it is not base64url")
    padded = part.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(part) % 4)
    try:
        return binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error as error:
        raise Malformed("it is not base64url") from error


_headers: Final = msgspec.json.Decoder(Header)
