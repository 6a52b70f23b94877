"""What opens a gate besides the QR code: cards, PINs, number plates; how each is written, and what is kept of it.

Kept is a digest under a key of the site: the server finds the pass by it, and a gate's list carries its first bytes, so
that neither names a card. Who holds the key finds a PIN of six digits by trying; that is what PINs are.
"""

import re
from hashlib import sha256
from typing import Literal

from msgspec import Struct

Method = Literal["qr", "nfc", "pin", "plate"]
Kind = Literal["nfc", "pin", "plate"]
LISTED_BYTES = 8
"""So much of a digest stands in a gate's list."""

_SHAPES: dict[Kind, re.Pattern[str]] = {
    "nfc": re.compile(r"[0-9A-F]{8,32}"),
    "pin": re.compile(r"[0-9]{4,12}"),
    "plate": re.compile(r"[A-Z0-9]{2,12}"),
}
# Letters of Russian and Ukrainian plates are those that look the same in both alphabets; cameras answer either.
_LOOKALIKES = str.maketrans("АВЕІКМНОРСТУХ", "ABEIKMHOPCTYX")
_SEPARATORS = re.compile(r"[\s:.\-·]+")


class Credential(Struct, frozen=True, kw_only=True):
    """A pass found by a card, a PIN or a plate: what a token is for a QR code."""

    method: Kind
    pass_id: int


def normalised(kind: Kind, text: str) -> str | None:
    """Returns the one way to write a card number, PIN or plate; None where it cannot be one."""
    plain = _SEPARATORS.sub("", text.strip().upper())
    plain = plain.translate(_LOOKALIKES) if kind == "plate" else plain
    return plain if _SHAPES[kind].fullmatch(plain) else None


def digest(key: bytes, kind: Kind, plain: str) -> bytes:
    """Returns what is kept of a normalised card number, PIN or plate."""
    return sha256(key + f"{kind}:{plain}".encode()).digest()


def hint(kind: Kind, plain: str) -> str:
    """Returns what people are shown to tell their cards apart; of a PIN nothing."""
    return "" if kind == "pin" else plain if kind == "plate" else f"…{plain[-4:]}"
