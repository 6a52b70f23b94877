"""Every kind has words in every language, and no name can break them."""

import re
from datetime import UTC, datetime
from typing import get_args

import pytest

from domain.access.rules.alarm_kinds import ALARM_KINDS
from domain.notifications.rules import (
    ALARMS,
    INVITATION,
    MOMENT,
    WORDS,
    Kind,
    Told,
    invitation,
    language,
    words,
)
from tests.architecture.sources import ROOT

DASHBOARD = ROOT / "dashboard/src"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOLD = Told(guest="Zoë", site="Loft", zone="Europe/Moscow", at=NOON, start=NOON, end=NOON)


@pytest.mark.parametrize("kind", [*WORDS, "a kind of the next version"])
@pytest.mark.parametrize("locale", ["en", "ru", "en-GB", "ru_RU", "fr", ""])
def test_there_are_words_for_all(kind: str, locale: str):
    said = words(kind, TOLD, locale)

    assert said.title
    assert "{" not in said.title + said.text


def test_every_language_knows_every_kind():
    assert all(set(by_language) == set(MOMENT) for by_language in [*WORDS.values(), INVITATION])


def test_every_language_has_words_for_every_alarm_that_is_raised():
    assert {spoken: set(kinds) for spoken, kinds in ALARMS.items()} == {
        key: set(ALARM_KINDS) for key in MOMENT
    }


@pytest.mark.parametrize("spoken", sorted(MOMENT))
def test_the_dashboard_has_words_for_every_alarm_that_is_raised(spoken: str):
    table = (DASHBOARD / f"words/duty.{spoken}.ts").read_text().partition("kinds: {")[2].partition("}")[0]

    assert set(re.findall(r"^ +(\w+): '.+',$", table, re.MULTILINE)) == set(ALARM_KINDS)


def test_the_dashboard_has_a_look_for_every_kind():
    looks = (DASHBOARD / "parts/notice-tone.ts").read_text().partition("= {")[2].partition("}")[0]

    assert set(re.findall(r"^ +(\w+): '\w+',$", looks, re.MULTILINE)) == set(get_args(Kind))


def test_moments_are_those_of_the_place():
    assert "15:00" in words("guest_arrived", TOLD, "en").text


def test_what_is_gone_has_a_general_name():
    said = words("guest_arrived", Told(guest=None, site=None), "en")

    assert said.text == "A guest came in at the site, …."


def test_braces_in_names_stay_braces():
    said = words("guest_arrived", Told(guest="{site.__class__}", site="{0}"), "en")

    assert said.text.startswith("{site.__class__} came in at {0}")


def test_an_invitation_names_host_and_hours():
    said = invitation(TOLD, "Anna", "https://gates.example/app/pass/x", "ru")

    assert said.title == "Ваш пропуск: Loft"
    assert "Anna ждёт вас: Loft, с 02.03.2026 15:00 по 02.03.2026 15:00 (Europe/Moscow)" in said.text


def test_an_invitation_to_a_live_pass_speaks_of_the_link_alone():
    said = invitation(TOLD, "Anna", "https://gates.example/app/pass/x", "en", live=True)

    assert "https://gates.example/app/pass/x" in said.text
    assert "picture" not in said.text


@pytest.mark.parametrize(
    ("locale", "expected"), [("ru-RU", "ru"), ("RU", "ru"), ("en_US", "en"), ("de", "en"), ("", "en")]
)
def test_a_locale_has_a_language(locale: str, expected: str):
    assert language(locale) == expected
