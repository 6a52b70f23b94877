"""A gate that has nobody to ask goes by what it was told and by what it has seen.

Proves: simulators/alone.py, simulators/known.py
"""

import sqlite3
import time
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
import pytest

from domain.access.rules import live_code, token
from domain.access.rules.credentials import LISTED_BYTES, digest
from domain.access.rules.facts import Direction, OfflinePolicy
from domain.access.rules.listing import Listed, ListFlag
from domain.access.rules.live_code import LiveCode
from domain.access.rules.token import Flag
from gate_bridge import wire
from simulators.alone import Alone
from simulators.lists import Lists
from simulators.plan import GatePlan, Zone
from simulators.shelf import Shelf
from tests.passes import a_pass, with_live_code
from tests.simulators.a_list import CREDENTIAL_KEY, LIVE_KEY, SITE, chunk, head, line, topic
from tests.simulators.test_turnstile import KEYS

HALL = {"id": 3, "o": 0, "f": "list_ok"}


class Gate:
    """A gate into the hall, with a clock of its own."""

    def __init__(self, *lines: Listed, policy: OfflinePolicy = "list_ok", **told: Any) -> None:
        self.now = time.time()
        plan = GatePlan(
            gate_id=1, site_id=SITE, password="", to_zone=Zone(zone_id=3, ordinal=0), policy=policy
        )
        self.lists = Lists(SITE, Shelf(sqlite3.connect(":memory:", isolation_level=None)), KEYS)
        self.alone = Alone(plan, self.lists, lambda: self.now)
        if told.pop("list", True):
            zone = HALL | {"f": policy} | told.pop("zone", {})
            self.tell("dn/al/head", head(1, list(lines), zns=[zone], **told))
            self.tell("dn/al/chunk", chunk(1, list(lines)))

    def tell(self, leg: wire.Leg, members: dict[str, Any]) -> None:
        payload = msgspec.json.encode(members)
        message: Any = wire.parse(topic(leg), payload).message
        self.lists.take(message, payload)

    def show(self, text: str, method: Any = "qr", direction: Direction = "in", *, walk: bool = True) -> str:
        """Show something, walk through where that is granted, and return what the gate said."""
        shown = self.alone.read(method, text)
        verdict = self.alone.decide(shown, direction, "normal")
        self.alone.decided(method, shown, direction, shown.pass_id, verdict.reason)
        if verdict.admit and walk and shown.pass_id is not None:
            self.alone.walked(shown.pass_id, direction)
        return verdict.reason.value


def card(number: str) -> str:
    return digest(CREDENTIAL_KEY, "nfc", number)[:LISTED_BYTES].hex()


def test_who_is_on_the_list_comes_in_and_nobody_else():
    gate = Gate(line(7), line(8, flags=int(ListFlag.REVOKED)))

    assert [gate.show(a_pass(one)) for one in (7, 8, 9)] == ["ok", "revoked", "unknown"]
    assert gate.show(a_pass(9, site_id=2)) == "wrong_venue"


def test_under_signed_ok_the_list_goes_before_what_a_pass_says_itself():
    gate = Gate(
        line(8, flags=int(ListFlag.REVOKED)), line(9, flags=int(ListFlag.BLOCKED)), policy="signed_ok"
    )

    assert [gate.show(a_pass(one)) for one in (7, 8, 9)] == ["ok", "revoked", "blocked"]


@pytest.mark.parametrize(("policy", "said"), [("list_ok", "offline"), ("deny", "offline"), ("open", "ok")])
def test_a_gate_without_a_list_says_so(policy: OfflinePolicy, said: str):
    gate = Gate(policy=policy, list=False)

    assert gate.show(a_pass(7)) == said
    assert gate.show("04A22B9A", "nfc") == said


def test_a_list_too_old_lets_nobody_in_by_it_but_still_refuses_who_was_revoked():
    listed = line(7, digests=(card("04A22B9A"),)), line(8, flags=int(ListFlag.REVOKED))
    by_list = Gate(*listed, lasts_s=-1.0)
    signed = Gate(*listed, policy="signed_ok", lasts_s=-1.0)

    assert by_list.show(a_pass(7)) == "offline"
    assert [signed.show(a_pass(one)) for one in (7, 8)] == ["ok", "revoked"]
    assert signed.show("04A22B9A", "nfc") == "offline"


def test_cards_are_found_by_their_digest_however_they_are_read():
    gate = Gate(line(7, digests=(card("04A22B9A"),)))

    assert gate.show("04:a2:2b:9a", "nfc") == "ok"
    assert gate.show("04:A2:2B:9B", "nfc") == "unknown"
    assert gate.show("no card", "nfc") == "unknown"
    assert gate.show("04A22B9A", "nfc") == "passback"


def test_after_five_wrong_pins_not_even_a_right_one_opens_for_a_minute():
    right = digest(CREDENTIAL_KEY, "pin", "123456")[:LISTED_BYTES].hex()
    gate = Gate(line(7, digests=(right,)))

    assert [gate.show("000000", "pin") for _ in range(5)] == ["unknown"] * 5
    assert gate.show("123456", "pin") == "too_many_tries"
    gate.now += 61
    assert gate.show("123456", "pin") == "ok"


