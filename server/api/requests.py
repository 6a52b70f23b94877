"""What a back end may ask of the server API, each method one Struct; unknown members are skipped.

The words are those of Centrifugo's API, so that clients made for it (`cent` and others) work as they are. Payloads
(`data`, `info`) stay the bytes they came as.
"""

from typing import Annotated, Final, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from channels.namespaces import Override

MOST_TOGETHER: Final = 1000
"""Channels of one broadcast, commands of one batch."""

Channel = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=1024)]
Code = Annotated[int, Meta(ge=0, le=4999)]
Count = Annotated[int, Meta(ge=-1, le=2**31 - 1)]
Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Request(Struct, frozen=True, kw_only=True):
    """Base of all requests."""


class Payload(Request, frozen=True, kw_only=True):
    """Something to publish."""

    data: Raw | UnsetType = UNSET
    b64data: str | None = None
    skip_history: bool | None = None
    tags: dict[str, str] | None = None
    idempotency_key: Text | None = None
    delta: bool | None = None
    """Followers with delta get differences wherever they asked for them; nothing has to be asked here."""
    version: Offset | None = None
    version_epoch: Text | None = None


R = TypeVar("R", bound=Request)


class Publish(Payload, frozen=True, kw_only=True):
    """Publish in one channel."""

    channel: Channel


class Broadcast(Payload, frozen=True, kw_only=True):
    """Publish the same in many channels."""

    channels: Annotated[list[Channel], Meta(max_length=MOST_TOGETHER)]


class Since(Request, frozen=True, kw_only=True):
    """A place in a channel's history."""

    offset: Offset = 0
    epoch: Text = ""


class Whose(Request, frozen=True, kw_only=True):
    """Connections: those of a user that match all that is given."""

    user: Text = ""
    client: Text | None = None
    session: Text | None = None


class Subscribe(Whose, frozen=True, kw_only=True):
    """Let somebody follow a channel."""

    channel: Channel
    info: Raw | UnsetType = UNSET
    b64info: str | None = None
    data: Raw | UnsetType = UNSET
    b64data: str | None = None
    recover_since: Since | None = None
    override: Override | None = None


class Unsubscribe(Whose, frozen=True, kw_only=True):
    """Let somebody follow a channel no longer."""

    channel: Channel


class End(Request, frozen=True, kw_only=True):
    """How a connection is closed."""

    code: Code = 0
    reason: Annotated[str, Meta(max_length=120)] = ""


class Disconnect(Whose, frozen=True, kw_only=True):
    """Close somebody's connections."""

    whitelist: Annotated[list[Text], Meta(max_length=MOST_TOGETHER)] | None = None
    """Clients to be left alone."""
    disconnect: End | None = None


class Refresh(Whose, frozen=True, kw_only=True):
    """Move the end of somebody's connections."""

    expired: bool | None = None
    expire_at: Offset | None = None


class OfChannel(Request, frozen=True, kw_only=True):
    """A question about one channel: `presence`, `presence_stats`, `history_remove`."""

    channel: Channel


class History(OfChannel, frozen=True, kw_only=True):
    """Read back; without a limit the position alone, with -1 all there is."""

    limit: Count | None = None
    since: Since | None = None
    reverse: bool | None = None


class Channels(Request, frozen=True, kw_only=True):
    """List channels that are followed."""

    pattern: Text | None = None


class Info(Request, frozen=True, kw_only=True):
    """Ask which hubs there are."""


class Rpc(Request, frozen=True, kw_only=True):
    """Run an operation."""

    method: Text = ""
    params: Raw | UnsetType = UNSET


class Batch(Request, frozen=True, kw_only=True):
    """Several commands at once, each `{method: request}`."""

    commands: Annotated[list[dict[str, Raw]], Meta(max_length=MOST_TOGETHER)]
    parallel: bool | None = None
