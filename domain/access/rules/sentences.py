"""The sentences of `explanation`, in English and Russian: one per rule that was kept, and one per reason."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime

from msgspec import Struct

from domain.access.rules.reasons import Language
from domain.access.rules.verdict import Waiver


class Sentences(Struct, frozen=True, kw_only=True):
    """What is said in one language; braces hold what `explanation` finds in a trace."""

    language: Language
    opened: str
    shut: str
    all_met: str
    skipped: str
    met: str
    kept: Mapping[str, str]
    broken: Mapping[str, str]
    waivers: Mapping[Waiver, str]
    come_back: str
    go_to: str
    come_within: str
    another_day: str
    wait_minutes: str
    closed_all_day: str
    street: str
    some_zone: str
    holiday: str
    weekdays: Sequence[str]
    months: Sequence[str]
    time_and_day: str
    one_day: str
    two_days: str
    and_: str
    minutes: Callable[[int], str]

    def window(self, begin: datetime, end: datetime, now: datetime | None) -> str:
        """Returns from when to when, naming a day once."""
        form = self.one_day if begin.date() == end.date() else self.two_days
        named = {"begin": _time(begin), "end": _time(end)}
        return form.format(**named, day=self._day(begin, now), last=self._day(end, now))

    def at(self, moment: datetime, now: datetime | None) -> str:
        """Returns a time and its day."""
        return self.time_and_day.format(time=_time(moment), day=self._day(moment, now))

    def now(self, moment: datetime, named: Collection[date]) -> str:
        """Returns the time it was, with its day unless that alone has just been named."""
        return _time(moment) if named == {moment.date()} else self.at(moment, moment)

    def listed(self, names: Sequence[str]) -> str:
        """Returns names with commas and a last `and`."""
        if len(names) < 2:
            return "".join(names)
        return f"{', '.join(names[:-1])} {self.and_} {names[-1]}"

    def _day(self, moment: datetime, now: datetime | None) -> str:
        day = f"{moment.day} {self.months[moment.month - 1]}"
        return day if now is not None and now.year == moment.year else f"{day} {moment.year}"


def _time(moment: datetime) -> str:
    return f"{moment.hour:02}:{moment.minute:02}"


def _english_minutes(count: int) -> str:
    return f"{count} minute" if count == 1 else f"{count} minutes"


def _russian_minutes(count: int) -> str:
    if count % 10 == 1 and count % 100 != 11:
        return f"{count} минуту"
    few = count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14)
    return f"{count} минуты" if few else f"{count} минут"


_ENGLISH = Sentences(
    language="en",
    opened="The gate opened.",
    shut="The gate stayed shut.",
    all_met="Every rule was met.",
    skipped="There was nothing to look at.",
    met="The rule was met.",
    kept={
        "token/qr": "The code is a pass of ours.",
        "token/nfc": "The card belongs to a pass.",
        "token/pin": "The PIN belongs to a pass.",
        "token/plate": "The plate belongs to a pass.",
        "standing": "The pass is known, was not withdrawn and owes nothing.",
        "window": "Valid {window}; it was {now}.",
        "hours": "Open {hours}; it was {clock}.",
        "place": "It may go into {zone}.",
        "watch_list": "Its holder is not on the watch-list.",
        "watch_list/watched": "Its holder is on the watch-list, to be let in while somebody is told.",
        "mode": "The gate is in service and not locked (mode: {mode}).",
        "first_person": "The area was opened today.",
        "first_person/opens": "Its holder may open the area, and did.",
        "live_code": "The rotating code was fresh, {age} seconds old.",
        "reuse": "Last seen in {inside}, {entered} entries so far: nothing against another one into {zone}.",
        "order": "It was seen in {leaves}, the area before this one.",
        "capacity": "{inside} of {capacity} were inside and {held} on the way in.",
        "escort": "Somebody who may escort it is there.",
        "second_person": "Somebody is in the area already, or on the way in.",
        "second_person/accompanied": "Another pass was shown a moment ago and waits for this one.",
    },
    broken={
        "unknown": "What was shown belongs to no pass that the gate knows.",
        "too_many_tries": "{failures} wrong PINs were tried at this gate within a minute; at most {most} may be.",
        "not_yet": "Valid {window}; it was {now}.",
        "expired": "Valid {window}; it was {now}.",
        "out_of_hours": "On that day open: {hours_or_none}; it was {clock}.",
        "out_of_hours/no_clock": "It has hours, and nobody knew the time of the site.",
        "wrong_venue": "The pass is for site {pass_site}, the gate is of site {site}.",
        "wrong_zone": "The gate leads into {zone}; the pass opens {own}.",
        "blocked": "Its holder is on the watch-list, to be refused.",
        "lockdown": "The gate lets nobody in (mode: {mode}).",
        "stale_code": "The rotating code was {age} seconds old.",
        "stale_code/missing": "The pass shows a rotating code, and none came with it.",
        "stale_code/foreign": "The rotating code was not made by the phone of this pass.",
        "stale_code/used": "The rotating code was used for this area before.",
        "already_used": "A pass for one entry, with {entered} so far.",
        "passback": "Last seen in {inside}, and not seen leaving.",
        "passback/held": "The pass was admitted a moment ago, and that passage has not come yet.",
        "passback/timed": "It walked in {ago} ago and may do so again in {minutes}.",
        "out_of_order": "Last seen in {inside}, and this gate is for those who were seen in {leaves}.",
        "full": "{inside} of {capacity} are inside and {held} on the way in.",
        "not_open": "Nobody who may open the area has entered it today.",
    },
    waivers={
        "exit": "It did not count, since nobody is held inside.",
        "free": "It did not count, since the gate stood free.",
        "open": "It did not count, since this area lets everybody in while the gate has no connection.",
        "soft": "It was noted and did not count.",
    },
    come_back="Come back at {begin}.",
    go_to="Go to {gates}.",
    come_within="Come back during its hours; on that day {hours}.",
    another_day="Come back on another day; it does not open on that one.",
    wait_minutes="Try again in {minutes}, or ask at the desk.",
    closed_all_day="not at all",
    street="the street",
    some_zone="area {}",
    holiday="a holiday",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December"),
    time_and_day="{time} on {day}",
    one_day="from {begin} to {end} on {day}",
    two_days="from {begin} on {day} to {end} on {last}",
    and_="or",
    minutes=_english_minutes,
)  # fmt: skip

_RUSSIAN = Sentences(
    language="ru",
    opened="Проход открылся.",
    shut="Проход не открылся.",
    all_met="Выполнены все правила.",
    skipped="Смотреть было не на что.",
    met="Правило выполнено.",
    kept={
        "token/qr": "Код — наш пропуск.",
        "token/nfc": "Карта принадлежит пропуску.",
        "token/pin": "PIN-код принадлежит пропуску.",
        "token/plate": "Номер машины принадлежит пропуску.",
        "standing": "Пропуск известен, не отозван и оплачен.",
        "window": "Действует {window}; было {now}.",
        "hours": "Открыто {hours}; было: {clock}.",
        "place": "Пропуск открывает зону «{zone}».",
        "watch_list": "Владельца нет в списке наблюдения.",
        "watch_list/watched": "Владелец в списке наблюдения: впустить и сообщить.",
        "mode": "Проход работает и не закрыт (режим: {mode}).",
        "first_person": "Сегодня зону уже открыли.",
        "first_person/opens": "Владелец вправе открыть зону, и открыл её.",
        "live_code": "Меняющийся код свежий: {age} с.",
        "reuse": "Последнее место — {inside}, входов до сих пор: {entered}; вход в зону «{zone}» возможен.",
        "order": "Пропуск видели в зоне «{leaves}», которая перед этой.",
        "capacity": "Внутри {inside} из {capacity}, входят ещё {held}.",
        "escort": "Сопровождающий на месте.",
        "second_person": "В зоне уже кто-то есть или входит.",
        "second_person/accompanied": "Только что приложили другой пропуск, и он ждёт этого.",
    },
    broken={
        "unknown": "Показанное не принадлежит ни одному известному проходу пропуску.",
        "too_many_tries": "За минуту здесь ввели неверных PIN-кодов: {failures}; допускается не больше {most}.",
        "not_yet": "Действует {window}; было {now}.",
        "expired": "Действует {window}; было {now}.",
        "out_of_hours": "В тот день открыто: {hours_or_none}; было: {clock}.",
        "out_of_hours/no_clock": "У пропуска есть часы, а времени объекта никто не знал.",
        "wrong_venue": "Пропуск на объект {pass_site}, а проход на объекте {site}.",
        "wrong_zone": "Проход ведёт в зону «{zone}», а пропуск открывает: {own}.",
        "blocked": "Владелец в списке наблюдения: не впускать.",
        "lockdown": "Проход никого не впускает (режим: {mode}).",
        "stale_code": "Меняющемуся коду {age} с.",
        "stale_code/missing": "Пропуск показывают с меняющимся кодом, а кода не было.",
        "stale_code/foreign": "Меняющийся код создан не телефоном этого пропуска.",
        "stale_code/used": "С этим меняющимся кодом в зону уже входили.",
        "already_used": "Пропуск на один вход, входов до сих пор: {entered}.",
        "passback": "Последнее место — {inside}, выхода не было.",
        "passback/held": "Пропуск приняли только что, и тот проход ещё не завершён.",
        "passback/timed": "По пропуску вошли {ago} назад, снова можно через {minutes}.",
        "out_of_order": "Последнее место — {inside}, а этот проход для тех, кого видели в зоне «{leaves}».",
        "full": "Внутри {inside} из {capacity}, входят ещё {held}.",
        "not_open": "Сегодня в зону ещё не входил никто, кто вправе её открыть.",
    },
    waivers={
        "exit": "Это не помешало: внутри никого не держат.",
        "free": "Это не помешало: проход был открыт для всех.",
        "open": "Это не помешало: без связи эта зона впускает всех.",
        "soft": "Это записано и не помешало.",
    },
    come_back="Вернитесь: {begin}.",
    go_to="Пройдите ко входу: {gates}.",
    come_within="Вернитесь в часы действия; в тот день {hours}.",
    another_day="Вернитесь в другой день: в этот вход закрыт.",
    wait_minutes="Попробуйте через {minutes} или обратитесь на стойку.",
    closed_all_day="не открыто",
    street="улица",
    some_zone="зона {}",
    holiday="праздник",
    weekdays=("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
    months=("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября",
            "ноября", "декабря"),
    time_and_day="{time}, {day}",
    one_day="с {begin} до {end} {day}",
    two_days="с {begin} {day} до {end} {last}",
    and_="или",
    minutes=_russian_minutes,
)  # fmt: skip

TABLES: Mapping[Language, Sentences] = {"en": _ENGLISH, "ru": _RUSSIAN}
