"""Sending through io_uring: everything or a told rest, whatever becomes of the sockets."""

import os
import socket
from collections.abc import Iterator

import pytest

from server.uring import ENTRIES, Ring, open_ring

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def ring() -> Iterator[Ring]:
    opened = open_ring()
    if opened is None:
        pytest.skip("this kernel, or the container's rules, has no io_uring for us")
    yield opened
    opened.close()


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    made = [socket.socketpair() for _ in range(100)]
    for near, far in made:
        near.setblocking(False)
        far.setblocking(False)
    yield made
    for near, far in made:
        near.close()
        far.close()


def test_all_get_the_same(ring: Ring, pairs: list[Pair]) -> None:
    assert ring.send([near.fileno() for near, _ in pairs], b"a frame") == {}
    assert [far.recv(100) for _, far in pairs] == [b"a frame"] * len(pairs)


def test_it_goes_round(ring: Ring, pairs: list[Pair]) -> None:
    sockets = [near.fileno() for near, _ in pairs]
    for number in range(3 * ENTRIES // len(pairs)):
        frame = b"frame %d" % number
        assert ring.send(sockets, frame) == {}
        assert {far.recv(100) for _, far in pairs} == {frame}


def test_as_many_as_it_holds(ring: Ring, pairs: list[Pair]) -> None:
    sockets = ([near.fileno() for near, _ in pairs] * (ENTRIES // len(pairs) + 1))[:ENTRIES]
    for _ in range(3):
        assert ring.send(sockets, b"x") == {}
    assert sum(len(far.recv(ENTRIES)) for _, far in pairs) == 3 * ENTRIES


def test_who_is_full_or_gone_is_told_and_others_are_sent(ring: Ring, pairs: list[Pair]) -> None:
    fill(pairs[3][0])
    pairs[7][1].close()
    sockets = [near.fileno() for near, _ in pairs]
    sockets[11] = -1
    assert ring.send(sockets, b"a frame") == {3: 0, 7: 0, 11: 0}
    assert ring.send(sockets, b"a frame") == {3: 0, 7: 0, 11: 0}
    served = [far for place, (_, far) in enumerate(pairs) if place not in (3, 7, 11)]
    assert {far.recv(100) for far in served} == {b"a frame" * 2}


@pytest.mark.parametrize("count", [1, 50])
def test_a_short_send_tells_how_much_was_sent(ring: Ring, pairs: list[Pair], count: int) -> None:
    frame = os.urandom(4_000_000)
    failed = ring.send([near.fileno() for near, _ in pairs[:count]], frame)
    assert sorted(failed) == list(range(count))
    for place, (near, far) in enumerate(pairs[:count]):
        sent = failed[place]
        assert 0 < sent < len(frame)
        assert everything_in(far) == frame[:sent]
        near.send(frame[sent : sent + 10])
        assert far.recv(100) == frame[sent : sent + 10]


def test_a_closed_ring_is_not_usable(ring: Ring, pairs: list[Pair]) -> None:
    ring.close()
    assert not ring.usable
    assert ring.send([pairs[0][0].fileno()], b"x") == {0: 0}


def fill(sender: socket.socket) -> None:
    """Send until the kernel takes not even a byte."""
    for size in (65536, 1):
        try:
            while True:
                sender.send(bytes(size))
        except BlockingIOError:
            continue


def everything_in(receiver: socket.socket) -> bytes:
    parts = []
    try:
        while part := receiver.recv(1 << 20):
            parts.append(part)
    except BlockingIOError:
        pass
    return b"".join(parts)
