"""Frames: what is whole comes out whole, however it is cut; what breaks the rules is found at its first bad byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.websocket.frames import (
    INVALID_TEXT,
    NO_CODE,
    PROTOCOL_ERROR,
    TOO_BIG,
    Opcode,
    Parser,
    Received,
    Violation,
    close_code,
    close_frame,
    control_frame,
    frame,
    small_message,
)

MASK = b"\x0a\xf0\x55\x81"
LIMIT = 65536


def sent(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, mask: bytes = MASK
) -> bytes:
    """Make a client's frame."""
    size = len(payload)
    length = bytes([128 | size]) if size < 126 else b"\xfe" + size.to_bytes(2) if size < 65536 else b""
    head = bytes([fin << 7 | reserved << 4 | opcode]) + (length or b"\xff" + size.to_bytes(8))
    masked = payload if mask == bytes(4) else bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return head + mask + masked


def taken(*pieces: bytes, limit: int = LIMIT) -> list[Received]:
    parser = Parser(limit)
    messages: list[Received] = []
    for piece in pieces:
        parser.feed(piece)
        messages += parser.messages()
    return messages


def refused(*pieces: bytes, limit: int = LIMIT) -> int:
    with pytest.raises(Violation) as violation:
        taken(*pieces, limit=limit)
    return violation.value.code


texts = st.text(max_size=200).map(str.encode)
contents = st.one_of(
    st.tuples(st.just(Opcode.TEXT), texts),
    st.tuples(st.just(Opcode.BINARY), st.binary(max_size=70_000)),
    st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
)


@given(st.data(), st.lists(contents, max_size=6), st.integers(1, 50_000), st.binary(min_size=4, max_size=4))
def test_messages_come_out_as_they_were_sent_however_they_are_cut(
    data: st.DataObject, messages: list[Received], piece: int, mask: bytes
) -> None:
    stream = b""
    for kind, payload in messages:
        opcode = kind
        if opcode & 8:
            stream += sent(opcode, payload, mask=mask)
            continue
        cuts = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=3)))
        for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True):
            stream += sent(opcode, payload[start:end], fin=False, mask=mask)
            opcode = Opcode.CONTINUATION
        stream += sent(Opcode.CONTINUATION, fin=True, mask=mask)
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    assert taken(*pieces, limit=1 << 20) == messages


@given(st.binary(max_size=300), st.integers(1, 7))
def test_junk_is_refused_or_waited_for_and_nothing_else(junk: bytes, piece: int) -> None:
    parser = Parser(LIMIT)
    try:
        for at in range(0, len(junk), piece):
            parser.feed(junk[at : at + piece])
            for opcode, payload in parser.messages():
                assert opcode in Opcode and len(payload) <= len(junk)
    except Violation as violation:
        assert violation.code in (PROTOCOL_ERROR, INVALID_TEXT, TOO_BIG)


@given(st.binary(max_size=300))
def test_the_short_way_takes_only_what_the_parser_takes_alike(data: bytes) -> None:
    for candidate in (data, sent(1, data)):
        payload = small_message(candidate, LIMIT)
        if payload is not None:
            assert taken(candidate) == [(Opcode.TEXT, payload)]


def test_a_small_text_goes_the_short_way() -> None:
    assert small_message(sent(1, "{} é".encode()), LIMIT) == "{} é".encode()
    assert small_message(sent(1, b""), LIMIT) == b""
    others = [
        b"", b"\x81", sent(1, b"x")[:-1], sent(1, b"x") + b"\x81", sent(1, b"x" * 126), sent(2, b"x"), sent(9, b"x"),
        sent(1, b"x", fin=False), sent(1, b"x", reserved=4), sent(1, b"\xff"),
    ]  # fmt: skip
    assert [small_message(other, LIMIT) for other in others] == [None] * len(others)
    assert small_message(sent(1, b"xx"), 1) is None


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536, 70000])
@pytest.mark.parametrize("binary", [False, True])
def test_what_the_server_sends_has_the_shortest_length_that_fits(size: int, binary: bool) -> None:
    made = frame(b"x" * size, binary)
    head = made[: len(made) - size]
    assert head[0] == (0x82 if binary else 0x81)
    assert len(head) == (2 if size < 126 else 4 if size < 65536 else 10)
    assert int.from_bytes(head[1:2] if size < 126 else head[2:]) == size


