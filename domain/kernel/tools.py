"""What every operation may use and none may change: keys, randomness, ports, the values of settings."""

import msgspec

from domain.kernel.keys import Keys, RandomBytes
from domain.kernel.passwords import Passwords
from domain.kernel.ports import Ports


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that business depends on; times in seconds."""

    production: bool = False
    public_url: str = "http://127.0.0.1:8080"
    mqtt_public_url: str = "mqtt://127.0.0.1:1883"
    """Where gates find the broker."""
    mqtt_authority: str = ""
    """The certificate that gates check the broker's by, as PEM text."""
    access_token_s: int = 900
    refresh_token_s: int = 604_800


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """Handed to every context."""

    keys: Keys
    passwords: Passwords
    random_bytes: RandomBytes
    ports: Ports
    policy: Policy
