"""Each reason can be told to a person."""

import pytest

from domain.access.rules.reasons import Reason, words


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_has_words_and_a_next_action_in_both_languages(reason: Reason):
    english, russian = words(reason), words(reason, "ru")

    assert all(text.endswith(".") for text in (english.text, english.action, russian.text, russian.action))
    assert (english.text + english.action).isascii()
    assert any("а" <= letter <= "я" for letter in russian.text)
