"""Gives each request an id that goes through log, facts and answer, and a line in the log.

Whatever no one else has caught ends here: it is logged whole and told as a problem without details.
"""

import re
import secrets
import time
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import Internal, problem_response

logger = structlog.get_logger(__name__)
HEADER: Final = "X-Request-Id"
ACCEPTED: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
PROBES: Final = ("/health", "/health/ready", "/health/balancer", "/metrics")
HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def correlation_of(scope: Scope) -> str:
    """Return the id of the request that is being served."""
    return str(scope.get("gatehouse.correlation", ""))


class Correlation:
    """The outermost layer of HTTP."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["gatehouse.correlation"] = correlation = _correlation(Headers(scope=scope))
        began = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = correlation
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation=correlation):
            try:
                await self._app(scope, receive, answer)
            except Exception:
                logger.exception("request failed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                await problem_response(Internal(f"The log holds more under {correlation}"))(
                    scope, receive, answer
                )
            finally:
                _log(scope, status, time.perf_counter() - began)


def _correlation(headers: Headers) -> str:
    given = headers.get(HEADER, "")
    return given if ACCEPTED.fullmatch(given) else secrets.token_hex(8)


def _log(scope: Scope, status: int, seconds: float) -> None:
    # The query is left out: it may hold what a log must not.
    client = scope.get("client")
    path = scope["path"]
    # Probes come every second and say nothing new.
    tell = logger.debug if path.endswith(PROBES) and status == 200 else logger.info
    tell(
        "request",
        method=scope["method"],
        path=path,
        status=status,
        ms=round(seconds * 1000, 1),
        client=client[0] if client else None,
    )
