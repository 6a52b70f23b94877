"""RFC 6455 as Autobahn's test suite asks for it (groups 1 to 7, 9 and 10), over a real socket against a real line.

The suite itself runs on Python 2 alone; version 25.10.1, run by hand against such an echo on uvloop, finds nothing in
its 301 cases that need no compression. These are its cases written out, each with what the peer may read to the end.

Proves: server/websocket/line.py, server/websocket/frames.py
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from channels.limits import Limits
from server.websocket.frames import (
    INVALID_TEXT,
    NORMAL,
    PROTOCOL_ERROR,
    TOO_BIG,
    Opcode,
    close_frame,
    frame,
)
from server.websocket.line import Line
from server.websocket.wheel import Wheel
from tests.server.websocket.test_frames import MASK, sent

LARGEST = 1 << 22
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = (
    Opcode.TEXT,
    Opcode.BINARY,
    Opcode.CONTINUATION,
    Opcode.CLOSE,
    Opcode.PING,
    Opcode.PONG,
)
NO_MASK = bytes(4)
BYE = close_frame(NORMAL)[2:]


class Echo(Line):
    """Says what it is told."""

    def take(self, message: bytes, binary: bool) -> None:
        if self.clogged:
            assert self.enqueue(frame(message, binary))[0]
        else:
            self.write(frame(message, binary))

    def joined(self, messages: list[bytes]) -> bytes:
        return b"".join(messages)


class Accepting(asyncio.Protocol):
    """Makes an echo of every connection, as if its upgrade were done."""

    def __init__(self, wheel: Wheel, limits: Limits) -> None:
        self.wheel = wheel
        self.limits = limits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_protocol(Echo(transport, self.wheel, self.limits))


@dataclass
class Peer:
    """The other end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def hear(self) -> tuple[int, bytes]:
        """Read one frame: its first byte without FIN, and its payload."""
        first, size = await self.reader.readexactly(2)
        assert first & 0x80 and not size & 0x80, "a server's frames are whole and not masked"
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
        return first & 0x7F, await self.reader.readexactly(size)

    async def hear_all(self) -> list[tuple[int, bytes]]:
        """Read to the end of the connection."""
        heard = []
        async with asyncio.timeout(10):
            while not self.reader.at_eof():
                try:
                    heard.append(await self.hear())
                except asyncio.IncompleteReadError as rest:
                    assert not rest.partial
        return heard


@pytest.fixture
async def port() -> AsyncIterator[int]:
    wheel, limits = Wheel(), Limits(frame_bytes=LARGEST, queued_bytes=4 * LARGEST, queued_messages=100_000)
    server = await asyncio.get_running_loop().create_server(lambda: Accepting(wheel, limits), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def peer(port: int) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * LARGEST)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


async def answered(peer: Peer, *frames: bytes, chop: int = 0) -> list[tuple[int, bytes]]:
    """Say frames and a goodbye, and return what comes back before the answer to it, which must be clean."""
    stream = b"".join(frames) + sent(CLOSE, BYE)
    for at in range(0, len(stream), chop or len(stream)):
        peer.say(stream[at : at + (chop or len(stream))])
        if chop:
            await peer.writer.drain()
            await asyncio.sleep(0)
    heard = await peer.hear_all()
    assert heard[-1] == (CLOSE, BYE)
    return heard[:-1]


async def failed(peer: Peer, *frames: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """Say frames, and return what comes back and the code of the close frame; the connection must end by it."""
    peer.say(*frames)
    *heard, (opcode, payload) = await peer.hear_all()
    assert opcode == CLOSE
    return heard, int.from_bytes(payload[:2])


SIZES = [0, 1, 125, 126, 127, 128, 65535, 65536]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [TEXT, BINARY])
async def test_1_messages_of_every_length(peer: Peer, kind: Opcode, size: int) -> None:
    payload = b"*" * size if kind is TEXT else b"\xfe" * size
    assert await answered(peer, sent(kind, payload)) == [(kind, payload)]


@pytest.mark.parametrize("chop", [997, 1])
@pytest.mark.parametrize("kind", [TEXT, BINARY])
async def test_1_messages_in_pieces(peer: Peer, kind: Opcode, chop: int) -> None:
    payload = b"*" * (65536 if chop > 1 else 300)
    assert await answered(peer, sent(kind, payload), chop=chop) == [(kind, payload)]


PAYLOADS = [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125]


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_2_pings_are_answered_with_what_they_bring(peer: Peer, payload: bytes) -> None:
    assert await answered(peer, sent(PING, payload)) == [(PONG, payload)]


async def test_2_a_ping_that_is_too_long(peer: Peer) -> None:
    assert await failed(peer, sent(PING, b"\xfe" * 126)) == ([], PROTOCOL_ERROR)


