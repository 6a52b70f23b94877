"""Why a gate opened or did not: the closed table of reason codes, in words a visitor and a guard can act on."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

Language = Literal["en", "ru"]


class Reason(StrEnum):
    """The code of a decision; it travels on the wire, is stored in the log and is never renamed."""

    OK = "ok"
    UNKNOWN = "unknown"
    BAD_SIG = "bad_sig"
    REVOKED = "revoked"
    UNPAID = "unpaid"
    OFFLINE = "offline"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    OUT_OF_HOURS = "out_of_hours"
    WRONG_VENUE = "wrong_venue"
    WRONG_ZONE = "wrong_zone"
    BLOCKED = "blocked"
    LOCKDOWN = "lockdown"
    GATE_DISABLED = "gate_disabled"
    STALE_CODE = "stale_code"
    ALREADY_USED = "already_used"
    PASSBACK = "passback"
    OUT_OF_ORDER = "out_of_order"
    FULL = "full"
    NOT_OPEN = "not_open"
    ESCORT_NEEDED = "escort_needed"
    SECOND_PERSON = "second_person"
    TOO_MANY_TRIES = "too_many_tries"
    INTERNAL = "internal"


class Words(Struct, frozen=True):
    """A reason as people read it: what happened, and what to do next."""

    text: str
    action: str


_ENGLISH = {
    Reason.OK: Words("Welcome.", "Please walk through."),
    Reason.UNKNOWN: Words(
        "This code is not a pass we know.", "Show the code from your invitation, or ask at the desk."
    ),
    Reason.BAD_SIG: Words(
        "This pass was damaged or forged.", "Open the original pass again, or ask at the desk."
    ),
    Reason.REVOKED: Words("This pass was withdrawn.", "Ask your host for a new pass."),
    Reason.UNPAID: Words("This pass is not paid yet.", "Pay in your account, then scan again."),
    Reason.OFFLINE: Words("The gate has no connection and may not decide alone.", "Use a staffed entrance."),
    Reason.NOT_YET: Words("This pass is not valid yet.", "Come back when its time begins."),
    Reason.EXPIRED: Words("This pass has ended.", "Ask your host for a new pass."),
    Reason.OUT_OF_HOURS: Words("This pass does not open at this hour.", "Come back during its hours."),
    Reason.WRONG_VENUE: Words("This pass is for another building.", "Check the address in your invitation."),
    Reason.WRONG_ZONE: Words("This pass does not open this area.", "Go to the entrance named on your pass."),
    Reason.BLOCKED: Words("Entry is not possible with this pass.", "Wait here for security."),
    Reason.LOCKDOWN: Words("The building is closed for entry.", "Follow the instructions of the staff."),
    Reason.GATE_DISABLED: Words("This gate is out of service.", "Use another gate."),
    Reason.STALE_CODE: Words("This code is too old.", "Open the live pass on your phone and scan again."),
    Reason.ALREADY_USED: Words("This pass was used already.", "Ask at the desk if it was not you."),
    Reason.PASSBACK: Words("This pass is inside already.", "Scan out first, or ask at the desk."),
    Reason.OUT_OF_ORDER: Words(
        "This pass was not seen at the gate before this one.", "Scan at the gate before, or ask at the desk."
    ),
    Reason.NOT_OPEN: Words("This area is not open yet.", "Wait until a member of the staff has opened it."),
    Reason.FULL: Words("This area is full.", "Wait until somebody leaves."),
    Reason.ESCORT_NEEDED: Words("This pass needs a companion.", "Call your host to the gate."),
    Reason.SECOND_PERSON: Words("Two people must enter together.", "Have the second person scan now."),
    Reason.TOO_MANY_TRIES: Words("Too many wrong codes were tried here.", "Wait a minute, then try again."),
    Reason.INTERNAL: Words("The gate could not decide.", "Scan again, or ask at the desk."),
}

_RUSSIAN = {
    Reason.OK: Words("Добро пожаловать.", "Проходите."),
    Reason.UNKNOWN: Words(
        "Этот код — не известный нам пропуск.", "Покажите код из приглашения или обратитесь на стойку."
    ),
    Reason.BAD_SIG: Words(
        "Пропуск повреждён или подделан.", "Откройте исходный пропуск ещё раз или обратитесь на стойку."
    ),
    Reason.REVOKED: Words("Пропуск отозван.", "Попросите у пригласившего новый пропуск."),
    Reason.UNPAID: Words("Пропуск ещё не оплачен.", "Оплатите его в личном кабинете и приложите снова."),
    Reason.OFFLINE: Words("У прохода нет связи, сам он решать не вправе.", "Пройдите через вход с дежурным."),
    Reason.NOT_YET: Words("Пропуск ещё не действует.", "Вернитесь, когда начнётся его время."),
    Reason.EXPIRED: Words("Срок пропуска истёк.", "Попросите у пригласившего новый пропуск."),
    Reason.OUT_OF_HOURS: Words("В этот час пропуск не действует.", "Вернитесь в часы его действия."),
    Reason.WRONG_VENUE: Words("Это пропуск в другое здание.", "Сверьте адрес в приглашении."),
    Reason.WRONG_ZONE: Words("Пропуск не открывает эту зону.", "Пройдите ко входу, указанному в пропуске."),
    Reason.BLOCKED: Words("Вход с этим пропуском невозможен.", "Подождите здесь сотрудника охраны."),
    Reason.LOCKDOWN: Words("Здание закрыто для входа.", "Следуйте указаниям сотрудников."),
    Reason.GATE_DISABLED: Words("Этот проход не работает.", "Воспользуйтесь другим проходом."),
    Reason.STALE_CODE: Words("Код устарел.", "Откройте живой пропуск на телефоне и приложите снова."),
    Reason.ALREADY_USED: Words("Пропуск уже использован.", "Если это были не вы, обратитесь на стойку."),
    Reason.PASSBACK: Words(
        "По этому пропуску уже вошли.", "Сначала отметьте выход или обратитесь на стойку."
    ),
    Reason.OUT_OF_ORDER: Words(
        "По этому пропуску не проходили предыдущий проход.",
        "Приложите его там или обратитесь на стойку.",
    ),
    Reason.NOT_OPEN: Words("Зона ещё не открыта.", "Подождите, пока её откроет сотрудник."),
    Reason.FULL: Words("В этой зоне нет мест.", "Подождите, пока кто-нибудь выйдет."),
    Reason.ESCORT_NEEDED: Words(
        "С этим пропуском входят с сопровождающим.", "Позовите пригласившего к проходу."
    ),
    Reason.SECOND_PERSON: Words("Входить нужно вдвоём.", "Пусть второй человек приложит пропуск сейчас."),
    Reason.TOO_MANY_TRIES: Words("Здесь слишком часто вводили неверный код.", "Подождите минуту."),
    Reason.INTERNAL: Words(
        "Проход не смог принять решение.", "Приложите пропуск снова или обратитесь на стойку."
    ),
}

_TABLES: dict[Language, dict[Reason, Words]] = {"en": _ENGLISH, "ru": _RUSSIAN}


def words(reason: Reason, language: Language = "en") -> Words:
    """Returns what to tell the person at the gate."""
    return _TABLES[language][reason]
