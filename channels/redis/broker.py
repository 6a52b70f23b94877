"""What a broker does, said to Redis: each act one script, or one command, on the server that has the channel."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from channels.broker import IDEMPOTENCY_S, Attendance, Listener, Outcome, Outgoing, Patience, Published
from channels.protocol.messages import ClientInfo
from channels.redis.address import read_url
from channels.redis.envelope import pack_event, pack_info, pack_publication, unpack_info, unpack_publication
from channels.redis.follower import RedisFollower
from channels.redis.lane import Request
from channels.redis.names import Names
from channels.redis.scripts import ARRIVE, ATTENDANCE, HISTORY, LEAVE, PRESENCE, PUBLISH, Script
from channels.redis.servers import Servers
from channels.redis.wire import Words
from channels.stream import History, HistoryPolicy, Joined, Left, Position, Version, new_epoch

ARRIVALS_PER_SCRIPT = 200
REQUESTS_AT_ONCE = 500
IDEMPOTENCY_MS = round(IDEMPOTENCY_S * 1000)
OUTCOMES = {outcome.value.encode(): outcome for outcome in Outcome}


class RedisBroker:
    """Share channels with every process on the same Redis and prefix.

    What is asked in one tick of the event loop goes to Redis in one write, and publications keep the order they were
    asked in. When a connection breaks, a publication under way is sent again only where its key keeps it from coming
    twice; any other fails, since nobody can know whether it came.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "gatehouse",
        patience: Patience | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._patience = patience or Patience()
        self._top_ms = _ms(self._patience.top_s)
        self._words = _unique_words()
        """One for each publication, and for what may begin a stream; to draw each by lot would cost too much."""
        self.names = Names(prefix)
        self._servers = Servers(read_url(url), self.names, timeout_s=timeout_s)
        self._follower = RedisFollower(self._servers, patience_s=timeout_s * 0.8)

    def attach(self, listener: Listener) -> None:
        """Say who takes deliveries."""
        self._follower.attach(listener)

    async def run(self) -> None:
        """Take deliveries until cancelled."""
        await self._follower.run()

    async def close(self) -> None:
        """Let go of connections."""
        await self._servers.close()

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
        wanted = Outgoing(
            channel=channel, data=data, history=history, key=key, version=version, tags=tags, info=info
        )
        await self._servers.known()
        return _published(await self._begin(wanted).answer)

    async def publish_many(self, publications: Sequence[Outgoing]) -> list[Published]:
        """Publish all at once."""
        await self._servers.known()
        answers = await _answers([self._begin(wanted) for wanted in publications])
        return [_published(answer) for answer in answers]

    def _begin(self, wanted: Outgoing) -> Request:
        body = pack_publication(wanted.data, wanted.tags, wanted.info, time.time())
        repeatable = wanted.key is not None
        if wanted.history is None and wanted.version is None and not repeatable:
            words: Words = (self._servers.publish, self.names.delivery(wanted.channel), b"0::" + body)
        else:
            words = self._publication(wanted, body)
        return self._servers.begin(wanted.channel, words, repeatable=repeatable)

    def _publication(self, wanted: Outgoing, body: bytes) -> Words:
        channel, history, version = wanted.channel, wanted.history, wanted.version
        keys = [self.names.key(channel, "past"), self.names.key(channel, "top")]
        if wanted.key is not None:
            keys.append(self.names.key(channel, f"once:{wanted.key}"))
        return _script(
            PUBLISH,
            keys,
            self._servers.publish,
            self.names.delivery(channel),
            body,
            next(self._words),
            history.size if history else 0,
            _ms(history.ttl_s) if history else 0,
            self._top_ms,
            IDEMPOTENCY_MS,
            version.number if version else "",
            version.epoch if version else "",
        )

    async def announce(self, channel: str, event: Joined | Left) -> None:
        """Tell followers who joined or left."""
        await self._servers.known()
        words = (self._servers.publish, self.names.delivery(channel), b"0::" + pack_event(event))
        await self._servers.ask(channel, words, repeatable=False)

    async def followed(self, pattern: str = "*") -> set[str]:
        """Ask every server what any process follows."""
        escaped = pattern.replace("\\", "\\\\").replace("[", "\\[")
        await self._servers.known()
        answers = await self._servers.ask_all(
            ("PUBSUB", self._servers.subscribed, self.names.delivery(escaped))
        )
        return {self.names.channel(name) for names in answers for name in names}

    async def history(
        self, channel: str, *, since: Position | None = None, limit: int = 0, reverse: bool = False
    ) -> History:
        """Read the top and a part of the past in one script."""
        keys = [self.names.key(channel, "past"), self.names.key(channel, "top")]
        since_offset = "" if since is None else since.offset
        words = (next(self._words), self._top_ms, since_offset, limit, int(reverse))
        offset, epoch, first, bodies = await self._read(channel, _script(HISTORY, keys, *words))
        top = Position(offset, epoch.decode())
        found = [unpack_publication(body, first + place, top.epoch) for place, body in enumerate(bodies)]
        if reverse:
            found.reverse()
        return History(tuple(found), top)

    async def remove_history(self, channel: str) -> None:
        """Forget the publications, but not the top."""
        await self._servers.ask(channel, ("DEL", self.names.key(channel, "past")))

    async def arrive(self, channel: str, info: ClientInfo) -> None:
        """Enter or confirm a follower's presence."""
        await self._read(channel, self._arrival(channel, [info]))

    async def arrive_many(self, arrivals: Iterable[tuple[str, ClientInfo]]) -> None:
        """Enter or confirm many, those of a channel together."""
        infos: dict[str, list[ClientInfo]] = {}
        for channel, info in arrivals:
            infos.setdefault(channel, []).append(info)
        parts = [
            (channel, those[start : start + ARRIVALS_PER_SCRIPT])
            for channel, those in infos.items()
            for start in range(0, len(those), ARRIVALS_PER_SCRIPT)
        ]
        await self._servers.known()
        for start in range(0, len(parts), REQUESTS_AT_ONCE):
            await _answers(
                [
                    self._servers.begin(channel, self._arrival(channel, those), reading=True)
                    for channel, those in parts[start : start + REQUESTS_AT_ONCE]
                ]
            )

    def _arrival(self, channel: str, infos: Sequence[ClientInfo]) -> Words:
        words: list[str | bytes | int] = []
        for info in infos:
            words += (info.client, info.user, pack_info(info))
        return _script(ARRIVE, self._presence_keys(channel), _ms(self._patience.presence_s), *words)

    async def leave(self, channel: str, client: str) -> None:
        """End a follower's presence."""
        await self._read(channel, _script(LEAVE, self._presence_keys(channel), client))

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """Return who is present."""
        flat = await self._read(channel, _script(PRESENCE, self._presence_keys(channel)))
        return {
            client.decode(): unpack_info(info) for client, info in zip(flat[::2], flat[1::2], strict=True)
        }

    async def attendance(self, channel: str) -> Attendance:
        """Return how many are present."""
        return Attendance(*await self._read(channel, _script(ATTENDANCE, self._presence_keys(channel))))

    async def _read(self, channel: str, words: Words) -> Any:
        return await self._servers.ask(channel, words, reading=True)

    def _presence_keys(self, channel: str) -> list[str]:
        return [self.names.key(channel, kind) for kind in ("expiries", "infos", "users")]


def _script(script: Script, keys: Sequence[str], *words: str | bytes | int) -> Words:
    return ("EVALSHA", script.sha, len(keys), *keys, *words)


async def _answers(requests: Sequence[Request]) -> list[Any]:
    """Wait for all, and raise what the first that failed raises."""
    answers = await asyncio.gather(*(request.answer for request in requests), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


def _published(answer: Any) -> Published:
    if isinstance(answer, int):
        return Published(0, "")
    offset, epoch, outcome = answer
    return Published(offset, epoch.decode(), OUTCOMES[outcome])


def _unique_words() -> Iterator[str]:
    """Words that nobody else has: a word of this process and a number."""
    word = new_epoch()
    return (f"{word}{number:x}" for number in count())


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
