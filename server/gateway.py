"""HTTP over the table of routes: one request in, one call of an operation, one answer out."""

import hashlib
from typing import Any, Final

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from domain.kernel.caller import ANONYMOUS, Caller
from domain.kernel.errors import DomainError, NotFound, Unauthenticated
from domain.kernel.operations import Operation
from domain.kernel.runtime import authorise
from server.authenticate import Authenticator
from server.bodies import read_json_body
from server.calls import Calls
from server.correlation import correlation_of
from server.inputs import gather
from server.problems import MethodNotAllowed, problem_response
from server.routes import Place, Route, Table

RPC: Final = "/rpc/"


class Gateway:
    """Everything that is asked over HTTP and stands in the catalogue."""

    def __init__(self, calls: Calls, table: Table, authenticator: Authenticator) -> None:
        self._calls = calls
        self._table = table
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose(1000, "there is no socket at this path")(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except DomainError as refusal:
            response = problem_response(refusal)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["path"]
        place = self._table.find(path) or _procedure(path)
        if place is None:
            raise NotFound(f"There is nothing at {path}")
        route = place.routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            refusal = MethodNotAllowed(f"{path} answers {place.allow}, not {request.method}")
            return problem_response(refusal, {"Allow": place.allow})
        answer = await self._perform(request, route, place)
        reads = self._calls.runtime.operations[route.operation].reads
        return _present(request, route, answer) if reads else _respond(route, answer)

    async def _perform(self, request: Request, route: Route, place: Place) -> Any:
        operation = self._calls.runtime.operations.get(route.operation)
        if operation is None:
            raise NotFound(f"There is no operation {route.operation!r}")
        caller = (await self._caller(request, operation)).seen_from(*seen(request))
        structlog.contextvars.bind_contextvars(actor=caller.actor)
        authorise(operation, caller)
        body = await read_json_body(request) if route.method != "GET" else b""
        ids = dict(zip(route.parameters, place.ids, strict=True))
        return await self._calls.run(
            caller,
            operation.name,
            gather(operation, ids, request.query_params, body),
            key=request.headers.get("idempotency-key"),
            correlation=correlation_of(request.scope),
        )

    async def _caller(self, request: Request, operation: Operation) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            return ANONYMOUS
        try:
            return await self._authenticator.authenticate(token.strip())
        except Unauthenticated:
            # Apps send their last token along when they log in anew or refresh it.
            if "anonymous" in operation.allow:
                return ANONYMOUS
            raise


def seen(request: Request) -> tuple[str, str]:
    """Return the address and the program a request comes from."""
    return request.client.host if request.client else "", request.headers.get("user-agent", "")[:200]


def _procedure(path: str) -> Place | None:
    name = path.removeprefix("/api").removeprefix(RPC)
    if name == path or "/" in name:
        return None
    return Place({"POST": Route("POST", path, name)}, ())


def _present(request: Request, route: Route, answer: Any) -> Response:
    """Answer what was read, or 304 where the reader has it already."""
    content = _encode(route, answer)
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, route.status, headers, route.media)


def _has(held: str, tag: str) -> bool:
    return held.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in held.split(","))


def _respond(route: Route, answer: Any) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer is None:
        return Response(status_code=204 if route.status == 200 else route.status, headers=headers)
    return Response(_encode(route, answer), route.status, headers, route.media)


def _encode(route: Route, answer: Any) -> bytes:
    if route.media == "application/json":
        return msgspec.json.encode(answer)
    return answer.encode() if isinstance(answer, str) else bytes(answer)
