"""A gate nobody saw the birth of is looked up now and then, and asked now and then."""

from domain.access.operations.rebirths import Sighting
from gate_bridge.rebirths import ASK_AGAIN_AFTER_S, KNOWN_FOR_S, Rebirths

EPOCH, OTHER = b"epoch001", b"epoch002"


def sighting(session: int | None = None, epoch: bytes = EPOCH) -> Sighting:
    return Sighting(gate_id=5, epoch=epoch, session=session)


def test_what_was_found_known_is_not_looked_up_again_for_a_minute():
    rebirths, one = Rebirths(), sighting(3)
    assert rebirths.doubtful([one], 0) == [one]
    assert rebirths.unborn([one], [], 0) == []

    assert rebirths.doubtful([one, sighting(), sighting(2)], KNOWN_FOR_S) == []
    assert rebirths.doubtful([one], KNOWN_FOR_S + 1) == [one]


def test_another_session_or_epoch_is_looked_up_at_once():
    rebirths = Rebirths()
    rebirths.unborn([sighting(3)], [], 0)

    for new in (sighting(4), sighting(3, OTHER), sighting(None, OTHER)):
        assert rebirths.doubtful([new], 1) == [new]


def test_an_event_tells_no_session_so_that_a_later_heartbeat_is_looked_up():
    rebirths = Rebirths()
    rebirths.unborn([sighting()], [], 0)

    assert rebirths.doubtful([sighting()], 1) == []
    assert rebirths.doubtful([sighting(3)], 1) == [sighting(3)]


def test_a_gate_is_asked_once_in_ten_seconds_however_often_it_speaks():
    rebirths, one = Rebirths(), sighting(3)
    assert rebirths.unborn([one], [5], 0) == [one]

    assert rebirths.doubtful([one, sighting(4)], ASK_AGAIN_AFTER_S - 1) == []
    assert rebirths.doubtful([one], ASK_AGAIN_AFTER_S) == [one]
