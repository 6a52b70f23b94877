"""The demo's place is made once, wherever a start was cut off, and its badge opens at its hours."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from domain import access, identity, kernel, sites
from domain.kernel import database as databases
from domain.kernel.errors import DomainError
from gatehouse.demo import place
from gatehouse.demo.place import CARD, GATES, furnish
from tests.badges import Visitors
from tests.house import SERVICE_AS_ADMIN, House
from tests.premises import Gate, Premises


@pytest.fixture
async def house(database: str) -> AsyncIterator[House]:
    engine = databases.connect(database)
    house = House(contexts=[kernel, sites, identity, access], engine=engine)
    house.clock.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    yield house
    await engine.dispose()


async def test_it_is_made_once_and_found_again(house: House):
    made = await furnish(house.runtime)
    again = await furnish(house.runtime)

    assert made is not None and made == again
    passes = await house.call(SERVICE_AS_ADMIN, "access.list_passes", site_id=made.site_id)
    assert [one.holder_name for one in passes.items] == ["Maria Lebedeva"]


async def test_a_start_that_was_cut_off_is_taken_up(house: House, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as cut:
        cut.setattr(place, "GATES", ((GATES[0][0], 7, 9),))
        with pytest.raises(IndexError):
            await furnish(house.runtime)
    house.clock.advance(days=1)

    made = await furnish(house.runtime)

    assert made is not None
    passes = await house.call(SERVICE_AS_ADMIN, "access.list_passes", site_id=made.site_id)
    assert len(passes.items) == 1


async def test_the_card_of_its_badge_opens_at_office_hours_and_no_room_alone(house: House):
    await furnish(house.runtime)
    premises = Premises(house)
    entrance, server_room = Visitors(Gate(premises, 1)), Visitors(Gate(premises, 4))

    before_the_floor = await server_room.reason(CARD)
    await entrance.walk(CARD)
    alone = await server_room.reason(CARD)
    house.clock.advance(hours=9)

    assert (before_the_floor, alone) == ("out_of_order", "second_person")
    assert await entrance.reason(CARD) == "out_of_hours"


async def test_where_somebody_lives_already_nothing_is_made(house: House):
    await house.site("Mine")

    assert await furnish(house.runtime) is None
    with pytest.raises(DomainError):
        await house.call(SERVICE_AS_ADMIN, "access.get_gate", gate_id=1)
