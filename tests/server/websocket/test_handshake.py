"""The upgrade: who is let in, with which codec, and how the others are told."""

import msgspec
import pytest

from channels.protocol.codecs import CODECS
from server.websocket.handshake import (
    JSON,
    PATH,
    Accepted,
    Headers,
    Origins,
    Refused,
    accept,
    agent_of,
    forwarded_for,
    is_ours,
)

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ASKED = (
    (b"host", b"hub.example.com"),
    (b"upgrade", b"websocket"),
    (b"connection", b"Upgrade"),
    (b"sec-websocket-key", KEY),
    (b"sec-websocket-version", b"13"),
)


def asked(
    *extra: tuple[bytes, bytes], without: bytes = b"", query: bytes = b"", allowed: str = ""
) -> Accepted:
    headers = [header for header in ASKED if header[0] != without] + list(extra)
    return accept(b"GET", PATH + query, headers, Origins(allowed.split()))


def offering(*lines: bytes, query: bytes = b"") -> tuple[str, bytes]:
    """Return the codec and what is echoed."""
    accepted = asked(*((b"sec-websocket-protocol", line) for line in lines), query=query)
    _, found, rest = accepted.response.partition(b"Sec-WebSocket-Protocol: ")
    return accepted.codec.name if accepted.codec else "none", rest.split(b"\r\n")[0] if found else b""


def refusal(*extra: tuple[bytes, bytes], without: bytes = b"", allowed: str = "") -> tuple[int, bytes]:
    with pytest.raises(Refused) as refused:
        asked(*extra, without=without, allowed=allowed)
    return refused.value.status, refused.value.response


def test_the_answer_is_that_of_the_standards_example() -> None:
    head = asked().response.split(b"\r\n")
    assert head[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert {b"Upgrade: websocket", b"Connection: Upgrade"} < set(head)
    assert head[-2:] == [b"", b""]


def test_who_offers_nothing_speaks_json() -> None:
    assert asked().codec is JSON
    assert offering(b"") == ("json", b"")
    assert offering(b" , ") == ("json", b"")


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_what_is_offered_and_served_is_chosen_and_echoed(codec) -> None:
    name = codec.subprotocol.encode()
    assert offering(name) == (codec.name, name)
    assert offering(b"mqtt, " + name + b" ,x") == (codec.name, name)
    assert offering(b"mqtt", name) == (codec.name, name)
    assert offering(b"", query=b"?format=" + codec.name.encode()) == (codec.name, b"")
    assert offering(query=b"?x=1&cf_protocol=" + codec.name.encode()) == (codec.name, b"")


def test_the_clients_own_order_counts() -> None:
    for first in CODECS:
        offers = [first, *(codec for codec in CODECS if codec is not first)]
        assert offering(b",".join(c.subprotocol.encode() for c in offers))[0] == first.name


def test_only_what_is_not_served_is_accepted_without_a_codec() -> None:
    assert offering(b"mqtt, graphql-ws") == ("none", b"")
    assert offering(b"mqtt", query=b"?format=json") == ("none", b"")
    assert offering(query=b"?format=xml") == ("json", b"")


def test_pings_as_frames_are_asked_for() -> None:
    assert asked(query=b"?cf_ws_frame_ping_pong=true").frame_pings
    assert not asked(query=b"?cf_ws_frame_ping_pong=false").frame_pings
    assert not asked().frame_pings


def test_requests_that_cannot_be_upgraded_are_told_why() -> None:
    status, response = refusal((b"sec-websocket-version", b"8"))
    assert (status, b"\r\nSec-WebSocket-Version: 13\r\n" in response) == (426, True)
    assert refusal(without=b"sec-websocket-version")[0] == 426
    assert refusal(without=b"sec-websocket-key")[0] == 400
    for key in (b"", b"short", b"x" * 24, b"dGhlIHNhbXBsZSBub25jZTE2Nz==", KEY + KEY, b"\xff" * 24):
        assert refusal((b"sec-websocket-key", key))[0] == 400
    with pytest.raises(Refused, match="405"):
        accept(b"POST", PATH, ASKED, Origins())
    head, _, body = response.partition(b"\r\n\r\n")
    problem = msgspec.json.decode(body)
    assert (problem["status"], problem["title"]) == (426, "Upgrade Required")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    assert b"Connection: close" in head.split(b"\r\n")


@pytest.mark.parametrize(
    ("origin", "host", "admitted"),
    [
        ("https://hub.example.com", "hub.example.com", True),
        ("http://hub.example.com:80", "hub.example.com", True),
        ("https://HUB.example.com", "hub.example.com:443", True),
        ("http://localhost:8080", "localhost:8080", True),
        ("http://localhost:8080", "localhost:8081", False),
        ("https://evil.example.org", "hub.example.com", False),
        ("https://hub.example.com.evil.org", "hub.example.com", False),
        ("null", "hub.example.com", False),
        ("", "", False),
        ("https://app.example.com", "hub.example.com", True),
        ("https://a.guests.example.com", "hub.example.com", True),
        ("http://a.guests.example.com", "hub.example.com", False),
    ],
)
def test_pages_of_this_host_and_of_named_origins_may_connect(origin: str, host: str, admitted: bool) -> None:
    allowed = Origins(["https://App.example.com/", "https://*.guests.example.com"])
    assert allowed.admit(origin, host) == admitted
    assert Origins(["*"]).admit(origin, host)


def test_an_origin_counts_only_where_there_is_one() -> None:
    assert asked().codec is JSON
    assert asked((b"origin", b"http://hub.example.com")).codec is JSON
    assert asked((b"origin", b"http://x.org"), allowed="http://x.org").codec is JSON
    status, response = refusal((b"origin", b"http://x.org"))
    assert (status, b"WEBSOCKET_ORIGINS" in response) == (403, True)


def test_the_path_is_ours_with_and_without_a_query() -> None:
    assert [is_ours(target) for target in (PATH, PATH + b"?a=1", PATH + b"/x", b"/", PATH[:-1])] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_who_connects_from_where_is_read_from_the_headers() -> None:
    headers: Headers = [
        (b"user-agent", b"x" * 300),
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x-forwarded-for", b"2.2.2.2"),
    ]
    assert (agent_of(headers), forwarded_for(headers)) == ("x" * 200, "1.1.1.1, 2.2.2.2")
    assert (agent_of([]), forwarded_for([])) == ("", "")
