"""Refusals a caller is meant to see; anything else is a bug and stays inside.

Each refusal renders itself as an RFC 9457 problem document, the same over HTTP and behind an RPC error.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec


class FieldProblem(msgspec.Struct, frozen=True):
    """One field of the input and what is wrong with it."""

    field: str
    problem: str


class DomainError(Exception):
    """Base of every expected refusal. Subclasses name the reason, not the place."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The request cannot be carried out as things stand"
    # True where the same request may succeed later, so that the refusal is no answer to keep under its key.
    passing: ClassVar[bool] = False

    def __init__(
        self, detail: str, *, errors: Sequence[FieldProblem] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s

    def problem(self) -> dict[str, Any]:
        """Return the RFC 9457 problem document of this refusal."""
        document: dict[str, Any] = {
            "type": f"urn:gatehouse:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [{"field": e.field, "problem": e.problem} for e in self.errors]
        return document


class Malformed(DomainError):
    """The bytes cannot be read at all."""

    code, status, title = "malformed", 400, "The request could not be read"


class Unauthenticated(DomainError):
    """Nobody, or nobody any more: no valid access token came with the call."""

    code, status, title = "unauthenticated", 401, "Sign in first"


class TokenExpired(Unauthenticated):
    """The access token was good until its time was over; a fresh one will do."""

    code = "token_expired"


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code, status, title = "forbidden", 403, "You may not do this"


class NotFound(DomainError):
    """The thing does not exist, or the caller may not know that it does."""

    code, status, title = "not_found", 404, "No such thing"


class TooLarge(DomainError):
    """The request is larger than the server reads."""

    code, status, title = "too_large", 413, "The request is too large"


class Invalid(DomainError):
    """The input is readable and wrong; ``errors`` names each bad field."""

    code, status, title = "invalid", 422, "Some of the input is wrong"

    @classmethod
    def field(cls, field: str, problem: str) -> "Invalid":
        """Refuse one field."""
        return cls(f"{field}: {problem}", errors=[FieldProblem(field, problem)])


class KeyReused(DomainError):
    """An idempotency key came again with other content."""

    code, status, title = "idempotency_key_reused", 422, "This idempotency key belongs to another request"


class TooMany(DomainError):
    """The caller asks too often."""

    code, status, title = "too_many_requests", 429, "Too many requests"
    passing = True


class Busy(DomainError):
    """Others hold what is needed; the same request may succeed in a moment."""

    code, status, title = "busy", 503, "Try again in a moment"
    passing = True


class Superseded(DomainError):
    """A process acts in a term that is over; another does its work now."""

    code, title = "superseded", "Another process does this now"
    passing = True


class Replayed(DomainError):
    """The stored refusal of an earlier call with the same idempotency key."""

    def __init__(self, document: dict[str, Any]) -> None:
        errors = [FieldProblem(e["field"], e["problem"]) for e in document.get("errors", ())]
        super().__init__(document["detail"], errors=errors)
        self.document = document
        self.status = document["status"]  # type: ignore[misc]  # this one stands for refusals of any class

    def problem(self) -> dict[str, Any]:
        """Return the first answer's problem document, unchanged."""
        return self.document
