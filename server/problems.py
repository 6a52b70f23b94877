"""Refusals as HTTP answers: problem documents of RFC 9457.

The refusals that only HTTP knows stand here; all others come from the domain.
"""

from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from domain.kernel.errors import DomainError, NotFound

MEDIA = "application/problem+json"


class MethodNotAllowed(DomainError):
    """The path exists, and not with this method."""

    code, status, title = "method_not_allowed", 405, "This method is not served here"


class TooSlow(DomainError):
    """The body did not arrive in time."""

    code, status, title = "too_slow", 408, "The request took too long to arrive"


class UnsupportedMedia(DomainError):
    """The body is in a format that is not read here."""

    code, status, title = "unsupported_media", 415, "This kind of body is not read here"


class Internal(DomainError):
    """A defect on our side; what happened is in the log and nowhere else."""

    code, status, title = "internal", 500, "Something went wrong on our side"


def problem_response(refusal: DomainError, headers: Mapping[str, str] | None = None) -> Response:
    """Return a refusal as its answer."""
    document = refusal.problem()
    extra = {"Cache-Control": "no-store", **(headers or {})}
    if refusal.retry_after_s is not None:
        extra["Retry-After"] = str(refusal.retry_after_s)
    if document["status"] == 401:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(document), document["status"], extra, MEDIA)


async def unrouted(request: Request, error: Exception) -> Response:
    """Turn what Starlette's own routes refuse into a problem."""
    path = request.url.path
    if isinstance(error, HTTPException) and error.status_code == 405:
        refusal = MethodNotAllowed(f"{path} does not answer {request.method}")
        return problem_response(refusal, error.headers)
    return problem_response(NotFound(f"There is nothing at {path}"))
