"""The words of notifications and letters, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

Kind = Literal["guest_arrived", "guest_pass_requested", "alarm_escalated"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, with the names of the moment; a guest or site that is no longer there has none."""

    guest: str | None
    site: str | None
    zone: str = "UTC"
    at: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    alarm: str | None = None
    gate: str | None = None


class Words(msgspec.Struct, frozen=True):
    """A heading and a sentence."""

    title: str
    text: str


WORDS: Final[Mapping[str, Mapping[str, Words]]] = {
    "guest_arrived": {
        "en": Words("Your guest has arrived", "{guest} came in at {site}, {at}."),
        "ru": Words("Ваш гость пришёл", "{guest}: вход на «{site}», {at}."),
    },
    "guest_pass_requested": {
        "en": Words("You are expecting a guest", "{guest} may come to {site} from {start} to {end}."),
        "ru": Words("Вы ждёте гостя", "{guest}: пропуск на «{site}» с {start} по {end}."),
    },
    "alarm_escalated": {
        "en": Words(
            "Nobody sees to an alarm", "{alarm}, {gate} at {site}, since {at}. Nobody has acknowledged it."
        ),
        "ru": Words("Тревогу никто не принял", "{alarm}: {gate}, «{site}», с {at}. Её никто не подтвердил."),
    },
}
ALARMS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "held_open": "Held open too long",
        "forced": "Forced open",
        "tamper": "Tampered with",
        "fire": "Fire",
        "jam": "Jammed",
        "psu": "Power fails",
        "tailgate": "Two on one pass",
        "contradiction": "The gate may have been cloned",
        "double_use": "A pass was used twice",
        "watch_list": "Somebody from the watch-list",
        "silent": "Oddly quiet",
        "denying": "Refuses far more than its neighbours",
        "gate_lost": "Gate lost",
        "gap": "Events are missing",
        "clock": "Clock is wrong",
        "battery": "Battery is low",
        "unnamed": "An alarm without a name",
    },
    "ru": {
        "held_open": "Проход долго открыт",
        "forced": "Проход взломан",
        "tamper": "Вскрытие устройства",
        "fire": "Пожар",
        "jam": "Проход заклинило",
        "psu": "Сбой питания",
        "tailgate": "Вдвоём по одному пропуску",
        "contradiction": "Возможно, проход подменён",
        "double_use": "Пропуск использован дважды",
        "watch_list": "Человек из списка наблюдения",
        "silent": "Необычно тихо",
        "denying": "Отказывает намного чаще соседних",
        "gate_lost": "Проход потерян",
        "gap": "Не хватает событий",
        "clock": "Часы неверны",
        "battery": "Батарея садится",
        "unnamed": "Тревога без названия",
    },
}
OTHERWISE: Final = {
    "en": Words("News from Gatehouse", "Something concerns you."),
    "ru": Words("Новости Gatehouse", "Есть событие, которое касается вас."),
}
NOBODY: Final = {"en": "A guest", "ru": "Гость"}
ALARM: Final = {"en": "An alarm", "ru": "Тревога"}
WHOLE_SITE: Final = {"en": "no gate in particular", "ru": "весь объект"}
NOWHERE: Final = {"en": "the site", "ru": "объект"}
MOMENT: Final = {"en": "%d %b %Y %H:%M", "ru": "%d.%m.%Y %H:%M"}

INVITATION: Final = {
    "en": Words(
        "Your pass to {site}",
        """Hello {guest},

{host} expects you at {site} from {start} to {end} ({zone}).

The attached picture is your pass: show it to the reader at the gate, on a screen or on paper. You also find it here:

{link}

Both are meant for you only; whoever has them can come in.
""",
    ),
    "ru": Words(
        "Ваш пропуск: {site}",
        """Здравствуйте, {guest}!

{host} ждёт вас: {site}, с {start} по {end} ({zone}).

Во вложении ваш пропуск: покажите его считывателю у входа с экрана или на бумаге. Он есть и по ссылке:

{link}

То и другое предназначено только вам: войти сможет любой, у кого они есть.
""",
    ),
}
LIVE_INVITATION: Final = {
    "en": Words(
        INVITATION["en"].title,
        """Hello {guest},

{host} expects you at {site} from {start} to {end} ({zone}).

Your pass is a code that changes every half minute. Open it on your phone once before you come; then it needs no signal:

{link}

It is meant for you only; whoever has the link can come in.
""",
    ),
    "ru": Words(
        INVITATION["ru"].title,
        """Здравствуйте, {guest}!

{host} ждёт вас: {site}, с {start} по {end} ({zone}).

Ваш пропуск — код, который меняется каждые полминуты. Откройте его на телефоне один раз заранее, и связь не понадобится:

{link}

Ссылка предназначена только вам: войти сможет любой, у кого она есть.
""",
    ),
}


def language(locale: str) -> str:
    """Return the language to write in for this locale, such as ``ru-RU``."""
    chosen = locale.replace("_", "-").partition("-")[0].lower()
    return chosen if chosen in MOMENT else "en"


def words(kind: str, told: Told, locale: str) -> Words:
    """Return what a notification of this kind says; of a kind this version does not know, that there is one."""
    spoken = language(locale)
    return _filled(WORDS.get(kind, OTHERWISE)[spoken], told, spoken)


def invitation(told: Told, host: str, link: str, locale: str, *, live: bool = False) -> Words:
    """Return the letter that brings a guest their pass, or where that is ``live`` the way to it."""
    spoken = language(locale)
    template = (LIVE_INVITATION if live else INVITATION)[spoken]
    return _filled(template, told, spoken, host=host, link=link)


def _filled(template: Words, told: Told, spoken: str, **more: str) -> Words:
    names = {
        "guest": told.guest or NOBODY[spoken],
        "site": told.site or NOWHERE[spoken],
        "zone": told.zone,
        "alarm": ALARMS[spoken].get(told.alarm or "", told.alarm or ALARM[spoken]),
        "gate": told.gate or WHOLE_SITE[spoken],
        "at": _moment(told.at, told.zone, spoken),
        "start": _moment(told.start, told.zone, spoken),
        "end": _moment(told.end, told.zone, spoken),
        **more,
    }
    return Words(template.title.format_map(names), template.text.format_map(names))


def _moment(moment: datetime | None, zone: str, spoken: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime(MOMENT[spoken]) if moment else "…"