@pytest.mark.parametrize(
    "data",
    [
        sent(1, b"x", reserved=1), sent(1, b"x", reserved=4), *(sent(opcode) for opcode in (3, 4, 5, 6, 7, 11, 15)),
        frame(b"x", False), frame(b"x" * 70000, True), sent(9, b"x" * 126), sent(9, fin=False), sent(8, fin=False),
        sent(0, b"x"), sent(0, b"x", fin=False), sent(1, b"x", fin=False) + sent(1, b"x"),
        sent(2, b"x", fin=False) + sent(9) + sent(2, b"x"),
    ],
)  # fmt: skip
def test_what_breaks_the_rules_is_refused(data: bytes) -> None:
    assert refused(data) == PROTOCOL_ERROR
    assert refused(*(data[at : at + 1] for at in range(len(data)))) == PROTOCOL_ERROR


def test_what_came_before_is_given_before_the_refusal() -> None:
    parser, given_out = Parser(LIMIT), []
    parser.feed(sent(1, b"first") + sent(9, b"second") + sent(3))
    with pytest.raises(Violation):
        for message in parser.messages():
            given_out.append(message)
    assert given_out == [(Opcode.TEXT, b"first"), (Opcode.PING, b"second")]


def test_control_frames_come_between_fragments() -> None:
    stream = sent(1, b"a", fin=False) + sent(9, b"p") + sent(0, b"b", fin=False) + sent(10) + sent(0, b"c")
    assert taken(stream) == [(Opcode.PING, b"p"), (Opcode.PONG, b""), (Opcode.TEXT, b"abc")]


def test_a_message_is_refused_by_its_header_when_it_is_too_big() -> None:
    assert taken(sent(2, b"x" * 100), limit=100)
    assert refused(sent(2, b"x" * 101)[:6], limit=100) == TOO_BIG
    assert refused(b"\x82\xff" + (2**40).to_bytes(8)) == TOO_BIG, "the mask need not have come"
    assert refused(b"\x81\xff" + b"\xff" * 8) == TOO_BIG
    assert refused(sent(1, b"x" * 60, fin=False) + sent(0, b"x" * 41)[:6], limit=100) == TOO_BIG
    assert taken(sent(1, b"x" * 100, fin=False) + sent(9, b"x" * 50), limit=100) == [(Opcode.PING, b"x" * 50)]


KAPPA = "κόσμε".encode()


def test_bad_text_is_found_at_its_first_bad_byte() -> None:
    bad = KAPPA + b"\xf4\x90\x80\x80"
    assert refused(sent(1, bad)) == INVALID_TEXT
    head, byte_by_byte = sent(1, bad + b"edited" * 5, fin=False), Parser(LIMIT)
    for at in range(6 + len(KAPPA) + 1):
        byte_by_byte.feed(head[at : at + 1])
        assert list(byte_by_byte.messages()) == []
    byte_by_byte.feed(head[6 + len(KAPPA) + 1 : 6 + len(KAPPA) + 2])
    with pytest.raises(Violation) as violation:
        list(byte_by_byte.messages())
    assert violation.value.code == INVALID_TEXT


def test_a_character_may_be_cut_between_fragments_but_not_left_open() -> None:
    assert taken(sent(1, KAPPA[:1], fin=False), sent(0, KAPPA[1:])) == [(Opcode.TEXT, KAPPA)]
    assert refused(sent(1, KAPPA[:1])) == INVALID_TEXT
    assert refused(sent(1, KAPPA, fin=False), sent(0, KAPPA[:1])) == INVALID_TEXT
    assert taken(sent(2, b"\xff", fin=False), sent(0, b"\xfe")) == [(Opcode.BINARY, b"\xff\xfe")]


def test_a_parser_is_idle_between_messages_only() -> None:
    whole, parser = sent(1, b"abc", fin=False) + sent(0, b"d"), Parser(LIMIT)
    for byte in whole[:-1]:
        parser.feed(bytes([byte]))
        assert not list(parser.messages())
        assert not parser.idle
    parser.feed(whole[-1:])
    assert list(parser.messages()) == [(Opcode.TEXT, b"abcd")]
    assert parser.idle


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_close_codes_that_peers_may_send(code: int) -> None:
    assert close_code(close_frame(code, "why")[2:]) == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_close_codes_that_nobody_may_send(code: int) -> None:
    with pytest.raises(Violation) as violation:
        close_code(code.to_bytes(2))
    assert violation.value.code == PROTOCOL_ERROR


def test_close_payloads() -> None:
    assert close_code(b"") == NO_CODE
    for payload, code in ((b"\x03", PROTOCOL_ERROR), (b"\x03\xe8\xff", INVALID_TEXT)):
        with pytest.raises(Violation) as violation:
            close_code(payload)
        assert violation.value.code == code


def test_a_close_reason_is_cut_between_characters() -> None:
    assert close_frame(NO_CODE) == b"\x88\x00"
    assert close_frame(3000, "é" * 100) == b"\x88\x7c" + (3000).to_bytes(2) + "é".encode() * 61
    assert control_frame(Opcode.PONG, b"x") == b"\x8a\x01x"
