"""What messages are made of: payloads that nobody reads here, and numbers with limits."""

from typing import Annotated, Final

from msgspec import Meta, Raw, Struct

EMPTY: Final = Raw()  # the one absent payload: a field holding this very object is left out of the wire

UInt32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # the protocol allows one bit more, which no stream reaches


def payload(data: bytes | None) -> Raw:
    """Carry the publisher's bytes as they are; none at all where there are none."""
    return Raw(data) if data else EMPTY


class Message(Struct, kw_only=True, omit_defaults=True):
    """Base of all messages."""
