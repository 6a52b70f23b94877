"""Where a broker is, as an URL tells it."""

from urllib.parse import urlsplit

from msgspec import Struct

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Where brokers listen when an URL does not say it, by its scheme."""


class Address(Struct, frozen=True):
    """A broker's host and port, and whether one speaks TLS there."""

    host: str
    port: int
    secure: bool


def address(url: str) -> Address:
    """Reads `mqtt://host:port` or `mqtts://host:port`; the port may be left out.

    Raises:
        ValueError: it is no such URL; the message tells what it must be, and not what it is.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must have a port from 1 to 65535, and an IPv6 address in brackets") from None
    if parts.scheme not in PORTS:
        raise ValueError("must begin with mqtt:// or mqtts://")
    if not host or any(letter.isspace() for letter in host):
        raise ValueError("must name a host")
    if port == 0:
        raise ValueError("must have a port from 1 to 65535")
    return Address(host, port or PORTS[parts.scheme], parts.scheme == "mqtts")
