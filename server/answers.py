"""Answer what a session asks, by the application and the broker, each in its time."""

import asyncio
import logging
import types
from collections.abc import Coroutine, Generator
from typing import Any, Protocol

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
        self._hub = hub
        self._host = host
        self._limits = limits

    async def to(self, connection: Asker, question: Ask[Any]) -> Any:
        """Answer; whatever goes wrong is raised as what the client may be told.

        What can be answered at once is, without a timer: one for each question would be a tenth of a connect's cost.
        """
        answer = self._answer(connection, question)
        try:
            awaited = answer.send(None)
        except StopIteration as done:
            return done.value
        except Exception as error:
            raise _told(question, error) from error
        patience_s = self._limits.call_s if isinstance(question, Invoke) else self._limits.answer_s
        try:
            async with asyncio.timeout(patience_s):
                return await _go_on(answer, awaited)
        except Exception as error:
            raise _told(question, error) from error

    async def _answer(self, connection: Asker, question: Ask[Any]) -> Any:
        match question:
            case Authenticate(token=token, data=data):
                return _seen(await self._host.connect(token, data), connection)
            case Renew(identity=identity, token=token):
                return _seen(await self._host.refresh(identity, token), connection)
            case Permit(identity=identity, channel=channel, token=token, client=client):
                return await self._host.may(identity, channel, token, client=client)
            case Glance(identity=identity, channel=channel):
                return await self._host.glance(identity, channel)
            case NameChannel(identity=identity, token=token):
                return await self._host.channel_of(identity, token)
            case Show(identity=identity, channel=channel):
                return await self._host.first(identity, channel)
            case Invoke(identity=identity, method=method, data=data):
                return await self._host.call(identity, method, data)
            case Propose(identity=identity, channel=channel, data=data, granted=granted):
                return await self._host.publish(identity, channel, data, granted=granted)
            case Hear(identity=identity, data=data):
                return await self._host.send(identity, data)
            case Follow(channel=channel):
                return await self._hub.follow(connection, channel)
            case _:
                return await self._ask_broker(question)

    async def _ask_broker(self, question: Ask[Any]) -> Any:
        broker = self._hub.broker
        match question:
            case Read(channel=channel, since=since, limit=limit, reverse=reverse):
                return await broker.history(channel, since=since, limit=limit, reverse=reverse)
            case Top(channel=channel):
                return (await broker.history(channel)).top
            case Publish(channel=channel, publishing=what, info=info):
                return await broker.publish(
                    channel, what.data, history=what.history, tags=what.tags, info=info
                )
            case Count(channel=channel):
                return await broker.attendance(channel)
            case Present(channel=channel):
                return await broker.presence(channel)
            case Arrive(channel=channel, info=info):
                return await broker.arrive(channel, info)
            case Leave(channel=channel, client=client):
                return await broker.leave(channel, client)
            case Announce(channel=channel, event=event):
                return await broker.announce(channel, event)
            case _:
                raise TypeError(f"nobody answers {type(question).__name__}")


def _seen(identity: Identity, connection: Asker) -> Identity:
    return replace(identity, address=connection.address, agent=connection.agent)


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
