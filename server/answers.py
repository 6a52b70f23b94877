"""Answer what a session asks, by the application and the broker, each in its time."""

import asyncio
import logging
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, Protocol

from msgspec.structs import replace

from channels.broker import BrokerUnavailable
from channels.effects import (
    Announce,
    Arrive,
    Ask,
    Authenticate,
    Count,
    Follow,
    Glance,
    Hear,
    Invoke,
    Leave,
    NameChannel,
    Permit,
    Present,
    Propose,
    Publish,
    Read,
    Renew,
    Show,
    Top,
)
from channels.host import Host, Identity
from channels.limits import Limits
from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import FabricError, ProtocolError
from channels.stream import Position
from server.fanout import Connection, Hub

logger = logging.getLogger(__name__)


class Asker(Connection, Protocol):
    """A connection whose session asks."""

    address: str
    """Where it comes from."""
    agent: str
    """The program it says it is."""


class Answers:
    """The world as seen by the sessions of one hub."""

    def __init__(self, hub: Hub, host: Host, limits: Limits) -> None:
        self.hub = hub
        self.host = host
        self._limits = limits

    def begin(self, asker: Asker, question: Ask[Any]) -> tuple[Any, Coroutine[Any, Any, Any] | None]:
        """Begin to answer: returns the answer and None, or anything and what is to be awaited for it.

        Whatever goes wrong is raised as what the client may be told. What can be answered at once is, with neither a
        timer nor a step of the loop: a connect asks a dozen questions, and most of them are answered from memory.
        """
        answer = WAYS[type(question)](self, asker, question)
        try:
            awaited = answer.send(None)
        except StopIteration as done:
            return done.value, None
        except Exception as error:
            raise _told(question, error) from error
        return None, self._rest(question, answer, awaited)

    async def to(self, asker: Asker, question: Ask[Any]) -> Any:
        """Answer; whatever goes wrong is raised as what the client may be told."""
        answer, rest = self.begin(asker, question)
        return answer if rest is None else await rest

    async def _rest(self, question: Ask[Any], answer: Coroutine[Any, Any, Any], awaited: Any) -> Any:
        patience_s = self._limits.call_s if isinstance(question, Invoke) else self._limits.answer_s
        try:
            async with asyncio.timeout(patience_s):
                return await _go_on(answer, awaited)
        except Exception as error:
            raise _told(question, error) from error

    async def connect(self, asker: Asker, question: Authenticate) -> Identity:
        """Learn who brings a token, and keep where they come from."""
        identity = await self.host.connect(question.token, question.data)
        return replace(identity, address=asker.address, agent=asker.agent)

    async def refresh(self, asker: Asker, question: Renew) -> Identity:
        """Learn who brings a new token, and keep where they come from."""
        identity = await self.host.refresh(question.identity, question.token)
        return replace(identity, address=asker.address, agent=asker.agent)

    async def top(self, channel: str) -> Position:
        """Learn where a channel stands."""
        return self.hub.top(channel) or (await self.hub.broker.history(channel)).top


Way = Callable[[Answers, Asker, Any], Coroutine[Any, Any, Any]]  # Any: each way knows its own question

WAYS: Final[dict[type[Ask[Any]], Way]] = {
    Authenticate: lambda world, asker, ask: world.connect(asker, ask),
    Renew: lambda world, asker, ask: world.refresh(asker, ask),
    Permit: lambda world, _, ask: world.host.may(ask.identity, ask.channel, ask.token, client=ask.client),
    Glance: lambda world, _, ask: world.host.glance(ask.identity, ask.channel),
    NameChannel: lambda world, _, ask: world.host.channel_of(ask.identity, ask.token),
    Show: lambda world, _, ask: world.host.first(ask.identity, ask.channel),
    Invoke: lambda world, _, ask: world.host.call(ask.identity, ask.method, ask.data),
    Propose: lambda world, _, ask: world.host.publish(
        ask.identity, ask.channel, ask.data, granted=ask.granted
    ),
    Hear: lambda world, _, ask: world.host.send(ask.identity, ask.data),
    Follow: lambda world, asker, ask: world.hub.follow(asker, ask.channel),
    Top: lambda world, _, ask: world.top(ask.channel),
    Read: lambda world, _, ask: world.hub.broker.history(
        ask.channel, since=ask.since, limit=ask.limit, reverse=ask.reverse
    ),
    Publish: lambda world, _, ask: world.hub.broker.publish(
        ask.channel,
        ask.publishing.data,
        history=ask.publishing.history,
        tags=ask.publishing.tags,
        info=ask.info,
    ),
    Count: lambda world, _, ask: world.hub.broker.attendance(ask.channel),
    Present: lambda world, _, ask: world.hub.broker.presence(ask.channel),
    Arrive: lambda world, _, ask: world.hub.broker.arrive(ask.channel, ask.info),
    Leave: lambda world, _, ask: world.hub.broker.leave(ask.channel, ask.client),
    Announce: lambda world, _, ask: world.hub.broker.announce(ask.channel, ask.event),
}


def _told(question: Ask[Any], error: Exception) -> FabricError:
    """Return what the client is told of a failure; what is our own affair is logged."""
    if isinstance(error, FabricError):
        return error
    if isinstance(error, BrokerUnavailable | TimeoutError):
        logger.warning("%s was not answered: %r", type(question).__name__, error)
    else:
        logger.error("%s failed", type(question).__name__, exc_info=error)
    return ProtocolError(ErrorCode.INTERNAL)


@types.coroutine
def _go_on(answer: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Await the rest of a coroutine that was begun by hand, up to what it first awaits."""
    try:
        while True:
            try:
                sent = yield awaited
            except GeneratorExit:
                raise
            except BaseException as error:
                awaited = answer.throw(error)
            else:
                awaited = answer.send(sent)
    except StopIteration as done:
        return done.value
    finally:
        answer.close()
