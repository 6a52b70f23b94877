"""The code tables are closed, and their numbers mean to SDKs what they say."""

import json

import pytest

from channels.protocol import Disconnect, DisconnectCode, ErrorCode, ProtocolError, UnsubscribeCode
from channels.protocol.codes import reconnects


def test_reconnecting_is_decided_by_the_range() -> None:
    final = {code for code in DisconnectCode if not code.reconnects}
    assert final == {code for code in DisconnectCode if code >= 3500}
    assert [reconnects(code) for code in (1006, 3499, 3500, 3999, 4000, 4499, 4500, 4999, 5000)] == [
        True, True, False, False, True, True, False, False, True,
    ]  # fmt: skip
    assert [code for code in UnsubscribeCode if not code.resubscribes] == [UnsubscribeCode.SERVER]


def test_three_errors_are_temporary() -> None:
    assert {int(code) for code in ErrorCode if code.temporary} == {100, 111, 113}


@pytest.mark.parametrize("table", [ErrorCode, DisconnectCode, UnsubscribeCode])
def test_every_entry_has_words_that_are_no_json_and_a_sentence(table: type[ErrorCode]) -> None:
    for entry in table:
        assert entry.meaning.endswith(".")
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(entry.message)


def test_a_refusal_takes_its_words_from_the_table_or_brings_its_own() -> None:
    assert ProtocolError(103).message == "permission denied"
    assert ProtocolError(ErrorCode.INTERNAL).temporary
    assert (ProtocolError(409, "taken").code, ProtocolError(409, "taken").temporary) == (409, False)
    assert ProtocolError(503, "busy", temporary=True).temporary
    assert Disconnect(3001).reason == "shutdown"
    assert Disconnect(4500, "banned").reason == "banned"
    assert Disconnect(4000).reason == "closed"
