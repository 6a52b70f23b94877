"""What a connection to the broker is for, and how it is told that it is not wanted."""

from typing import Literal

from msgspec import Struct


class Refused(Exception):
    """The broker does not let this client in, or not to these topics."""


class Outdated(Exception):
    """The broker does not speak this version of MQTT."""


class Settings(Struct, frozen=True, kw_only=True):
    """Who connects where, and for what."""

    url: str
    """`mqtt://user:password@host:port` or `mqtts://...`; parts of it percent-encoded."""
    client_id: str
    persistent: bool = False
    """The broker keeps subscriptions and messages for a day while we are away; False = a fresh start each time."""
    subscriptions: tuple[tuple[str, int], ...] = ()
    """Filters, each with its QoS."""
    forgotten: tuple[str, ...] = ()
    """Filters that a session the broker has kept may still hold, and shall not."""
    version: Literal["5", "3.1.1"] = "5"
    """MQTT 5, and 3.1.1 at once where the broker refuses that; or 3.1.1 from the start."""
    ca_file: str | None = None
    keepalive_s: int = 30
    inbox: int = 10_000