async def test_2_pongs_that_nobody_asked_for(peer: Peer) -> None:
    assert await answered(peer, sent(PONG), sent(PONG, b"x"), sent(PING, b"y")) == [(PONG, b"y")]


@pytest.mark.parametrize("chop", [0, 1])
async def test_2_ten_pings_are_answered_in_order(peer: Peer, chop: int) -> None:
    pings = [b"payload-%d" % number for number in range(10)]
    assert await answered(peer, *(sent(PING, ping) for ping in pings), chop=chop) == [
        (PONG, p) for p in pings
    ]


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("kind", [TEXT, BINARY, PING, CLOSE])
async def test_3_reserved_bits(peer: Peer, kind: Opcode, reserved: int) -> None:
    heard, code = await failed(peer, sent(TEXT, b"*"), sent(kind, b"", reserved=reserved), sent(PING))
    assert (heard, code) == ([(TEXT, b"*")], PROTOCOL_ERROR)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"reserved opcode payload"])
async def test_4_reserved_opcodes(peer: Peer, opcode: int, payload: bytes) -> None:
    heard, code = await failed(peer, sent(TEXT, b"*"), sent(opcode, payload), sent(PING))
    assert (heard, code) == ([(TEXT, b"*")], PROTOCOL_ERROR)


def part(payload: bytes, opcode: int = CONTINUATION, fin: bool = False) -> bytes:
    return sent(opcode, payload, fin=fin, mask=NO_MASK if len(payload) > 1000 else MASK)


@pytest.mark.parametrize("opcode", [PING, PONG])
async def test_5_control_frames_are_not_fragmented(peer: Peer, opcode: Opcode) -> None:
    assert await failed(peer, part(b"a", opcode), part(b"b", fin=True)) == ([], PROTOCOL_ERROR)


@pytest.mark.parametrize("chop", [0, 1])
async def test_5_fragments_make_one_message(peer: Peer, chop: int) -> None:
    fragments = [part(b"fragment1", TEXT), part(b"fragment2", fin=True)]
    assert await answered(peer, *fragments, chop=chop) == [(TEXT, b"fragment1fragment2")]


@pytest.mark.parametrize("chop", [0, 1])
async def test_5_pings_come_between_fragments(peer: Peer, chop: int) -> None:
    frames = [
        part(b"1", TEXT),
        sent(PING, b"p"),
        part(b"2"),
        part(b"3"),
        sent(PING, b"q"),
        part(b"", fin=True),
    ]
    assert await answered(peer, *frames, chop=chop) == [(PONG, b"p"), (PONG, b"q"), (TEXT, b"123")]


@pytest.mark.parametrize("fin", [True, False])
async def test_5_a_continuation_of_nothing(peer: Peer, fin: bool) -> None:
    assert await failed(peer, part(b"x", fin=fin), sent(TEXT, b"y")) == ([], PROTOCOL_ERROR)


async def test_5_a_continuation_after_the_end(peer: Peer) -> None:
    frames = [part(b"1", TEXT), part(b"2", fin=True), part(b"3"), part(b"4", TEXT, fin=True)]
    assert await failed(peer, *frames) == ([(TEXT, b"12")], PROTOCOL_ERROR)


async def test_5_a_message_within_a_message(peer: Peer) -> None:
    assert await failed(peer, part(b"1", TEXT), part(b"2", TEXT, fin=True)) == ([], PROTOCOL_ERROR)


VALID = [
    "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\x00", "\x7f", "\x80", "߿", "ࠀ", "￿", "𐀀", "􏿿", "퟿", "", "�", "💚", "𠂊",
]  # fmt: skip


@pytest.mark.parametrize("text", VALID, ids=ascii)
async def test_6_valid_text_whole_and_cut_anywhere(peer: Peer, text: str) -> None:
    payload = text.encode()
    octets = [part(payload[at : at + 1]) for at in range(len(payload))]
    frames = [sent(TEXT, payload), part(b"", TEXT), *octets, part(b"", fin=True)]
    assert await answered(peer, *frames) == [(TEXT, payload), (TEXT, payload)]


KAPPA = "κόσμε".encode()
INVALID = [
    KAPPA + b"\xed\xa0\x80edited", b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80", bytes(range(0x80, 0xC0)),
    b"\xc0 \xc1 ", b"\xe0 \xe1 ", b"\xf0 \xf1 ", b"\xf8 \xf9 ", b"\xfc \xfd ", b"\xc0", b"\xe0\x80", b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfe", b"\xff",
    b"\xfe\xfe\xff\xff", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80", b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xed\xaf\xbf",
    b"\xed\xb0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80",
]  # fmt: skip


@pytest.mark.parametrize("payload", INVALID, ids=lambda payload: payload.hex())
@pytest.mark.parametrize("cut", [False, True])
async def test_6_invalid_text(peer: Peer, payload: bytes, cut: bool) -> None:
    octets = [part(payload[at : at + 1]) for at in range(len(payload))]
    frames = [part(b"", TEXT), *octets, part(b"", fin=True)] if cut else [sent(TEXT, payload)]
    assert await failed(peer, *frames) == ([], INVALID_TEXT)


