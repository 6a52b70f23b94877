"""Messages that cannot be read, of every kind and on every leg: what a broken or hostile device might say."""

from collections.abc import Iterator

import msgspec

from gate_bridge import wire

STRANGE_EPOCH = "00000000deadbeef"
"""Of events that can nearly be read; no journal has it."""
_EVENT = {
    "e": STRANGE_EPOCH,
    "s": 1,
    "t": 0,
    "tq": "ok",
    "k": "boot",
    "src": "online",
    "ph": wire.GENESIS,
    "h": wire.GENESIS,
}
_EVENTS: dict[str, object] = {
    "a hash of something else": _EVENT,
    "a moment after the year 3000": _EVENT | {"t": 10**15},
    "an unknown kind": _EVENT | {"k": "party"},
    "a person without a salt": _EVENT | {"p": 7},
    "a decision without a result": _EVENT | {"k": "decision"},
    "a number of no event": _EVENT | {"s": 0},
    "a number as text": _EVENT | {"s": "1"},
    "an epoch that is none": _EVENT | {"e": "yesterday"},
    "a zero character in a name": _EVENT | {"x": {"a\0b": 1}},
}
_ANYWHERE: dict[str, bytes] = {
    "nothing but a bracket": b"{",
    "no text": b"\xff\xfe\x00",
    "a list": b"[1]",
    "null": b"null",
    "an empty object": b"{}",
    "very deep": b"[" * 5_000,
    "too long": b'{"e":"' + b"0" * (64 * 1024) + b'"}',
}
LEGS = tuple(leg for leg in wire.QOS if leg.startswith("up/"))


def poison() -> Iterator[tuple[str, str, bytes]]:
    """Yields what is wrong, the leg, and the payload."""
    for leg in LEGS:
        for wrong, payload in _ANYWHERE.items():
            # Who asks for a list without saying anything more asks for all of it.
            if (leg, payload) != ("up/al/get", b"{}"):
                yield wrong, leg, payload
    for wrong, event in _EVENTS.items():
        yield wrong, "up/evt", msgspec.json.encode(event)
    batch = {"e": STRANGE_EPOCH, "ev": list(_EVENTS.values()), "h": 1}
    yield "a batch of which nothing can be read", "up/batch", msgspec.json.encode(batch)
    yield "a leg that there is not", "up/party", b"{}"
    yield "a leg of the server", "dn/ack", b"{}"
