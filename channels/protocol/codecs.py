"""Every codec that is served, in the order of preference: the first is for clients that offer none."""

from typing import Final

from channels.protocol.codec import Codec
from channels.protocol.json import JsonCodec
from channels.protocol.messagepack import MessagePackCodec
from channels.protocol.protobuf import ProtobufCodec

CODECS: Final[tuple[Codec, ...]] = (JsonCodec(), ProtobufCodec(), MessagePackCodec())


def codec_named(name: str) -> Codec | None:
    """Return the codec that is called ``name`` in queries and configurations."""
    return next((codec for codec in CODECS if codec.name == name), None)