def test_a_rotating_code_opens_once_within_its_step():
    gate = Gate(line(7, flags=int(ListFlag.LIVE_CODE), passback="off"))
    fresh, stale = live(gate.now), live(gate.now - 120)

    assert gate.show(stale) == "stale_code"
    assert gate.show(fresh) == "ok"
    assert gate.show(fresh) == "stale_code"
    assert gate.show(a_pass(7, flags=Flag.LIVE_CODE)) == "stale_code"
    gate.now += 30
    assert gate.show(live(gate.now)) == "ok"


def live(moment: float) -> str:
    """What the phone of pass 7 shows."""
    step = live_code.step_of(moment)
    secret = live_code.secret(live_code.day_key(LIVE_KEY, live_code.day_of(step)), 7)
    raw = urlsafe_b64decode(a_pass(7, flags=Flag.LIVE_CODE))
    return token.as_qr_text(with_live_code(raw, LiveCode(step, live_code.code(secret, step))))


@pytest.mark.parametrize(
    "companion",
    [line(8, flags=int(ListFlag.ESCORTS)), line(8, flags=int(ListFlag.HOST), party=12)],
    ids=["who may escort anybody", "the host"],
)
def test_a_guest_comes_in_beside_who_may_escort_them(companion: Listed):
    gate = Gate(line(7, flags=int(ListFlag.NEEDS_ESCORT), party=12), companion)

    assert gate.show(a_pass(7, flags=Flag.NEEDS_ESCORT)) == "escort_needed"
    assert gate.show(a_pass(8)) == "ok"
    gate.now += 59
    assert gate.show(a_pass(7, flags=Flag.NEEDS_ESCORT)) == "ok"


@pytest.mark.parametrize(
    ("other", "wait_s"),
    [
        (line(8), 1),
        (line(8, party=12), 1),
        (line(8, flags=int(ListFlag.HOST), party=13), 1),
        (line(8, flags=int(ListFlag.ESCORTS)), 61),
    ],
    ids=["somebody", "another guest of the host", "another host", "who came more than a minute ago"],
)
def test_a_guest_does_not_come_in_beside_others(other: Listed, wait_s: float):
    gate = Gate(line(7, flags=int(ListFlag.NEEDS_ESCORT), party=12), other)

    assert gate.show(a_pass(8)) == "ok"
    gate.now += wait_s

    assert gate.show(a_pass(7, flags=Flag.NEEDS_ESCORT)) == "escort_needed"


def test_two_come_into_a_zone_that_nobody_enters_alone():
    gate = Gate(line(7), line(8), line(9), zone={"tp": True})

    assert gate.show(a_pass(7)) == "second_person"
    assert gate.show(a_pass(7)) == "second_person"
    gate.now += 14
    assert gate.show(a_pass(8)) == "ok"
    assert gate.show(a_pass(7)) == "ok"
    assert gate.show(a_pass(9)) == "ok"


def test_a_zone_opens_with_its_first_person_by_the_list_or_by_who_walked_in():
    waiting = Gate(line(7), line(8, flags=int(ListFlag.OPENS)), zone={"fp": True})
    opened = Gate(line(7), zone={"fp": True, "op": int(time.time())})
    yesterday = Gate(line(7), zone={"fp": True, "op": int(time.time()) - 86_400})

    assert waiting.show(a_pass(7)) == "not_open"
    assert waiting.show(a_pass(8), walk=False) == "ok"
    assert waiting.show(a_pass(7)) == "not_open"
    assert waiting.show(a_pass(8)) == "ok"
    assert waiting.show(a_pass(7)) == "ok"
    assert (opened.show(a_pass(7)), yesterday.show(a_pass(7))) == ("ok", "not_open")


def test_a_pass_comes_back_after_the_minutes_of_the_zone():
    gate = Gate(line(7), zone={"pb": "timed", "pm": 10})

    assert gate.show(a_pass(7)) == "ok"
    gate.now += 9 * 60
    assert gate.show(a_pass(7)) == "passback"
    gate.now += 2 * 60
    assert gate.show(a_pass(7)) == "ok"


def test_hours_are_read_off_the_clock_of_the_site():
    never: dict[str, Any] = {"week": [[]] * 7, "holidays": []}
    always = {"week": [[[0, 1440]]] * 7, "holidays": [[0, 1440]]}
    gate = Gate(
        line(7, schedule_id=1), line(8, schedule_id=2), line(9, schedule_id=3), hrs={"1": always, "2": never}
    )

    assert [gate.show(a_pass(one)) for one in (7, 8, 9)] == ["ok", "out_of_hours", "out_of_hours"]


def test_nobody_is_held_inside():
    gate = Gate(line(7, flags=int(ListFlag.REVOKED)), lasts_s=-1.0)

    assert gate.show(a_pass(7), direction="out") == "ok"
    assert gate.show(a_pass(99), direction="out") == "ok"
