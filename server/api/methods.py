"""The table of methods: which request each reads, and what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
from msgspec import UNSET, Raw, Struct

from channels.broker import BrokerUnavailable
from channels.protocol.codes import ErrorCode
from channels.protocol.exceptions import FabricError, ProtocolError
from server.api import requests
from server.api.channels import ChannelMethods, Failure
from server.api.connections import ConnectionMethods

logger = structlog.get_logger(__name__)

PATIENCE_S: Final = 10.0

Procedure = Callable[[str, bytes], Awaitable[bytes]]
Perform = Callable[[Any], Awaitable[Any]]  # each method takes the Struct that stands beside it in the table


class Result(Struct, frozen=True):
    """It was done."""

    result: Any


class Refusal(Struct, frozen=True):
    """It was not done."""

    error: Failure


class RpcResult(Struct, frozen=True):
    """What an operation answered."""

    data: Raw


class BatchResult(Struct, frozen=True):
    """What became of each command, in their order: `{method: result}` or `{"error": ...}`."""

    replies: list[dict[str, Any]]


class Methods:
    """Performs what back ends ask; ``procedure`` runs operations, where that is allowed at all."""

    def __init__(
        self,
        channels: ChannelMethods,
        connections: ConnectionMethods,
        procedure: Procedure | None = None,
    ) -> None:
        self._procedure = procedure
        self._table: dict[str, tuple[type[requests.Request], Perform]] = {
            "publish": (requests.Publish, channels.publish),
            "broadcast": (requests.Broadcast, channels.broadcast),
            "presence": (requests.OfChannel, channels.presence),
            "presence_stats": (requests.OfChannel, channels.presence_stats),
            "history": (requests.History, channels.history),
            "history_remove": (requests.OfChannel, channels.history_remove),
            "subscribe": (requests.Subscribe, connections.subscribe),
            "unsubscribe": (requests.Unsubscribe, connections.unsubscribe),
            "disconnect": (requests.Disconnect, connections.disconnect),
            "refresh": (requests.Refresh, connections.refresh),
            "channels": (requests.Channels, connections.channels),
            "info": (requests.Info, connections.info),
            "rpc": (requests.Rpc, self._rpc),
        }

    @property
    def names(self) -> list[str]:
        """Every method there is."""
        return [*self._table, "batch"]

    async def perform(self, method: str, body: bytes) -> Result | Refusal | BatchResult:
        """Perform one method on a body of JSON."""
        try:
            if method == "batch":
                return await self._batch(_decode(body, requests.Batch))
            return Result(await self._one(method, body, self._deadline()))
        except FabricError as refusal:
            return Refusal(Failure(refusal.code, refusal.message))

    async def _one(self, method: str, body: bytes, deadline: float) -> Any:
        found = self._table.get(method)
        if found is None:
            raise ProtocolError(ErrorCode.METHOD_NOT_FOUND)
        kind, perform = found
        request = _decode(body, kind)
        try:
            async with asyncio.timeout_at(deadline):
                return await perform(request)
        except (BrokerUnavailable, TimeoutError) as error:
            logger.warning("the server API could not be served", method=method, error=repr(error))
            raise ProtocolError(ErrorCode.INTERNAL) from error

    async def _batch(self, request: requests.Batch) -> BatchResult:
        deadline = self._deadline()
        if request.parallel:
            done = [self._command(command, deadline) for command in request.commands]
            return BatchResult(list(await asyncio.gather(*done)))
        return BatchResult([await self._command(command, deadline) for command in request.commands])

    async def _command(self, command: dict[str, Raw], deadline: float) -> dict[str, Any]:
        if len(command) != 1:
            return {"error": Failure(ErrorCode.BAD_REQUEST, "a command has one method")}
        [(method, body)] = command.items()
        try:
            return {method: await self._one(method, bytes(body), deadline)}
        except FabricError as refusal:
            return {"error": Failure(refusal.code, refusal.message)}

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + PATIENCE_S

    async def _rpc(self, request: requests.Rpc) -> RpcResult:
        if self._procedure is None:
            raise ProtocolError(ErrorCode.NOT_AVAILABLE)
        params = b"{}" if request.params is UNSET else bytes(request.params)
        return RpcResult(Raw(await self._procedure(request.method, params)))


def _decode(body: bytes, kind: type[requests.R]) -> requests.R:
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        words = str(error).replace("`$.", "`")
        raise ProtocolError(ErrorCode.BAD_REQUEST, f"bad request: {words}") from error
