"""A gate that speaks in a session or an epoch nobody saw the birth of is unborn."""

from domain.access.operations.rebirths import Sighting
from tests.premises import Gate, Premises


async def unborn(gate: Gate, *, session: int | None = None, epoch: bytes | None = None) -> bool:
    sighting = Sighting(gate_id=gate.gate_id, epoch=epoch or gate.epoch, session=session)
    listed = await gate.premises.serve("access.list_unborn", sightings=[sighting])
    return bool(listed == [gate.gate_id])


async def test_a_gate_never_born_is_unborn(premises: Premises, entrance: Gate):
    assert await unborn(entrance)
    assert await unborn(entrance, session=1)


async def test_the_born_session_and_those_before_it_are_known_and_later_ones_are_not(
    premises: Premises, entrance: Gate
):
    await premises.serve("access.report_birth", gate_id=entrance.gate_id, epoch=entrance.epoch, session=7)

    assert not await unborn(entrance)
    assert not await unborn(entrance, session=7)
    assert not await unborn(entrance, session=6)
    assert await unborn(entrance, session=8)


async def test_another_journal_is_another_life(premises: Premises, entrance: Gate):
    await premises.serve("access.report_birth", gate_id=entrance.gate_id, epoch=entrance.epoch, session=7)

    assert await unborn(entrance, epoch=b"epoch002")
    assert await unborn(entrance, epoch=b"epoch002", session=1)


async def test_who_is_no_gate_of_ours_is_asked_nothing(premises: Premises, entrance: Gate):
    entrance.gate_id = 10**6

    assert not await unborn(entrance, session=1)
