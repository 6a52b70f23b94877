"""What processes of one house tell all its hubs, and the one channel they tell it on."""

import secrets
from typing import Final

import msgspec
from msgspec import Struct

from channels.broker import Broker
from channels.host import Opening
from channels.protocol.codes import DisconnectCode, UnsubscribeCode
from channels.stream import HistoryPolicy, Position
from domain.kernel.events import Closing

CONTROL: Final = "&control"
"""No client can follow it: names with `&` in front are none of theirs."""
KEPT: Final = HistoryPolicy(size=300, ttl_s=300.0)
"""So that a hub that was away for a moment does what it has missed."""

OURS: Final = ""
PARTNERS: Final = "partners"
"""Realms: our user 17 and a partner's are two people, and each side ends the connections of its own."""


class Order(Struct, frozen=True, kw_only=True, tag=True, array_like=True):
    """Base of all orders."""


class Ended(Order, frozen=True, kw_only=True):
    """Rights have ended."""

    closing: Closing


class OfConnections(Order, frozen=True, kw_only=True):
    """Something for all connections that match what is given."""

    user: str | None = None
    client: str | None = None
    session: str | None = None
    realm: str | None = None


class Disconnect(OfConnections, frozen=True, kw_only=True):
    """Close them, except those of the clients named in ``spared``."""

    code: int = DisconnectCode.FORCE_DISCONNECT
    reason: str = ""
    spared: list[str] = []


class Subscribe(OfConnections, frozen=True, kw_only=True):
    """Have them follow a channel."""

    channel: str
    opening: Opening
    since: Position | None = None


class Unsubscribe(OfConnections, frozen=True, kw_only=True):
    """Have them follow a channel no longer."""

    channel: str
    code: int = UnsubscribeCode.SERVER
    reason: str = ""


class Refresh(OfConnections, frozen=True, kw_only=True):
    """Move their end, in Unix seconds; None is never, and what has passed closes them."""

    expires_at: float | None = None


class Say(OfConnections, frozen=True, kw_only=True):
    """Say something to them, outside any channel: raw JSON."""

    data: bytes


class Census(Order, frozen=True, kw_only=True):
    """Have every hub count its followers of channels like ``pattern`` and tell the channel ``answer_to``."""

    number: int
    answer_to: str
    pattern: str


AnyOrder = Ended | Disconnect | Subscribe | Unsubscribe | Refresh | Say | Census
_decoder: msgspec.msgpack.Decoder[AnyOrder] = msgspec.msgpack.Decoder(AnyOrder)


def encode(order: Order) -> bytes:
    """Write an order for the other processes."""
    return msgspec.msgpack.encode(order)


def decode(data: bytes) -> AnyOrder:
    """Read what another process has written; raises msgspec.MsgspecError."""
    return _decoder.decode(data)


async def give(broker: Broker, order: Order, *, lasting: bool = True) -> None:
    """Tell every hub, once; one that is away for a moment does later what is ``lasting``.

    Raises: BrokerUnavailable, where it is not known to be told.
    """
    await broker.publish(CONTROL, encode(order), history=KEPT if lasting else None, key=secrets.token_hex(12))
