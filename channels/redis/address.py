"""Where Redis is and how it is entered, as an URL says it.

`redis://`, `rediss://` (TLS) and `unix://`; a password, a user and the number of a database as everywhere. Of a cluster
any members may be named: `redis://one:6379,two:6379`; the others are learned from them.
"""

import ssl
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

PORT: Final = 6379


class Address(Struct, frozen=True):
    """One server: a host and port, or the path of a socket."""

    host: str
    port: int = 0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


class Access(Struct, frozen=True, kw_only=True):
    """How every server of an URL is entered."""

    seeds: tuple[Address, ...]
    user: str = ""
    password: str = ""
    database: int = 0
    tls: ssl.SSLContext | None = None

    def greeting(self) -> list[tuple[str | int, ...]]:
        """The commands a new connection begins with."""
        enter = ("AUTH", self.user, self.password) if self.user else ("AUTH", self.password)
        return [*([enter] if self.password else []), *([("SELECT", self.database)] if self.database else [])]


def read_url(url: str) -> Access:
    """Take an URL apart; raises ValueError for what is none of ours."""
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    seeds: tuple[Address, ...]
    if parts.scheme == "unix":
        seeds, database = (Address(unquote(parts.path)),), options.get("db", "0")
    elif parts.scheme in ("redis", "rediss"):
        seeds = tuple(read_address(host or "localhost") for host in hosts.split(","))
        database = parts.path.strip("/") or options.get("db", "0")
    else:
        raise ValueError(f"an address of Redis does not begin with {parts.scheme}://")
    return Access(
        seeds=seeds,
        user=unquote(user) or options.get("username", ""),
        password=unquote(password) or options.get("password", ""),
        database=int(database),
        tls=_tls(options) if parts.scheme == "rediss" else None,
    )


def read_address(text: str) -> Address:
    """Read `host`, `host:port`, or `[IPv6]:port`."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(PORT)
    return Address(host.strip("[]"), int(port))


def _tls(options: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_check_hostname", "true").lower() in ("false", "no", "0"):
        context.check_hostname = False
    if options.get("ssl_cert_reqs", "required").lower() == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
