"""A gate is silent where its peers are not, and never for what happens to all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.silence import Answers, Flow, denying, silent, usual

BUSY = Flow(recent=30, before=30, usual=30)


@pytest.mark.parametrize(
    ("why", "own", "peers", "is_silent"),
    [
        ("nobody passes where it is usually busy", Flow(0, 0, 30), [BUSY, BUSY], True),
        ("one person in five minutes is no silence", Flow(1, 0, 30), [BUSY, BUSY], False),
        ("a side door is always quiet", Flow(0, 0, 2), [BUSY, BUSY], None),
        ("a gate that is new has no habit", Flow(0, 0, 0), [BUSY, BUSY], None),
        ("a fall to a tenth, the peers as before", Flow(3, 30, 0), [BUSY], True),
        ("a fall to a third", Flow(10, 30, 0), [BUSY], False),
        ("a fall of few", Flow(0, 10, 0), [Flow(30, 30, 0)], None),
        ("everybody falls: closing time", Flow(1, 30, 30), [Flow(2, 30, 30)], False),
        ("nobody at all: night", Flow(0, 0, 0), [Flow(0, 0, 0)], None),
        ("nobody at all where it is usually busy: a holiday", Flow(0, 0, 30), [Flow(0, 0, 30)], None),
        ("hardly anybody anywhere: a bridging day", Flow(0, 1, 30), [Flow(3, 2, 30)], None),
        ("right after start nothing was before", Flow(0, 0, 0), [Flow(50, 0, 0)], None),
        ("no peers, nothing to compare with", Flow(0, 30, 30), [], None),
        ("it flows again", Flow(25, 0, 30), [BUSY], False),
    ],
)
def test_silence(why: str, own: Flow, peers: list[Flow], is_silent: bool | None):
    assert silent(own, peers) is is_silent, why


@pytest.mark.parametrize(
    ("why", "own", "peers", "is_denying"),
    [
        ("half denied, where peers deny one of fifty", Answers(20, 20), Answers(98, 2), True),
        ("as its peers", Answers(18, 2), Answers(90, 10), False),
        ("four times its peers", Answers(12, 8), Answers(90, 10), None),
        ("too few to tell", Answers(0, 9), Answers(98, 2), None),
        ("peers of whom nothing is known", Answers(0, 40), Answers(0, 0), None),
        ("nine denied of a hundred is no alarm", Answers(91, 9), Answers(1000, 0), None),
        ("peers deny half themselves: a cancelled event", Answers(0, 40), Answers(50, 50), False),
    ],
)
def test_denying(why: str, own: Answers, peers: Answers, is_denying: bool | None):
    assert denying(own, peers) is is_denying, why


def test_usual_is_what_two_weeks_reached():
    assert usual([]) == usual([40]) == 0
    assert usual([400, 30]) == usual([30, 400, 0, 10]) == 30


counts = some.floats(0, 500).map(lambda value: round(value, 1))
flows = some.builds(Flow, counts, counts, counts)
several = some.lists(flows, max_size=4)
more = some.floats(0, 500).map(lambda value: round(value, 1))


@given(flows, several, more)
def test_more_passages_never_make_a_gate_silent(own: Flow, peers: list[Flow], further: float):
    richer = own._replace(recent=own.recent + further)

    assert not (silent(richer, peers) is True and silent(own, peers) is not True)


@given(flows, several, more, some.integers(0, 3))
def test_more_passages_of_peers_never_make_a_gate_well(
    own: Flow, peers: list[Flow], further: float, which: int
):
    busier = [
        peer._replace(recent=peer.recent + further) if number == which else peer
        for number, peer in enumerate(peers)
    ]

    assert not (silent(own, peers) is True and silent(own, busier) is not True)


@given(flows, several)
def test_a_gate_is_never_silent_while_all_of_its_peers_are(own: Flow, peers: list[Flow]):
    quiet = [peer._replace(recent=0.0) for peer in peers]

    assert silent(own, quiet) is not True


@given(flows, several)
def test_what_flows_as_before_is_no_alarm(own: Flow, peers: list[Flow]):
    as_before = own._replace(recent=max(own.before, 1.0))

    assert silent(as_before, peers) is False


@given(some.integers(0, 500), some.integers(0, 500), some.integers(0, 500), some.integers(0, 500))
def test_a_gate_that_denies_no_more_than_its_peers_is_no_alarm(
    admitted: int, denied: int, peers_admitted: int, peers_denied: int
):
    own, peers = Answers(admitted, denied), Answers(peers_admitted, peers_denied)

    if own.rate <= peers.rate:
        assert denying(own, peers) is not True
    if denying(own, peers) is True:
        assert denying(own._replace(denied=denied + 1), peers) is True
