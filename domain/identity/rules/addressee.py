"""Somebody to write to."""

import msgspec


class Addressee(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter needs to know of its reader."""

    name: str
    email: str
    locale: str
