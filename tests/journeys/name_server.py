"""The name server of the compose network, as far as a balancer asks it: one address per running replica."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import Any

A, IN = 1, 1
AUTHORITATIVE_ANSWER, NO_SUCH_NAME = 0x8580, 0x8583
TTL_S = 1

Addresses = Callable[[str], list[str]]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(answer(data, self._addresses), addr)


@asynccontextmanager
async def serving(addresses: Addresses) -> AsyncIterator[int]:
    """Answer on a free UDP port, which it gives, while the block runs."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(addresses), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def answer(query: bytes, addresses: Addresses) -> bytes:
    """Return the answer to a question of one name (RFC 1035)."""
    name, end = _name(query)
    kind, _ = struct.unpack_from("!HH", query, end)
    found = addresses(name)
    records = [_record(address) for address in found] if kind == A else []
    flags = AUTHORITATIVE_ANSWER if found else NO_SUCH_NAME
    header = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
    return header + query[12 : end + 4] + b"".join(records)


def _name(query: bytes) -> tuple[str, int]:
    words, at = [], 12
    while length := query[at]:
        words.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(words), at + 1


def _record(address: str) -> bytes:
    # 0xC00C points to the name in the question.
    return struct.pack("!HHHIH", 0xC00C, A, IN, TTL_S, 4) + IPv4Address(address).packed
