"""The WebSocket upgrade without I/O: a request's line and headers in, an acceptance or a refusal out.

1. The codec is that of the first offered subprotocol we serve, else that of the query (`?format=protobuf`), else JSON.
   A client that offers only what we do not serve is accepted, to be told so by a close code its SDK understands.
2. Only what was offered is echoed, and an empty offer is none: centrifuge-python before 0.6.1 makes one.
3. Browsers say where a page comes from, and only pages of ours may connect; who says nothing is no browser.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from channels.protocol.codec import Codec
from channels.protocol.codecs import CODECS, codec_named

PATH: Final = b"/connection/websocket"
LONGEST_AGENT: Final = 200
NOTHING: Final[Mapping[str, str]] = {}

_BEGINNING: Final = b"GET " + PATH
_VERSION: Final = b" HTTP/1.1"
_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
JSON: Final = CODECS[0]
_SUBPROTOCOLS: Final = {codec.subprotocol.encode(): codec for codec in CODECS}
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

Headers = Sequence[tuple[bytes, bytes]]
"""In their order, names in lower case."""


class Accepted(Struct, frozen=True):
    """The answer 101, and what was agreed on."""

    response: bytes
    codec: Codec | None
    """None where the client offers only subprotocols that are not served."""
    frame_pings: bool
    """Whether pings are WebSocket frames instead of messages."""


class Refused(Exception):
    """The upgrade is answered with an error."""

    def __init__(self, status: HTTPStatus, why: str, detail: str, extra: Mapping[str, str] = NOTHING) -> None:
        super().__init__(f"{int(status)} {detail}")
        self.status = status
        self.why = why
        """One word for who counts."""
        problem = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
        body = msgspec.json.encode(problem)
        lines = [
            f"HTTP/1.1 {int(status)} {status.phrase}",
            "Content-Type: application/problem+json",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in extra.items()),
            "Connection: close",
        ]
        self.response = "\r\n".join([*lines, "", ""]).encode() + body


class Origins:
    """Which pages may connect: those of this host, and those that are named."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """``allowed`` are origins such as `https://app.example.com`, with `*` for any part of a name."""
        self._allowed = tuple(origin.lower().rstrip("/") for origin in allowed)

    def admit(self, origin: str, host: str) -> bool:
        """Whether a page of ``origin`` may connect to ``host``."""
        origin = origin.lower()
        scheme, _, place = origin.partition("://")
        port = _DEFAULT_PORTS.get(scheme, "")
        if place and place.removesuffix(port) == host.lower().removesuffix(port):
            return True
        return any(fnmatchcase(origin, allowed) for allowed in self._allowed)


def read_request(data: bytes) -> tuple[bytes, Headers, bytes] | None:
    """Read a plain request for an upgrade at our path: its target, its headers, and what came behind it.

    None where it is anything else, not whole or not well-formed: that is for an HTTP parser to see.
    """
    if not data.startswith(_BEGINNING):
        return None
    head, end, behind = data.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    if not end or not line.endswith(_VERSION) or b"\0" in head or head.count(b"\n") != len(lines):
        return None
    headers = []
    for text in lines:
        name, colon, value = text.partition(b":")
        if not colon or name.split() != [name]:
            return None
        headers.append((name.lower(), value.strip()))
    target, single = line[4 : -len(_VERSION)], dict(headers)
    connection = single.get(b"connection", b"").lower().replace(b" ", b"").split(b",")
    upgrades = single.get(b"upgrade", b"").lower() == b"websocket" and b"upgrade" in connection
    if not upgrades or not is_ours(target) or not _BODY.isdisjoint(single):
        return None
    return target, headers, behind


def is_ours(target: bytes) -> bool:
    """Whether a request's target is the path of the socket."""
    return target == PATH or target.startswith(PATH + b"?")


def accept(method: bytes, target: bytes, headers: Headers, origins: Origins) -> Accepted:
    """Judge a request for an upgrade to WebSocket; raises Refused."""
    single = dict(headers)
    if method != b"GET":
        raise Refused(
            HTTPStatus.METHOD_NOT_ALLOWED, "method", "a socket is opened with GET", {"Allow": "GET"}
        )
    if single.get(b"sec-websocket-version") != b"13":
        wanted = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        raise Refused(
            HTTPStatus.UPGRADE_REQUIRED, "version", "Sec-WebSocket-Version 13 is spoken here", wanted
        )
    key = single.get(b"sec-websocket-key", b"").strip()
    if not _is_key(key):
        raise Refused(HTTPStatus.BAD_REQUEST, "key", "Sec-WebSocket-Key must be 16 bytes in base64")
    origin = single.get(b"origin")
    if origin is not None and not origins.admit(_text(origin), _text(single.get(b"host", b""))):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "origin",
            "pages of this origin may not connect; WEBSOCKET_ORIGINS names those that may",
        )
    codec, echo = _choose(_offers(headers)) if b"sec-websocket-protocol" in single else (JSON, b"")
    _, _, query = target.partition(b"?")
    frame_pings = False
    if query:
        wishes = parse_qs(_text(query))
        frame_pings = wishes.get("cf_ws_frame_ping_pong") == ["true"]
        if not echo and codec is not None:
            codec = _asked(wishes) or codec
    return Accepted(_switching(key, echo), codec, frame_pings)


def agent_of(headers: Headers) -> str:
    """Return the program that connects, as it calls itself."""
    return next((_text(value)[:LONGEST_AGENT] for name, value in headers if name == b"user-agent"), "")


def forwarded_for(headers: Headers) -> str:
    """Return the chain of addresses that proxies have seen, empty where there is none."""
    return ", ".join(_text(value) for name, value in headers if name == b"x-forwarded-for")


def _offers(headers: Headers) -> list[bytes]:
    lines = [value for name, value in headers if name == b"sec-websocket-protocol"]
    return [offer for line in lines for part in line.split(b",") if (offer := part.strip())]


def _choose(offers: list[bytes]) -> tuple[Codec | None, bytes]:
    """Return the codec and the subprotocol to echo."""
    if not offers:
        return JSON, b""
    chosen = next((offer for offer in offers if offer in _SUBPROTOCOLS), None)
    return (None, b"") if chosen is None else (_SUBPROTOCOLS[chosen], chosen)


def _asked(wishes: dict[str, list[str]]) -> Codec | None:
    names = wishes.get("format", []) + wishes.get("cf_protocol", [])
    return next((codec for name in names if (codec := codec_named(name)) is not None), None)


def _is_key(key: bytes) -> bool:
    try:
        return len(key) == 24 and len(binascii.a2b_base64(key)) == 16
    except binascii.Error:
        return False


def _switching(key: bytes, echo: bytes) -> bytes:
    accepted = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    protocol = b"Sec-WebSocket-Protocol: " + echo + b"\r\n" if echo else b""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accepted
        + b"\r\n"
        + protocol
        + b"\r\n"
    )


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()
