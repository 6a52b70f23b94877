"""What is wrong at a gate is a list on the wire, and a bad member of it is named.

Proves: gate_bridge/wire/messages.py, gate_bridge/wire/reports.py
"""

import pytest

from gate_bridge import wire
from gate_bridge.wire import Malformed

TOPIC = "gh/1/1/1/up/cond"


def test_nothing_wrong_is_an_empty_list():
    assert wire.encode(wire.Conditions(())) == b"[]"
    assert wire.parse(TOPIC, b"[]").message == wire.Conditions(())


def test_a_condition_without_an_event_of_its_own_is_one_too():
    (condition,) = wire.parse(TOPIC, b'[{"k":"jam","since":5,"zz":1}]').message.current  # type: ignore[union-attr]

    assert condition == wire.Condition(kind="jam", since_ms=5, seq=0)


@pytest.mark.parametrize(
    ("payload", "name", "reason"),
    [
        (b'{"k":"jam","since":1}', "payload", "Expected `array`"),
        (b'[{"k":"jam","since":1},{"k":"rust","since":1}]', "[1].k", "Invalid enum value"),
        (b'[{"k":"jam"}]', "[0].since", "missing"),
        (b'[{"k":"jam","since":-1}]', "[0].since", ">= 0"),
        (b'[{"k":"jam","since":1,"s":"x"}]', "[0].s", "Expected `int`"),
        (
            b'[{"k":"jam","since":1},{"k":"fire","since":1},{"k":"jam","since":2}]',
            "[2].k",
            "names jam a second time",
        ),
        (b"[" + b",".join([b'{"k":"jam","since":1}'] * 8) + b"]", "payload", "length <= 7"),
    ],
)
def test_a_bad_one_is_named_with_its_fault(payload: bytes, name: str, reason: str):
    with pytest.raises(Malformed) as caught:
        wire.parse(TOPIC, payload)

    assert caught.value.field == name and reason in caught.value.reason
