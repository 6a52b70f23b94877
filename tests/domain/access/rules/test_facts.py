"""An offline gate believes of a pass what its signed bytes say."""

from domain.access.rules.facts import PassFacts, facts_of_claim
from domain.access.rules.token import Flag, PassClaim

CLAIM = PassClaim(key_id=1, pass_id=7, site_id=2, zones=4, not_before=1000, minutes=2, flags=0)


def test_a_plain_claim_is_a_pass_of_many_entries_within_its_window():
    assert facts_of_claim(CLAIM) == PassFacts(
        pass_id=7, site_id=2, zones=4, valid_from=1000, valid_until=1120
    )


def test_flags_become_limits():
    flags = Flag.SINGLE_ENTRY | Flag.NEEDS_ESCORT | Flag.LIVE_CODE
    claim = PassClaim(key_id=1, pass_id=7, site_id=2, zones=4, not_before=1000, minutes=2, flags=flags)

    facts = facts_of_claim(claim)

    assert (facts.entries, facts.needs_escort, facts.live_code) == ("single", True, True)
