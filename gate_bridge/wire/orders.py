"""What gates are told: answers, what has arrived, what is missing, how they shall be, and what they shall do now."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gate_bridge.wire.fields import (
    Code,
    Count,
    Direction,
    Epoch,
    Id,
    Mode,
    Moment,
    Ranges,
    RequestId,
    Result,
    Signature,
    Text,
    Verb,
)

Why = Annotated[str, Meta(max_length=128)]


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a scan. A gate that no longer waits for `request_id` must not open."""

    request_id: RequestId = field(name="rid")
    result: Result = field(name="r")
    reason: Code = field(name="c")
    decision_id: Text = field(name="id", default="")
    open_ms: Annotated[int, Meta(ge=0, le=60_000)] = field(name="ttl", default=0)
    message: Annotated[str, Meta(max_length=128)] = field(name="msg", default="")
    initials: Annotated[str, Meta(max_length=8)] = field(name="n", default="")
    pass_id: Id | None = field(name="p", default=None)
    """Whom the events of this passage shall name, for gates that cannot read passes."""


class Acknowledgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All events up to and with `up_to` are committed: the gate may forget them."""

    epoch: Epoch = field(name="e")
    up_to: Count = field(name="u")
    at_ms: Count = field(name="t")
    missing: Ranges = field(name="gap", default=())


class Want(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The server asks for events again, both ends of a range included, or (`rebirth` 1) for a birth."""

    epoch: Epoch = field(name="e")
    ranges: Ranges = field(name="w", default=())
    rebirth: Literal[0, 1] = field(name="full", default=0)


class Desired(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a gate shall be from now on. Retained: a gate that was away obeys when it comes back.

    A revision not above the one it knows says nothing new. What `signature` covers tells `access.rules.orders`.
    """

    revision: Id = field(name="rev")
    mode: Mode
    until_ms: Moment | None = field(name="until", default=None)
    """From here on the gate is in `normal` again, by itself."""
    why: Why = ""
    key_id: Id = field(name="k")
    signature: Signature = field(name="sig")


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gate shall do now or not at all: after `expires_ms`, by the server's clock, it must not be done.

    `number` grows with each command of a gate; one not above the last obeyed was played back.
    """

    command_id: RequestId = field(name="cid")
    number: Id = field(name="n")
    verb: Verb
    direction: Direction | None = field(name="d", default=None)
    at_ms: Moment = field(name="t")
    expires_ms: Moment = field(name="exp")
    why: Why = ""
    key_id: Id = field(name="k")
    signature: Signature = field(name="sig")
