"""The browser's session: signing in for pages, with the refresh token where no script can read it.

Access tokens go to the page and live in its memory; the refresh token is a cookie that only this path gets back.
"""

from contextlib import suppress
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.kernel.caller import ANONYMOUS
from domain.kernel.errors import DomainError, Forbidden, NotFound, Unauthenticated
from server.bodies import read_json_body
from server.calls import Calls
from server.correlation import correlation_of
from server.gateway import seen
from server.problems import MethodNotAllowed, problem_response

PATH: Final = "/app/session"
COOKIE: Final = "gatehouse_refresh"
ALLOW: Final = {PATH: "DELETE, POST", f"{PATH}/refresh": "POST"}


class BrowserSession:
    """`POST` signs in, `POST` to `/refresh` goes on, `DELETE` signs out."""

    def __init__(self, calls: Calls, *, lasts_s: int) -> None:
        self._calls = calls
        self._lasts_s = lasts_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except DomainError as refusal:
            response = problem_response(refusal)
            if isinstance(refusal, Unauthenticated):
                _take_cookie(request, response)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden("Only our own pages sign in here")
        path = request.url.path.rstrip("/")
        match request.method, path:
            case "POST", "/app/session":
                return self._admit(request, await self._sign_in(request))
            case "POST", "/app/session/refresh":
                return await self._go_on(request)
            case "DELETE", "/app/session":
                return await self._sign_out(request)
        if path not in ALLOW:
            raise NotFound(f"There is nothing at {path}")
        refusal = MethodNotAllowed(f"{path} answers {ALLOW[path]}, not {request.method}")
        return problem_response(refusal, {"Allow": ALLOW[path]})

    async def _sign_in(self, request: Request) -> Any:
        return await self._ask(request, "identity.login", await read_json_body(request))

    async def _go_on(self, request: Request) -> Response:
        if not (token := request.cookies.get(COOKIE)):
            # a first visit is no error, and browsers log a 401 as one
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        asked = msgspec.json.encode({"refreshToken": token})
        return self._admit(request, await self._ask(request, "identity.refresh", asked))

    async def _sign_out(self, request: Request) -> Response:
        """End the session that the cookie belongs to; without a living one there is nothing to end."""
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        _take_cookie(request, response)
        if token := request.cookies.get(COOKIE):
            with suppress(Unauthenticated):
                await self._ask(request, "identity.logout", msgspec.json.encode({"refreshToken": token}))
        return response

    async def _ask(self, request: Request, operation: str, body: bytes) -> Any:
        caller = ANONYMOUS.seen_from(*seen(request))
        return await self._calls.run(caller, operation, body, correlation=correlation_of(request.scope))

    def _admit(self, request: Request, granted: Any) -> Response:
        answer = {"accessToken": granted.access_token, "expiresIn": granted.expires_in}
        headers = {"Cache-Control": "no-store"}
        response = Response(msgspec.json.encode(answer), 200, headers, "application/json")
        _give_cookie(request, response, granted.refresh_token, self._lasts_s)
        return response


def _give_cookie(request: Request, response: Response, token: str, lasts_s: int) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, token, max_age=lasts_s, path=PATH, secure=secure, httponly=True, samesite="strict"
    )


def _take_cookie(request: Request, response: Response) -> None:
    _give_cookie(request, response, "", 0)
