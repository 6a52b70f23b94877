"""A gate remembers who it let through."""

from domain.access.rules.token import PassClaim
from simulators import memory
from simulators.memory import Memory

CLAIM = PassClaim(key_id=1, pass_id=7, site_id=1, zones=1, not_before=0, minutes=60)


def test_a_pass_not_seen_has_not_entered():
    facts = Memory().facts(CLAIM)

    assert (facts.entered, facts.inside_zone) == (0, None)


def test_entries_from_the_street_are_counted_and_the_last_zone_is_known():
    seen = Memory()

    seen.walked(7, leaves=None, enters=0)
    seen.walked(7, leaves=0, enters=1)
    inside = seen.facts(CLAIM)
    seen.walked(7, leaves=0, enters=None)
    outside = seen.facts(CLAIM)

    assert (inside.entered, inside.inside_zone) == (1, 1)
    assert (outside.entered, outside.inside_zone) == (1, None)


def test_the_oldest_pass_is_forgotten_first():
    seen = Memory()
    for pass_id in range(memory.CAPACITY + 8):
        seen.walked(pass_id, leaves=None, enters=0)

    assert seen.facts(CLAIM).entered == 0
