"""How often the things that guess or pester may be tried."""

import hmac
from datetime import timedelta
from typing import Final

import msgspec

from domain.kernel.keys import Keys


class Limit(msgspec.Struct, frozen=True):
    """At most ``most`` tries in a window that begins with the first."""

    kind: str
    most: int
    window: timedelta


FAILED_LOGINS_OF_EMAIL: Final = Limit("login-email", 10, timedelta(minutes=15))
# Many people may share an address behind a router, so this one is wide.
FAILED_LOGINS_FROM_ADDRESS: Final = Limit("login-address", 100, timedelta(minutes=15))
REFUSED_REGISTRATIONS_FROM_ADDRESS: Final = Limit("register-address", 30, timedelta(hours=1))
RESETS_OF_EMAIL: Final = Limit("reset-email", 5, timedelta(hours=1))
RESETS_FROM_ADDRESS: Final = Limit("reset-address", 50, timedelta(hours=1))


class Subject(msgspec.Struct, frozen=True):
    """One thing that is limited: ``key`` names it without saying whose address it is."""

    key: str
    limit: Limit


def subject(keys: Keys, limit: Limit, whose: str) -> Subject:
    """Name what is counted; hashed with a key, since e-mails of strangers are nothing to collect."""
    digest = hmac.digest(keys.derive("attempts"), f"{limit.kind}\0{whose}".encode(), "sha256")
    return Subject(f"{limit.kind}:{digest.hex()[:32]}", limit)