@pytest.mark.parametrize("within_a_frame", [False, True])
async def test_6_invalid_text_is_refused_before_its_message_ends(peer: Peer, within_a_frame: bool) -> None:
    """What makes it invalid has come; the rest never does."""
    bad = KAPPA + b"\xf4\x90"
    if within_a_frame:
        assert await failed(peer, sent(TEXT, bad + b"\x80\x80edited")[: 6 + len(bad)]) == ([], INVALID_TEXT)
    else:
        assert await failed(peer, part(KAPPA, TEXT), part(b"\xf4\x90")) == ([], INVALID_TEXT)


async def test_7_nothing_is_read_after_a_close(peer: Peer) -> None:
    peer.say(sent(TEXT, b"1"), sent(CLOSE, BYE), sent(TEXT, b"2"), sent(PING), sent(CLOSE, BYE))
    assert await peer.hear_all() == [(TEXT, b"1"), (CLOSE, BYE)]


async def test_7_a_message_cut_off_by_a_close(peer: Peer) -> None:
    assert await answered(peer, part(b"1", TEXT)) == []


async def test_7_a_large_message_is_answered_before_the_close(peer: Peer) -> None:
    large = b"BAsd7&jh23" * 26_214
    assert await answered(peer, sent(TEXT, large)) == [(TEXT, large)]


async def test_7_a_close_without_a_code(peer: Peer) -> None:
    peer.say(sent(CLOSE))
    assert await peer.hear_all() == [(CLOSE, b"")]


@pytest.mark.parametrize("reason", [b"", b"Hello World!", b"*" * 123])
async def test_7_a_close_with_a_reason(peer: Peer, reason: bytes) -> None:
    peer.say(sent(CLOSE, BYE + reason))
    assert await peer.hear_all() == [(CLOSE, BYE)]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", PROTOCOL_ERROR),
        (BYE + b"*" * 124, PROTOCOL_ERROR),
        (BYE + KAPPA + b"\xed\xa0\x80", INVALID_TEXT),
    ],
    ids=["one byte", "too long", "no text"],
)
async def test_7_a_close_that_is_wrong(peer: Peer, payload: bytes, code: int) -> None:
    assert await failed(peer, sent(CLOSE, payload)) == ([], code)


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
)
async def test_7_close_codes_that_may_be_sent(peer: Peer, code: int) -> None:
    peer.say(sent(CLOSE, code.to_bytes(2)))
    assert await peer.hear_all() == [(CLOSE, code.to_bytes(2))]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
async def test_7_close_codes_that_may_not(peer: Peer, code: int) -> None:
    assert await failed(peer, sent(CLOSE, code.to_bytes(2))) == ([], PROTOCOL_ERROR)


@pytest.mark.parametrize("size", [1 << 16, 1 << 20, 1 << 22])
@pytest.mark.parametrize("kind", [TEXT, BINARY])
async def test_9_large_messages(peer: Peer, kind: Opcode, size: int) -> None:
    payload = b"*" * size
    assert await answered(peer, sent(kind, payload, mask=NO_MASK)) == [(kind, payload)]


@pytest.mark.parametrize("fragment", [64, 4096, 65536])
async def test_9_large_messages_in_fragments(peer: Peer, fragment: int) -> None:
    payload = b"*" * (1 << 18)
    parts = [part(payload[at : at + fragment]) for at in range(0, len(payload), fragment)]
    assert await answered(peer, part(b"", BINARY), *parts, part(b"", fin=True)) == [(BINARY, payload)]


@pytest.mark.parametrize("size", [0, 16, 125, 126, 1000])
async def test_9_many_messages(peer: Peer, size: int) -> None:
    assert await answered(peer, *[sent(TEXT, b"*" * size)] * 1000) == [(TEXT, b"*" * size)] * 1000


@pytest.mark.parametrize("fragmented", [False, True])
async def test_9_a_message_over_the_limit_is_refused_and_the_refusal_can_be_read(
    peer: Peer, fragmented: bool
) -> None:
    """Also by a peer that is still sending: closing right away would have the kernel reset the connection."""
    payload = b"*" * (LARGEST // 2 + 1)
    frames = (
        [part(payload, TEXT), part(payload, fin=True)]
        if fragmented
        else [sent(TEXT, payload * 2, mask=NO_MASK)]
    )
    assert await failed(peer, *frames) == ([], TOO_BIG)


async def test_10_a_message_in_segments_of_its_own_size(peer: Peer) -> None:
    payload = b"*" * 65536
    assert await answered(peer, sent(TEXT, payload), chop=1300) == [(TEXT, payload)]
