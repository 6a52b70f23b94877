"""What gates are told to decide alone: the list of a site's passes, whole or in changes, and what to read it with.

What each member is for tell `domain.access.rules.listing` and docs/devices.md. Everything is signed.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gate_bridge.wire.fields import Count, Hash, Id, Moment, Signature, Text

Ordinal = Annotated[int, Meta(ge=0, le=31)]
Seconds = Annotated[int, Meta(ge=-62_135_596_800, le=253_402_300_799)]
_Minute = Annotated[int, Meta(ge=0, le=1440)]
_Spans = Annotated[tuple[tuple[_Minute, _Minute], ...], Meta(max_length=24)]
_Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
_Number = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,15}\Z")]
_Date = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
_PublicKey = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pass."""

    pass_id: Id = field(name="p")
    zones: Annotated[int, Meta(ge=0, lt=2**32)] = field(name="z")
    valid_from: Seconds = field(name="f")
    valid_until: Seconds = field(name="u")
    flags: Count = field(name="x", default=0)
    schedule_id: Id | None = field(name="w", default=None)
    passback: Literal["hard", "soft", "off"] | None = field(name="b", default=None)
    party: Id | None = field(name="g", default=None)
    digests: tuple[_Digest, ...] = field(name="c", default=())


class OpeningHours(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Spans of minutes per weekday, Monday first, and those of holidays."""

    week: Annotated[tuple[_Spans, ...], Meta(min_length=7, max_length=7)]
    holidays: _Spans = ()


class ZoneTerms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What it takes to enter a zone."""

    zone_id: Id = field(name="id")
    ordinal: Ordinal = field(name="o")
    policy: Literal["deny", "signed_ok", "list_ok", "open"] = field(name="f")
    schedule_id: Id | None = field(name="w", default=None)
    passback: Literal["hard", "soft", "timed", "off"] = field(name="pb", default="hard")
    passback_minutes: Count = field(name="pm", default=0)
    in_order: bool = field(name="io", default=False)
    first_person: bool = field(name="fp", default=False)
    opened_s: Seconds | None = field(name="op", default=None)
    """When somebody who may open it entered last."""
    two_person: bool = field(name="tp", default=False)


class ListHead(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which list is the newest, and all that belongs to no single pass. Retained."""

    revision: Id = field(name="rev")
    lines: Count = field(name="n")
    digest: Hash = field(name="h")
    at_ms: Moment = field(name="t")
    expires_ms: Moment = field(name="exp")
    """From here on this is no list any more."""
    time_zone: Text = field(name="tz")
    holidays: Annotated[tuple[_Date, ...], Meta(max_length=500)] = field(name="hol", default=())
    hours: dict[_Number, OpeningHours] = field(name="hrs", default_factory=dict)
    zones: Annotated[tuple[ZoneTerms, ...], Meta(max_length=32)] = field(name="zns", default=())
    public_keys: dict[_Number, _PublicKey] = field(name="pks", default_factory=dict)
    credential_key: Hash = field(name="ck")
    live_keys: dict[_Number, Hash] = field(name="lks", default_factory=dict)
    key_id: Id = field(name="k")
    signature: Signature = field(name="sig")


class ListDelta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changed between two revisions, for every gate of the site."""

    since: Count = field(name="from")
    revision: Id = field(name="to")
    put: tuple[Line, ...] = ()
    gone: tuple[Id, ...] = ()
    key_id: Id = field(name="k")
    signature: Signature = field(name="sig")


class ListGet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A gate asks for all that changed since the revision that it has, or (0) for the whole list."""

    since: Count = field(name="rev", default=0)


class ListChunk(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the answer, number `number` of `of`; `since` 0 says that it is of the whole list."""

    revision: Id = field(name="rev")
    since: Count = field(name="from", default=0)
    number: Id = field(name="i")
    of: Id
    put: tuple[Line, ...] = ()
    gone: tuple[Id, ...] = ()
    key_id: Id = field(name="k")
    signature: Signature = field(name="sig")
