"""Runs an operation for HTTP and sockets alike: within a deadline, counted, and with the outage told as one."""

import asyncio
import time
from typing import Any, Final

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.kernel.caller import Caller
from domain.kernel.errors import Busy, DomainError
from domain.kernel.runtime import Arguments, Runtime
from server.metrics import Metrics

logger = structlog.get_logger(__name__)

DEADLINE_S: Final = 30.0
UNKNOWN: Final = "unknown"


class Calls:
    """The runtime as the outside sees it."""

    def __init__(self, runtime: Runtime, metrics: Metrics, *, deadline_s: float = DEADLINE_S) -> None:
        self.runtime = runtime
        self._metrics = metrics
        self._deadline_s = deadline_s

    async def run(
        self,
        caller: Caller,
        name: str,
        arguments: Arguments = b"",
        *,
        key: str | None = None,
        correlation: str = "",
    ) -> Any:
        """Perform operation ``name`` and return its answer.

        Raises:
            DomainError: It was refused; `Busy` also where the database or time ran out.
        """
        began = time.perf_counter()
        outcome = "failed"
        structlog.contextvars.bind_contextvars(operation=name[:100], actor=caller.actor)
        try:
            answer = await self._guarded(caller, name, arguments, key, correlation)
            outcome = "ok"
            return answer
        except DomainError as refusal:
            outcome = refusal.code
            raise
        finally:
            known = name if name in self.runtime.operations else UNKNOWN
            self._metrics.call(known, outcome, time.perf_counter() - began)

    async def _guarded(
        self, caller: Caller, name: str, arguments: Arguments, key: str | None, correlation: str
    ) -> Any:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self.runtime.call(caller, name, arguments, key=key, correlation=correlation)
        except (PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # A TimeoutError is an OSError; asyncpg's own errors come bare only from a connection being made.
            logger.warning("the database cannot answer", error=repr(error))
            raise Busy("The database cannot answer now", retry_after_s=1) from error
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            logger.warning("the connection to the database was lost", error=repr(error.orig))
            raise Busy("The connection to the database was lost", retry_after_s=1) from error
