"""What a message has beside its payload on a link that speaks MQTT 5; on one that does not, it goes without."""

from msgspec import Struct


class Properties(Struct, frozen=True, kw_only=True, gc=False):
    """Nothing here decides anything: what matters stands in the payload too, for links of MQTT 3.1.1."""

    expires_s: int | None = None
    """The broker throws the message away when it has kept it for so long."""
    response_topic: str = ""
    correlation: bytes = b""
    """The answer carries the same."""
    historical: bool = False
    """The user property `h` is `1`: this tells of the past."""


NO_PROPERTIES = Properties()
