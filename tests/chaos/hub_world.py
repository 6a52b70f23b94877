"""Hubs in processes of their own over one Redis, people who follow channels through a balancer, and publishers."""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2

from channels.broker import BrokerUnavailable
from channels.redis import RedisBroker
from channels.stream import HistoryPolicy, Publication
from gatehouse.embedded.address import free_port
from gatehouse.embedded.child import Child, Command, last_words
from tests.chaos.balancer import balancing
from tests.chaos.hub import PROFILE
from tests.eventually import eventually
from tests.ledger import Ledger, keeping_ledger
from tests.redis_server import RedisServer
from tests.sdk_profile.profiles import API_KEY

CHANNELS: Final = ("lobby", "kitchen", "garden")
EVERY_S: Final = 0.02
HISTORY: Final = HistoryPolicy(PROFILE["default"]["history_size"], PROFILE["default"]["history_ttl_s"])  # type: ignore[index]


@dataclass
class Hub:
    """One hub, which may be killed, stopped and started anew."""

    port: int
    arguments: Sequence[str]
    log: Path
    child: Child | None = None

    async def start(self) -> None:
        program = (sys.executable, "-m", "tests.chaos.hub", "--port", str(self.port), *self.arguments)
        self.child = await Child.start(Command(argv=program, log=self.log))
        await eventually(self._listens, timeout_s=20)

    async def _listens(self) -> bool:
        assert self.child is not None and self.child.running, last_words(self.log, 30)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def kill(self) -> None:
        assert self.child is not None
        self.child.kill()
        await self.child.wait()

    def signal(self, number: int) -> None:
        assert self.child is not None
        os.kill(self.child.pid, number)


