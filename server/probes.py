"""Is the process alive, can it serve, and what does it count."""

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.kernel.errors import DomainError, Forbidden, NotFound, Unauthenticated
from server.metrics import CONTENT_TYPE, Metrics
from server.problems import problem_response

logger = structlog.get_logger(__name__)

PATIENCE_S: Final = 1.5
FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-real-ip", "via"})
"""What proxies add: who comes from a loopback address with one of these comes from elsewhere."""
# The services that the systems we stand in for are made of; all of them are this process.
NAMES: Final = """
    analytics auth authentication booking client contact event files gateway guest-access hr messages messaging
    notification order parking payment profile resource reviews security session support user workspace
"""
SERVICES: Final = frozenset(NAMES.split())

Check = Callable[[], Awaitable[object]]


class Health:
    """What the process needs in order to serve, and whether it is about to end."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self.draining = False

    async def parts(self) -> dict[str, str]:
        """Return each part with `ok`, `failed` or, for a process that ends, `draining`."""
        answers = await asyncio.gather(*(_passes(name, check) for name, check in self._checks.items()))
        found = dict(zip(self._checks, answers, strict=True))
        return {**found, "process": "draining" if self.draining else "ok"}


def probes(health: Health, metrics: Metrics, *, token: str | None = None) -> list[Route]:
    """Return the routes that balancers, operators and Prometheus ask; numbers are for who brings ``token``.

    Without one they are for callers on this very machine, unless somebody has passed the request on.
    """

    async def alive(request: Request) -> Response:
        return _tell({"status": "ok"})

    async def ready(request: Request) -> Response:
        return _verdict({}, await health.parts())

    async def balanced(request: Request) -> Response:
        # What HAProxy calls `disable-on-404`: nobody new, and those who are here stay until they are sent away.
        if health.draining:
            return _tell({"status": "draining"}, 404)
        return _verdict({}, await health.parts())

    async def service(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in SERVICES:
            return problem_response(NotFound(f"There is no service {name!r}"))
        return _verdict({"service": name}, await health.parts())

    async def numbers(request: Request) -> Response:
        refusal = _refusal(request, token)
        if refusal is not None:
            return problem_response(refusal)
        return Response(metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    doors = (
        ("/health", alive),
        ("/health/ready", ready),
        ("/health/balancer", balanced),
        ("/{name}-service/health", service),
        ("/metrics", numbers),
    )
    return [Route(prefix + path, door) for prefix in ("", "/api") for path, door in doors]


def _refusal(request: Request, token: str | None) -> DomainError | None:
    if token is None:
        near = _is_on_this_machine(request) and FORWARDED.isdisjoint(request.headers)
        return (
            None if near else Forbidden("Numbers are shown to this machine alone until METRICS_TOKEN is set")
        )
    scheme, _, brought = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(brought.strip().encode(), token.encode()):
        return None
    return Unauthenticated("Numbers are shown to who brings the METRICS_TOKEN as a bearer token")


def _is_on_this_machine(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:  # a name, or the path of a Unix socket
        return False


async def _passes(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await check()
    except Exception as error:
        logger.warning("not ready", part=name, error=repr(error))
        return "failed"
    return "ok"


def _verdict(words: dict[str, str], parts: dict[str, str]) -> Response:
    fine = set(parts.values()) == {"ok"}
    return _tell({"status": "ok" if fine else "unavailable", **words, "parts": parts}, 200 if fine else 503)


def _tell(document: object, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(document), status, headers, "application/json")
