"""Each piece of poison is one: the wire cannot read it, on the leg it is meant for."""

import pytest

from gate_bridge import wire
from simulators.poison import STRANGE_EPOCH, poison


@pytest.mark.parametrize(("wrong", "leg", "payload"), list(poison()))
def test_nobody_can_read_it(wrong: str, leg: str, payload: bytes):
    topic = f"gh/1/1/1/{leg}"

    try:
        message = wire.parse(topic, payload).message
    except wire.Malformed:
        return

    match message:
        case wire.Event():
            assert not wire.is_sealed(message)
        case wire.Batch():
            assert not any(map(wire.is_sealed, message.events))
        case _:
            pytest.fail(f"{wrong} on {leg} was read as {message}")


def test_what_claims_to_be_an_event_claims_none_of_a_real_journal():
    claims = [payload for _, leg, payload in poison() if leg == "up/evt" and b'"s":1' in payload]

    assert claims
    assert all(STRANGE_EPOCH.encode() in payload or b"yesterday" in payload for payload in claims)
