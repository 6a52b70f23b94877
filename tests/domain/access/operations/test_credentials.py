"""Cards, PINs and plates open for one pass of a site, and for as long as somebody has not taken them away."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from domain.access.operations import credentials
from domain.access.operations.credentials import NoPinLeft
from domain.access.tables.credentials import CredentialRow
from domain.access.tables.rights import DecisionRow
from domain.kernel.errors import Forbidden, Invalid, NotFound
from tests.badges import CARD, Visitors, a_badge, a_guest
from tests.premises import Gate, Premises

WRONG = "000000000000"


async def give(premises: Premises, pass_id: int, kind: str = "nfc", value: str = CARD) -> Any:
    return await premises.ask("desk", "access.add_credential", pass_id=pass_id, kind=kind, value=value)


async def pin_of(premises: Premises, pass_id: int) -> str:
    return str((await premises.ask("desk", "access.give_pin", pass_id=pass_id)).pin)


async def test_a_card_is_read_however_its_number_is_written(premises: Premises, entrance: Gate):
    made = await a_badge(premises)
    given = await give(premises, made.pass_id, value="04:a2:24:5b:6c:81:90")
    people = Visitors(entrance)

    assert (await people.show("04-A2-24-5B-6C-81-90")).grant_id == made.pass_id
    assert await people.reason("04A2245B6C8191") == "unknown"
    assert await people.reason("no card") == "unknown"
    assert given.hint == "…8190"


async def test_a_plate_in_cyrillic_letters_opens_the_car_park(premises: Premises, entrance: Gate):
    van = await a_badge(premises, kind="vehicle", holder_name="Van")
    await give(premises, van.pass_id, "plate", "а 123 вс 77")

    latin = await Visitors(entrance).show("A123BC77", "plate")

    assert (latin.admit, latin.grant_id) == (True, van.pass_id)


async def test_no_card_or_pin_is_kept_as_it_is(premises: Premises):
    made = await a_badge(premises, card=CARD)
    pin = await pin_of(premises, made.pass_id)

    async with premises.house.runtime.readers() as db:
        rows = (await db.scalars(select(CredentialRow).order_by(CredentialRow.id))).all()
    assert [(row.kind, row.hint, len(row.digest)) for row in rows] == [("nfc", "…8190", 32), ("pin", "", 32)]
    assert pin not in f"{[vars(row) for row in rows]}"


async def test_a_card_belongs_to_one_pass_of_a_site(premises: Premises):
    one, other = await a_badge(premises), await a_badge(premises)

    answers = await asyncio.gather(
        give(premises, one.pass_id), give(premises, other.pass_id), return_exceptions=True
    )

    (refused,) = [answer for answer in answers if isinstance(answer, Exception)]
    assert isinstance(refused, Invalid)
    assert [problem.field for problem in refused.errors] == ["value"]


async def test_a_pin_opens_and_its_successor_ends_it(premises: Premises, entrance: Gate):
    made = await a_badge(premises)
    people = Visitors(entrance)
    first = await pin_of(premises, made.pass_id)
    assert (await people.show(first, "pin")).grant_id == made.pass_id

    second = await pin_of(premises, made.pass_id)

    assert second != first
    assert await people.reason(first, "pin") == "unknown"
    listed = await premises.ask("guard", "access.list_credentials", pass_id=made.pass_id)
    assert [(one.kind, one.pin) for one in listed] == [("pin", None)]


async def test_a_pin_that_was_taken_away_does_not_come_back(premises: Premises):
    made = await a_badge(premises)
    first = await premises.ask("desk", "access.give_pin", pass_id=made.pass_id)
    await premises.ask("desk", "access.remove_credential", credential_id=first.credential_id)

    assert await pin_of(premises, made.pass_id) != first.pin


async def test_the_same_request_again_is_told_the_same_pin(premises: Premises):
    made = await a_badge(premises)

    pins = [
        (await premises.ask("desk", "access.give_pin", key="k1", pass_id=made.pass_id)).pin for _ in range(2)
    ]

    assert pins[0] == pins[1] is not None


async def test_pins_given_at_once_are_never_equal(premises: Premises, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(credentials, "PIN_DIGITS", 1)
    badges = [await a_badge(premises) for _ in range(6)]

    pins = await asyncio.gather(*(pin_of(premises, made.pass_id) for made in badges))

    assert len(set(pins)) == len(pins)


async def test_a_site_whose_pins_are_taken_gives_no_more(premises: Premises, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(credentials, "PIN_DIGITS", 0)
    await pin_of(premises, (await a_badge(premises)).pass_id)

    with pytest.raises(NoPinLeft):
        await pin_of(premises, (await a_badge(premises)).pass_id)


async def test_five_wrong_pins_shut_the_keypad_for_a_minute(premises: Premises, entrance: Gate, door: Gate):
    made = await a_badge(premises, card=CARD)
    pin = await pin_of(premises, made.pass_id)
    people = Visitors(entrance)

    wrong = [await people.reason(WRONG, "pin") for _ in range(5)]
    right = await people.reason(pin, "pin")
    by_card = await people.reason(CARD)
    elsewhere = await Visitors(door).reason(WRONG, "pin")
    premises.house.clock.advance(seconds=61)

    assert wrong == ["unknown"] * 5
    assert (right, by_card, elsewhere) == ("too_many_tries", "ok", "unknown")
    assert await people.reason(pin, "pin") == "ok"


async def test_wrong_pins_of_others_hold_nobody_inside(premises: Premises, entrance: Gate):
    made = await a_badge(premises)
    pin = await pin_of(premises, made.pass_id)
    people = Visitors(entrance)
    await people.walk(pin, "pin")
    for _ in range(5):
        await people.show(WRONG, "pin")

    assert await people.reason(WRONG, "pin", "out") == "too_many_tries"
    assert (await people.show(pin, "pin", "out")).admit


async def test_how_it_was_shown_stands_in_the_trace(premises: Premises, entrance: Gate):
    await a_badge(premises, card=CARD)

    await Visitors(entrance).show(CARD)

    async with premises.house.runtime.readers() as db:
        (row,) = await db.scalars(select(DecisionRow))
    assert (row.method, row.trace[0]["inputs"]["method"]) == ("nfc", "nfc")


async def test_a_card_that_was_taken_away_opens_nothing_and_is_free_for_another(
    premises: Premises, entrance: Gate
):
    made, other = await a_badge(premises), await a_badge(premises)
    given = await give(premises, made.pass_id)

    removed = await asyncio.gather(
        *(
            premises.ask("desk", "access.remove_credential", credential_id=given.credential_id)
            for _ in range(2)
        ),
        return_exceptions=True,
    )

    assert [type(answer) for answer in removed if answer is not None] == [NotFound]
    assert await Visitors(entrance).reason(CARD) == "unknown"
    await give(premises, other.pass_id)
    assert (await Visitors(entrance).show(CARD)).grant_id == other.pass_id


async def test_a_guest_may_have_a_plate_too(premises: Premises, entrance: Gate):
    guest = await a_guest(premises)
    await give(premises, guest.pass_id, "plate", "M001MM199")

    assert (await Visitors(entrance).show("м001мм199", "plate")).grant_id == guest.pass_id


@pytest.mark.parametrize(
    ("kind", "value"),
    [("nfc", "12"), ("nfc", "xyz"), ("plate", "Ж123ЖЖ77"), ("plate", "-"), ("nfc", ""), ("nfc", "a" * 65)],
)
async def test_what_is_no_card_or_plate_names_the_value(premises: Premises, kind: str, value: str):
    made = await a_badge(premises)

    with pytest.raises(Invalid) as refused:
        await give(premises, made.pass_id, kind, value)

    assert [problem.field for problem in refused.value.errors] == ["value"]


async def test_a_pin_is_never_chosen_by_hand_and_passes_must_exist(premises: Premises):
    made = await a_badge(premises)
    with pytest.raises(Invalid, match="kind"):
        await give(premises, made.pass_id, "pin", "1234")
    with pytest.raises(NotFound):
        await give(premises, 999)
    with pytest.raises(Forbidden):
        await premises.ask("member", "access.give_pin", pass_id=made.pass_id)
    with pytest.raises(NotFound):
        await premises.ask("guard", "access.list_credentials", pass_id=999)
