"""The broker of many processes: streams, presence and deliveries in Redis, each act one script."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from channels.broker import (
    IDEMPOTENCY_S,
    Attendance,
    BrokerUnavailable,
    Listener,
    Outcome,
    Outgoing,
    Patience,
    Published,
)
from channels.envelope import pack_event, pack_info, pack_publication, unpack_info, unpack_publication
from channels.protocol.messages import ClientInfo
from channels.redis_follower import RedisFollower
from channels.stream import History, HistoryPolicy, Joined, Left, Position, Version, new_epoch

LUA: Final = Path(__file__).parent / "lua"
UNAVAILABLE: Final = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    OSError,
)

Script = Callable[[Sequence[str], Sequence[bytes | str | int]], Awaitable[Any]]


class RedisBroker:
    """Share channels with every process on the same Redis and prefix.

    Commands are tried again once or twice when a connection breaks, so a publication without a key may come twice
    then; readers upsert by version, and whoever cannot brings a key.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "gatehouse",
        patience: Patience | None = None,
        connections: int = 32,
        timeout_s: float = 5.0,
    ) -> None:
        self._prefix = prefix
        self._patience = patience or Patience()
        self._timeout_s = timeout_s
        self._pool = BlockingConnectionPool.from_url(
            url,
            protocol=2,
            max_connections=connections,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 2),
        )
        self._redis: Redis = Redis(connection_pool=self._pool)
        self._follower = RedisFollower(self._pool, f"{prefix}:to:".encode(), patience_s=timeout_s * 0.8)
        self._publish = self._script("publish")
        self._history = self._script("history")
        self._arrive = self._script("gone", "arrive")
        self._leave = self._script("gone", "leave")
        self._presence = self._script("gone", "presence")
        self._attendance = self._script("gone", "attendance")

    def attach(self, listener: Listener) -> None:
        """Say who takes deliveries."""
        self._follower.attach(listener)

    async def run(self) -> None:
        """Take deliveries until cancelled."""
        await self._follower.run()

    async def close(self) -> None:
        """Let go of connections."""
        await self._redis.aclose()
        await self._pool.disconnect()

    @property
    def subscribed(self) -> int:
        """How many channels' deliveries come to this process."""
        return self._follower.subscribed

    async def follow(self, channel: str) -> None:
        """Take the channel's deliveries from now on."""
        await self._follower.follow(channel)

    def unfollow(self, channel: str) -> None:
        """Take them no longer."""
        self._follower.unfollow(channel)

    async def publish(
        self,
        channel: str,
        data: bytes,
        *,
        history: HistoryPolicy | None = None,
        key: str | None = None,
        version: Version | None = None,
        tags: dict[str, str] | None = None,
        info: ClientInfo | None = None,
    ) -> Published:
        """Number, remember and publish in one script."""
        return await self._published(
            Outgoing(
                channel=channel,
                data=data,
                history=history,
                key=key,
                version=version,
                tags=tags,
                info=info,
            )
        )

    async def publish_many(self, publications: Sequence[Outgoing]) -> list[Published]:
        """Publish all at once."""
        return list(await asyncio.gather(*(self._published(one) for one in publications)))

    async def _published(self, wanted: Outgoing) -> Published:
        channel, history, version = wanted.channel, wanted.history, wanted.version
        keys = [self._key(channel, "stream"), self._key(channel, "top")]
        if wanted.key is not None:
            keys.append(self._key(channel, f"once:{wanted.key}"))
        offset, epoch, outcome = await self._publish(
            keys,
            [
                "publish",
                self._pubsub(channel),
                pack_publication(wanted.data, wanted.tags, wanted.info),
                new_epoch(),
                history.size if history else 0,
                _ms(history.ttl_s) if history else 0,
                _ms(self._patience.top_s),
                _ms(IDEMPOTENCY_S),
                version.number if version else "",
                version.epoch if version else "",
            ],
        )
        return Published(offset, epoch.decode(), Outcome(outcome.decode()))

    async def announce(self, channel: str, event: Joined | Left) -> None:
        """Tell followers who joined or left."""
        await self._guarded(self._redis.publish(self._pubsub(channel), b"0::" + pack_event(event)))

    async def history(
        self, channel: str, *, since: Position | None = None, limit: int = 0, reverse: bool = False
    ) -> History:
        """Read the top and a part of the stream in one script."""
        first, last = _range(since, reverse)
        offset, epoch, entries = await self._history(
            [self._key(channel, "stream"), self._key(channel, "top")],
            [new_epoch(), _ms(self._patience.top_s), first, last, limit, int(reverse)],
        )
        top = Position(offset, epoch.decode())
        return History(tuple(_publication(entry, top.epoch) for entry in entries), top)

    async def remove_history(self, channel: str) -> None:
        """Forget the publications, but not the top."""
        await self._guarded(self._redis.delete(self._key(channel, "stream")))

    async def followed(self, pattern: str = "*") -> set[str]:
        """Ask Redis what any process follows."""
        escaped = pattern.replace("\\", "\\\\").replace("[", "\\[")
        names = await self._guarded(self._redis.pubsub_channels(self._pubsub(escaped)))
        return {name.decode().removeprefix(self._pubsub("")) for name in names}

    async def arrive(self, channel: str, info: ClientInfo) -> None:
        """Enter or confirm a follower's presence."""
        await self.arrive_many([(channel, info)])

    async def arrive_many(self, arrivals: Iterable[tuple[str, ClientInfo]]) -> None:
        """Enter or confirm many, those of a channel together."""
        words: dict[str, list[bytes | str | int]] = {}
        for channel, info in arrivals:
            channel_words = words.setdefault(channel, [_ms(self._patience.presence_s)])
            channel_words += (info.client, info.user, pack_info(info))
        await asyncio.gather(*(self._arrive(self._presence_keys(c), those) for c, those in words.items()))

    async def leave(self, channel: str, client: str) -> None:
        """End a follower's presence."""
        await self._leave(self._presence_keys(channel), [client])

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """Return who is present."""
        flat = await self._presence(self._presence_keys(channel), [])
        return {
            client.decode(): unpack_info(info) for client, info in zip(flat[::2], flat[1::2], strict=True)
        }

    async def attendance(self, channel: str) -> Attendance:
        """Return how many are present."""
        return Attendance(*await self._attendance(self._presence_keys(channel), []))

    def _script(self, *parts: str) -> Script:
        script = self._redis.register_script("".join((LUA / f"{part}.lua").read_text() for part in parts))

        async def run(keys: Sequence[str], args: Sequence[bytes | str | int]) -> Any:
            return await self._guarded(script(list(keys), list(args)))

        return run

    async def _guarded(self, command: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await command
        except UNAVAILABLE as error:
            raise BrokerUnavailable(f"Redis does not answer: {error}") from error

    def _key(self, channel: str, kind: str) -> str:
        # The braces keep all keys of a channel in one slot of a cluster.
        return f"{self._prefix}:{{{channel}}}:{kind}"

    def _presence_keys(self, channel: str) -> list[str]:
        return [self._key(channel, "expiries"), self._key(channel, "infos"), self._key(channel, "users")]

    def _pubsub(self, channel: str) -> str:
        return f"{self._prefix}:to:{channel}"


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _range(since: Position | None, reverse: bool) -> tuple[str, str]:
    if since is None:
        return "-", "+"
    return ("-", f"({since.offset}-0") if reverse else (f"({since.offset}-0", "+")


def _publication(entry: Sequence[Any], epoch: str) -> Any:
    number, fields = entry
    return unpack_publication(fields[1], int(number.split(b"-")[0]), epoch)
