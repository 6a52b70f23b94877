"""Letters speak the reader's language and carry their token behind the hash.

Proves: domain/identity/rules/addressee.py
"""

from domain.identity.rules.addressee import Addressee
from domain.identity.rules.letters import SUBJECTS, TEXTS, password_reset


def test_a_letter_brings_its_token():
    reader = Addressee(name="Maria {0}", email="maria@example.com", locale="en")

    letter = password_reset(reader, token="TOKEN", public_url="https://house.example", key="k")

    assert (letter.to, letter.key) == ("maria@example.com", "password-reset-k")
    assert "https://house.example/app/reset-password#token=TOKEN\n" in letter.text
    assert "Maria {0}" in letter.text
    assert "30 minutes" in letter.text


def test_a_language_without_a_letter_gets_the_english_one():
    reader = Addressee(name="Jean", email="jean@example.com", locale="fr")

    assert password_reset(reader, token="T", public_url="", key="k").subject == SUBJECTS["en"]
    assert SUBJECTS.keys() == TEXTS.keys()
