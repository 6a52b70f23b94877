"""The server API over HTTP: `POST /api/{method}` with a key, always 200 with a result or an error.

The body is JSON whatever its type is said to be, as clients made for Centrifugo expect: no page of another site can
send the key along.
"""

import hmac
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from domain.kernel.errors import DomainError, Malformed, NotFound, Unauthenticated
from server.api.methods import Methods
from server.bodies import read_body
from server.problems import problem_response

KEY: Final = "x-api-key"
SCHEME: Final = "apikey"


def api_routes(methods: Methods, key: str | None) -> list[Route]:
    """Return the routes of all methods; without a key none of them is served, and each says so."""

    async def answer(request: Request) -> Response:
        try:
            if key is None:
                raise NotFound("The server API is off; HUB_API_KEY turns it on")
            _check(request, key)
            body = await read_body(request)
            done = await methods.perform(request.url.path.rpartition("/")[2], _checked(body))
        except DomainError as refusal:
            return problem_response(refusal)
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(
            msgspec.json.encode(done), headers={"Cache-Control": "no-store"}, media_type="application/json"
        )

    return [Route(f"/api/{name}", answer, methods=["POST"]) for name in methods.names]


def _check(request: Request, key: str) -> None:
    """Refuse who does not bring the key; raises Unauthenticated."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    given = request.headers.get(KEY) or (credentials.strip() if scheme.lower() == SCHEME else "")
    # However much of a wrong key is right, it takes as long.
    if not hmac.compare_digest(given.encode(), key.encode()):
        raise Unauthenticated("Send the key of the server API as X-API-Key")


def _checked(body: bytes) -> bytes:
    """Let JSON through; raises Malformed."""
    try:
        body.decode()
        if body:
            msgspec.json.decode(body, type=msgspec.Raw)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error
    return body
