"""A cable hands everything on, until it is cut or goes dead."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest

from simulators import cable as cables
from simulators.cable import Cable
from tests.eventually import eventually
from tests.private_broker import free_port

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def echo() -> AsyncIterator[tuple[Cable, list[asyncio.StreamWriter]]]:
    """A cable to somebody who says everything back, and whom they spoke to."""
    met = list[asyncio.StreamWriter]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer)
        with suppress(OSError):
            while said := await reader.read(100):
                writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Cable(f"mqtt://127.0.0.1:{port}").laid() as cable:
        yield cable, met


@asynccontextmanager
async def through(cable: Cable) -> AsyncIterator[Ends]:
    """The two ends of a connection through the cable."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(cable.url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def said_back(ends: Ends, word: bytes) -> bytes:
    ends[1].write(word)
    return await asyncio.wait_for(ends[0].readexactly(len(word)), 5)


async def test_it_hands_bytes_on_both_ways_and_tells_of_a_goodbye():
    async with echo() as (cable, met), through(cable) as ends:
        assert await said_back(ends, b"hello") == b"hello"

        ends[1].close()

        await eventually(met[0].is_closing)


async def test_cut_it_ends_everything_and_lets_nobody_through_until_it_is_mended():
    async with echo() as (cable, _), through(cable) as ends:
        await said_back(ends, b"hello")

        cable.cut()
        assert await ended(ends)
        async with through(cable) as others:
            assert await ended(others)
        cable.mend()

        async with through(cable) as again:
            assert await said_back(again, b"again") == b"again"


async def test_dead_it_carries_nothing_tells_nobody_and_lets_new_ones_through():
    async with echo() as (cable, met), through(cable) as ends:
        await said_back(ends, b"hello")

        cable.deaden()
        ends[1].write(b"is anybody there?")
        async with through(cable) as others:
            assert await said_back(others, b"me") == b"me"
        ends[1].close()
        await eventually(met[1].is_closing)

        assert not met[0].is_closing()


async def test_without_a_broker_the_connection_ends_at_once():
    async with Cable(f"mqtt://127.0.0.1:{free_port()}").laid() as cable, through(cable) as ends:
        assert await ended(ends)


@contextmanager
def busy() -> Iterator[tuple[socket.socket, Cable]]:
    """Somebody whose queue is full, so that whoever connects waits, and a cable to them."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        yield listener, Cable(f"mqtt://127.0.0.1:{listener.getsockname()[1]}")


async def test_cut_while_it_reaches_for_the_broker_it_never_gets_there():
    with busy() as (listener, laid):
        async with laid.laid() as cable, through(cable) as ends:
            await eventually(lambda: len(cable._served) == 1)

            cable.cut()
            cable.mend()
            assert await ended(ends)
            listener.accept()[0].close()
            listener.settimeout(5)
            late, _ = await asyncio.to_thread(listener.accept)

            with late:
                late.settimeout(5)
                with suppress(ConnectionResetError):
                    assert await asyncio.to_thread(late.recv, 1) == b""
            await eventually(lambda: not cable._served)


async def test_a_broker_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cables, "CONNECT_DEADLINE_S", 0.1)
    with busy() as (_, laid):
        async with laid.laid() as cable, through(cable) as ends:
            assert await ended(ends)
            await eventually(lambda: not cable._served)


async def ended(ends: Ends) -> bool:
    """Whether the other end has gone, with a word or without."""
    try:
        return await asyncio.wait_for(ends[0].read(), 5) == b""
    except ConnectionResetError:
        return True
