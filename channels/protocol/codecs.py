"""Every codec that is served, in the order of preference: the first is for clients that offer none."""

from typing import Final

from channels.protocol.codec import Codec
from channels.protocol.json import JsonCodec

JSON: Final[Codec] = JsonCodec()

CODECS: Final[tuple[Codec, ...]] = (JSON,)


def codec_named(name: str) -> Codec | None:
    """Return the codec that is called ``name`` in queries and configurations."""
    return next((codec for codec in CODECS if codec.name == name), None)