@dataclass
class HubWorld:
    """Everything a test of hubs holds."""

    redis: RedisServer
    broker: RedisBroker
    hubs: list[Hub]
    ledgers: dict[str, list[Ledger]] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)
    published: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHANNELS, 0))
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    # People

    async def publish(self, hub: Hub, name: str) -> None:
        """Publish through one hub, or another where it fails, each number until somebody has confirmed it."""
        headers = {"X-API-Key": API_KEY}
        async with httpx2.AsyncClient(trust_env=False, headers=headers, timeout=2) as http:
            number = 0
            while not self.silent.is_set():
                channel, number = CHANNELS[number % len(CHANNELS)], number + 1
                word = f"{name}-{number}"
                body = {"channel": channel, "data": word, "idempotency_key": word}
                while not await self._is_published(http, hub, body):
                    hub = random.choice(self.hubs)
                await asyncio.sleep(EVERY_S)

    async def _is_published(self, http: httpx2.AsyncClient, hub: Hub, body: dict[str, Any]) -> bool:
        try:
            answer = await http.post(f"http://127.0.0.1:{hub.port}/api/publish", json=body)
            offset = answer.json()["result"]["offset"]
        except (httpx2.HTTPError, KeyError, json.JSONDecodeError):
            return False
        self._confirm(body["channel"], body["data"], offset)
        return True

    def _confirm(self, channel: str, word: str, offset: int) -> None:
        self.said[word] += 1
        self.published[channel] = max(self.published[channel], offset)

    async def goes_on(self, by: int = 30) -> None:
        """Wait until so many more publications are confirmed."""
        before = self.said.total()
        await eventually(lambda: self.said.total() >= before + by, timeout_s=20)

    # Troubles

    async def cut_deliveries(self) -> None:
        """Have Redis end every hub's connection of deliveries."""
        await asyncio.to_thread(self.redis.command, "client", "kill", "type", "pubsub")

    async def cut_commands(self) -> None:
        """Have Redis end every hub's connections of commands."""
        await asyncio.to_thread(self.redis.command, "client", "kill", "type", "normal")

    async def freeze(self, *hubs: Hub, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Stop hubs, and while they do not notice anything cut their deliveries and let something happen."""
        for hub in hubs:
            hub.signal(signal.SIGSTOP)
        try:
            await self.cut_deliveries()
            await meanwhile()
        finally:
            for hub in hubs:
                hub.signal(signal.SIGCONT)

    async def say_last(self) -> None:
        """Publish once more on every channel, past all hubs."""
        number = self.said.total()
        for channel in CHANNELS:
            await eventually(partial(self._is_said, channel, f"last-{number}-{channel}"))

    async def _is_said(self, channel: str, word: str) -> bool:
        try:
            data = json.dumps(word).encode()
            done = await self.broker.publish(channel, data, history=HISTORY, key=word)
        except BrokerUnavailable:
            return False
        self._confirm(channel, word, done.offset)
        return True

    async def say_again(self, number: int) -> None:
        """Publish the same with another key each time, as a publisher without one would who is not sure."""
        data = json.dumps("again").encode()
        await self.broker.publish(CHANNELS[0], data, history=HISTORY, key=f"again-{number}")

    # The end

    async def caught_up(self, timeout_s: float = 20) -> None:
        """Wait until everybody has the newest publication of their channel, or raise what differs."""

        async def nothing_differs() -> None:
            found = await self.differences()
            assert not found, "\n".join(found[:20])

        await eventually(nothing_differs, timeout_s=timeout_s)

    async def differences(self) -> list[str]:
        """Compare what everybody has heard with what is in Redis, and that with what was confirmed."""
        found = []
        for channel in CHANNELS:
            truth = await self._truth(channel)
            words = Counter(json.loads(p.data) for p in truth)
            found += [f"twice: {word} in {channel}" for word, times in words.items() if times > 1]
            confirmed = {word for word in self.said if word in words}
            found += [f"numbers: {channel}"] * ([p.offset for p in truth] != list(range(1, len(truth) + 1)))
            found += [f"lost: {len(words) - len(confirmed)} unconfirmed in {channel}"] * (
                len(words) > len(confirmed) and self.silent.is_set()
            )
            expected = {p.offset: json.loads(p.data) for p in truth}
            for place, ledger in enumerate(self.ledgers.get(channel, ())):
                found += [f"fault: {channel} {place}: {fault}" for fault in ledger.faults]
                found += [f"behind: {channel} {place}: {d}" for d in _differs(ledger, expected)]
        missing = self.said.keys() - {w for c in CHANNELS for w in await self._words(c)}
        return found + [f"lost: {word} was confirmed" for word in sorted(missing)]

    async def _truth(self, channel: str) -> Sequence[Publication]:
        return (await self.broker.history(channel, limit=HISTORY.size)).publications

    async def _words(self, channel: str) -> list[str]:
        return [json.loads(publication.data) for publication in await self._truth(channel)]


def _differs(ledger: Ledger, expected: dict[int, Any]) -> list[str]:
    first = next(iter(ledger.begins.values())) + 1
    owed = {offset: word for offset, word in expected.items() if offset >= first}
    if ledger.complete and ledger.heard == owed and len(ledger.lives) == 1:
        return []
    missing = sorted(owed.keys() - ledger.heard.keys())
    return [f"misses {missing[:3]}..{missing[-3:]}, of {len(owed)}, connected for {ledger.connections}"]


@asynccontextmanager
async def hub_world(
    folder: Path, *, people: int, hubs: int = 2, arguments: Sequence[str] = ()
) -> AsyncIterator[HubWorld]:
    """Start everything; people follow the channels in turn, and a publisher speaks through each hub."""
    async with AsyncExitStack() as stack:
        redis = RedisServer()
        stack.callback(redis.remove)
        await asyncio.to_thread(redis.start)
        # A hub that stands still is cut off by Redis, as one does in production that reads too slowly.
        redis.command("config", "set", "client-output-buffer-limit", "pubsub 1mb 256kb 2")
        broker = RedisBroker(redis.url)
        stack.push_async_callback(broker.close)
        made = HubWorld(redis, broker, [])
        (folder / "log").mkdir(parents=True, exist_ok=True)
        for number in range(hubs):
            made.hubs.append(
                Hub(free_port(), ("--redis", redis.url, *arguments), folder / "log" / f"hub-{number}")
            )
            stack.push_async_callback(_stop, made.hubs[-1])
        await asyncio.gather(*(hub.start() for hub in made.hubs))
        ports = [hub.port for hub in made.hubs]
        balancer = await stack.enter_async_context(balancing(ports))
        url = f"ws://127.0.0.1:{balancer.port}/connection/websocket"
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        over = asyncio.Event()
        for number in range(people):
            tasks.create_task(_follow(made, url, number, over))
        await eventually(lambda: sum(map(len, made.ledgers.values())) == people, timeout_s=20)
        for number, hub in enumerate(made.hubs):
            tasks.create_task(made.publish(hub, f"publisher{number}"))
        try:
            yield made
        except BaseException:
            for hub in made.hubs:
                print(last_words(hub.log, 20))
            raise
        finally:
            made.silent.set()
            over.set()


async def _follow(world: HubWorld, url: str, number: int, over: asyncio.Event) -> None:
    channel = CHANNELS[number % len(CHANNELS)]
    async with keeping_ledger(url, channel, use_protobuf=number % 2 == 1) as ledger:
        world.ledgers.setdefault(channel, []).append(ledger)
        await over.wait()


async def _stop(hub: Hub) -> None:
    if hub.child is not None and hub.child.running:
        hub.signal(signal.SIGCONT)
        hub.child.kill()
        await hub.child.wait()
