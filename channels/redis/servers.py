"""The servers that keep the channels: one Redis, or the masters of a cluster, each with its slots.

1. Whether it is a cluster is asked of the first server that answers.
2. A channel lives in one slot, whose server is looked up in a map; who is asked in vain says where the slot has gone.
3. The map is read anew when a server was lost or has refused, and every `LOOKS_S` in any case.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from channels.broker import BrokerUnavailable
from channels.redis.address import Access, Address, read_address
from channels.redis.lane import Lane, Request
from channels.redis.names import SLOTS, Names
from channels.redis.scripts import ALL
from channels.redis.wire import Refusal, Wire, Words, connect

logger = logging.getLogger(__name__)

LOOKS_S: Final = 5.0
BETWEEN_LOOKS_S: Final = 0.1
PAUSE_S: Final = 0.03
LOOK_TIMEOUT_S: Final = 1.0
MOVING: Final = {"TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY"}
"""Refusals that pass by themselves; what was refused was not done."""
UNWILLING: Final = {"OOM", "BUSY", "MISCONF", "NOREPLICAS", "NOAUTH", "NOPERM", "WRONGPASS"}


class Server:
    """One server with its two lanes, so that a long history does not stand in the way of a publication."""

    def __init__(self, make: Callable[[], Lane]) -> None:
        self.publishing = make()
        self.reading = make()
        self.lanes = (self.publishing, self.reading)


class Servers:
    """Ask the server that has a channel, and learn where channels move."""

    def __init__(self, access: Access, names: Names, *, timeout_s: float) -> None:
        self.access = access
        self.names = names
        self.clustered = False
        self.moved: Callable[[], None] = _nothing
        """Called when slots belong to other servers than before."""
        self._timeout_s = timeout_s
        self._servers: dict[Address, Server] = {}
        self._slots: list[Address | None] = []
        self._known: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._doubted = asyncio.Event()
        self._closed = False

    @property
    def publish(self) -> str:
        """The command that publishes: in a cluster to the subscribers of one slot."""
        return "SPUBLISH" if self.clustered else "PUBLISH"

    @property
    def subscribed(self) -> str:
        """The word that asks for what is subscribed."""
        return "SHARDCHANNELS" if self.clustered else "CHANNELS"

    # Asking

    async def ask(self, channel: str, words: Words, *, repeatable: bool = True, reading: bool = False) -> Any:
        """Send a command about a channel and return the answer; raises BrokerUnavailable."""
        if not self._slots:
            await self.known()
        return await self.begin(channel, words, repeatable=repeatable, reading=reading).answer

    def begin(self, channel: str, words: Words, *, repeatable: bool = True, reading: bool = False) -> Request:
        """Send a command now, and return what its answer will come to; only once the servers are `known`."""
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        made = Request(words, channel=channel, deadline=deadline, repeatable=repeatable, reading=reading)
        self._send(made)
        return made

    async def ask_all(self, words: Words) -> list[Any]:
        """Ask every server; raises BrokerUnavailable."""
        await self.known()
        lanes = [self._server(address).reading for address in self.masters()]
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        requests = [Request(words, channel="", deadline=deadline) for _ in lanes]
        for lane, request in zip(lanes, requests, strict=True):
            lane.ask(request)
        return [await request.answer for request in requests]

    def _send(self, request: Request) -> None:
        address = self.home(self.names.delivery(request.channel)) if self.clustered else self._slots[0]
        if address is None:
            self._later(request)
        else:
            server = self._server(address)
            (server.reading if request.reading else server.publishing).ask(request)

    def _refused(self, lane: Lane, request: Request, refusal: Refusal) -> None:
        match refusal.code:
            case "NOSCRIPT":
                request.spell_out(ALL)
                lane.ask(request)
            case "MOVED" if request.channel:
                self.move(refusal)
                self._send(request)
            case "ASK":
                self._ask_once(request, read_address(str(refusal).split()[2]))
            case code if code in MOVING and request.channel:
                self.doubt()
                self._later(request)
            case code if code in UNWILLING or code in MOVING:
                request.fail(BrokerUnavailable(f"Redis at {lane.address} refuses: {refusal}"))
            case _:
                request.fail(refusal)

    def _ask_once(self, request: Request, address: Address) -> None:
        """Ask the server that is just taking the slot over, which answers only who says so."""
        asking = Request(("ASKING",), channel="", deadline=request.deadline)
        asking.answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        server = self._server(address)
        (server.reading if request.reading else server.publishing).ask(asking, request)

    def _later(self, request: Request) -> None:
        loop = asyncio.get_running_loop()
        if self._closed or loop.time() + PAUSE_S > request.deadline:
            request.fail(BrokerUnavailable(f"no server has the slot of channel {request.channel!r} now"))
        elif not request.answer.done():
            loop.call_later(PAUSE_S, self._send, request)

    # Where channels live

    def home(self, delivery: bytes) -> Address | None:
        """The server that has the channel of this name now; None where nobody has."""
        if not self.clustered:
            return self._slots[0]
        return self._slots[self.names.slot(delivery)]

    def masters(self) -> list[Address]:
        """Every server that has channels."""
        return list(dict.fromkeys(address for address in self._slots if address is not None))

    def move(self, refusal: Refusal) -> None:
        """Believe a server that says `MOVED slot address`."""
        _, slot, where = str(refusal).split()[:3]
        address = read_address(where)
        if self._slots[int(slot)] != address:
            self._slots[int(slot)] = address
            self.moved()
        self.doubt()

    def doubt(self) -> None:
        """Have the map read anew soon."""
        self._doubted.set()

    async def known(self) -> None:
        """Return once it is known whether this is a cluster, and who has what; raises BrokerUnavailable."""
        if self._slots:
            return
        if self._known is None:
            self._known = asyncio.get_running_loop().create_task(self._learn())
            self._known.add_done_callback(self._learned)
        learning = self._known
        try:
            await asyncio.shield(learning)
        except asyncio.CancelledError:
            if learning.cancelled():
                raise BrokerUnavailable("the broker was closed") from None
            raise

    def _learned(self, done: asyncio.Future[None]) -> None:
        self._known = None
        if not done.cancelled():
            done.exception()

    async def _learn(self) -> None:
        why = ""
        for seed in self.access.seeds:
            try:
                told = await self._question(seed, "INFO", "cluster")
                if b"cluster_enabled:1" not in told:
                    self._slots = [seed]
                    return
                self._take_map(await self._question(seed, "CLUSTER", "SLOTS"), seed)
            except (BrokerUnavailable, Refusal) as error:
                why = str(error)
                continue
            self._looking = asyncio.get_running_loop().create_task(self._look())
            return
        seeds = ", ".join(map(str, self.access.seeds))
        raise BrokerUnavailable(f"Redis at {seeds} cannot be reached: {why}")

    async def _question(self, address: Address, *words: str) -> Any:
        deadline = asyncio.get_running_loop().time() + LOOK_TIMEOUT_S
        request = Request(words, channel="", deadline=deadline)
        self._server(address).reading.ask(request)
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                return await request.answer
        except TimeoutError as error:
            raise BrokerUnavailable(f"Redis at {address} does not answer") from error

    async def _look(self) -> None:
        """Keep the map, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOKS_S):
                    await self._doubted.wait()
            self._doubted.clear()
            await self._look_once()
            await asyncio.sleep(BETWEEN_LOOKS_S)

    async def _look_once(self) -> None:
        for address in dict.fromkeys([*self.masters(), *self._servers, *self.access.seeds]):
            try:
                self._take_map(await self._question(address, "CLUSTER", "SLOTS"), address)
            except (BrokerUnavailable, Refusal) as error:
                logger.info("%s does not tell who has which channels: %s", address, error)
            else:
                return

    def _take_map(self, ranges: list[Any], told_by: Address) -> None:
        slots: list[Address | None] = [None] * SLOTS
        for first, last, master, *_ in ranges:
            host = master[0].decode() if master[0] else told_by.host
            slots[first : last + 1] = [Address(host, master[1])] * (last + 1 - first)
        changed = slots != self._slots
        self.clustered, self._slots = True, slots
        if changed:
            self._let_go()
            self.moved()

    # Servers

    def _server(self, address: Address) -> Server:
        if (server := self._servers.get(address)) is None:
            server = self._servers[address] = Server(lambda: self._lane(address))
        return server

    def _lane(self, address: Address) -> Lane:
        return Lane(
            address, self._connect, refused=self._refused, broke=self.doubt, timeout_s=self._timeout_s
        )

    async def _connect(self, address: Address) -> Wire:
        loading: list[Words] = [("SCRIPT", "LOAD", script.body) for script in ALL]
        return await connect(address, self.access, timeout_s=self._timeout_s, greeting=loading)

    def _let_go(self) -> None:
        """Close what has no slots any more, and ask elsewhere what was not answered there."""
        gone = self._servers.keys() - set(self.masters())
        left = [request for a in gone for lane in self._servers.pop(a).lanes for request in lane.take_back()]
        for request in left:
            if request.channel:
                self._send(request)
            else:
                request.fail(BrokerUnavailable("the server belongs to the cluster no more"))

    async def close(self) -> None:
        """Let go of connections."""
        self._closed = True
        for task in (self._known, self._looking):
            if task is not None:
                task.cancel()
        for server in self._servers.values():
            for lane in server.lanes:
                await lane.close()


def _nothing() -> None:
    """Nobody cares where channels live yet."""
