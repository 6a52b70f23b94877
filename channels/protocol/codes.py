"""The numbers a client acts upon: errors in replies, close codes and unsubscribe codes, as closed tables.

Each entry carries the words sent with it, a sentence on when it is used, and whether the client tries again by
itself. The ranges are the protocol's and SDKs decide by them alone:

1. Errors 0 to 399 belong to the protocol, 400 to 1999 to the application. Only a temporary error (and 109, after a
   new token) is tried again.
2. Closing with 3500 to 3999 or 4500 to 4999 is final; with any other number the client reconnects.
3. An unsubscribe of 2500 or more is followed by a new subscribe; below that it is final.
"""

from enum import IntEnum
from typing import Self


class Code(IntEnum):
    """A number with its words: subclasses are the tables."""

    message: str
    meaning: str

    def __new__(cls, number: int, message: str, meaning: str) -> Self:
        """Make the entry an int that also carries its words."""
        entry = int.__new__(cls, number)
        entry._value_ = number
        entry.message = message
        entry.meaning = meaning
        return entry


class ErrorCode(Code):
    """Why a command was refused; sent as `error` of its reply."""

    INTERNAL = 100, "internal server error", "Something failed on our side; the client tries again."
    UNAUTHORIZED = 101, "unauthorized", "The caller has not said who they are."
    UNKNOWN_CHANNEL = 102, "unknown channel", "No such family of channels exists."
    PERMISSION_DENIED = 103, "permission denied", "The caller may not do this."
    METHOD_NOT_FOUND = 104, "method not found", "No such command or procedure exists."
    ALREADY_SUBSCRIBED = 105, "already subscribed", "This connection follows the channel already."
    LIMIT_EXCEEDED = 106, "limit exceeded", "The connection follows as many channels as it may."
    BAD_REQUEST = 107, "bad request", "The command's fields make no sense together."
    NOT_AVAILABLE = 108, "not available", "The feature is not served, or not on this channel."
    TOKEN_EXPIRED = 109, "token expired", "The client gets a new token and tries again."
    EXPIRED = 110, "expired", "The connection or subscription has run out."
    TOO_MANY_REQUESTS = 111, "too many requests", "The client waits and tries again."
    UNRECOVERABLE_POSITION = 112, "unrecoverable position", "History no longer reaches back to the position."
    CONCURRENT_PAGINATION = (
        113,
        "concurrent pagination",
        "Another page is being read; the client tries again.",
    )

    @property
    def temporary(self) -> bool:
        """Whether the client tries the same again by itself."""
        return self in (ErrorCode.INTERNAL, ErrorCode.TOO_MANY_REQUESTS, ErrorCode.CONCURRENT_PAGINATION)


class DisconnectCode(Code):
    """Why a connection was closed; sent in the close frame."""

    CONNECTION_CLOSED = 3000, "connection closed", "The connection went away without further reason."
    SHUTDOWN = 3001, "shutdown", "This process ends; another one answers."
    INTERNAL_ERROR = 3004, "internal server error", "Something failed on our side."
    CONNECTION_EXPIRED = 3005, "connection expired", "No new token came in time."
    SUBSCRIPTION_EXPIRED = 3006, "subscription expired", "A server-side subscription ran out."
    SLOW = 3008, "slow", "The client reads slower than it is sent to; it recovers from history."
    WRITE_ERROR = 3009, "write error", "A write took too long."
    INSUFFICIENT_STATE = 3010, "insufficient state", "A gap was found in a server-side subscription."
    FORCE_RECONNECT = 3011, "force reconnect", "The operator asked the client to connect anew."
    NO_PONG = 3012, "no pong", "The client did not answer a ping."
    TOO_MANY_REQUESTS = 3013, "too many requests", "The client asks faster than it may."
    STATE_INVALIDATED = 3014, "state invalidated", "The client drops what it holds and connects anew."

    INVALID_TOKEN = 3500, "invalid token", "The token is not ours or not this user's."
    BAD_REQUEST = 3501, "bad request", "The client does not keep to the protocol."
    STALE = 3502, "stale", "No connect command came in time."
    FORCE_DISCONNECT = 3503, "force disconnect", "The application ended the connection."
    CONNECTION_LIMIT = 3504, "connection limit", "Too many connections."
    CHANNEL_LIMIT = 3505, "channel limit", "Too many channels."
    INAPPROPRIATE_PROTOCOL = (
        3506,
        "inappropriate protocol",
        "A payload cannot be written in the client's codec.",
    )
    PERMISSION_DENIED = 3507, "permission denied", "The caller may not be connected."
    NOT_AVAILABLE = 3508, "not available", "The client used a feature that is not served."
    TOO_MANY_ERRORS = 3509, "too many errors", "The client repeats what is refused."

    @property
    def reconnects(self) -> bool:
        """Whether SDKs reconnect after this close code."""
        return reconnects(self)


class UnsubscribeCode(Code):
    """Why a subscription was ended; sent in the unsubscribe push."""

    SERVER = 2000, "server unsubscribe", "The right to follow has ended."
    INSUFFICIENT_STATE = 2500, "insufficient state", "Publications may have been missed; the client recovers."
    EXPIRED = 2501, "subscription expired", "No new token came in time."
    STATE_INVALIDATED = 2502, "state invalidated", "The client drops what it holds and subscribes anew."

    @property
    def resubscribes(self) -> bool:
        """Whether SDKs subscribe again after this code."""
        return self >= 2500


def reconnects(code: int) -> bool:
    """Tell whether SDKs reconnect after a connection was closed with ``code``."""
    return not (3500 <= code < 4000 or 4500 <= code < 5000)
