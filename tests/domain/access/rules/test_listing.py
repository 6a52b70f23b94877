"""What a line of a gate's list says of a pass is what is believed of it, and a decision on it is the same."""

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.facts import PassFacts
from domain.access.rules.hours import Hours
from domain.access.rules.listing import Listed, ListFlag, facts_of
from domain.access.rules.token import Flag

HOURS = {3: Hours(week=(((0, 60),),) * 7)}
lines = some.builds(
    Listed,
    pass_id=some.integers(1, 2**63 - 1),
    zones=some.integers(0, 2**32 - 1),
    valid_from=some.integers(0, 2**40),
    valid_until=some.integers(0, 2**40),
    flags=some.integers(0, 511),
    schedule_id=some.sampled_from([None, 3]),
    passback=some.sampled_from([None, "hard", "soft", "off"]),
    party=some.none() | some.integers(1, 9),
    digests=some.lists(some.sampled_from(["00ff00ff00ff00ff", "aa"]), max_size=2).map(tuple),
)


@given(lines)
def test_a_line_is_the_same_after_its_way_to_the_gate(line: Listed):
    assert msgspec.json.decode(msgspec.json.encode(line), type=Listed) == line


@given(lines)
def test_each_flag_of_a_line_is_the_fact_of_its_name(line: Listed):
    facts = facts_of(line, 1, HOURS)
    flags = ListFlag(line.flags)

    assert facts == PassFacts(
        pass_id=line.pass_id,
        site_id=1,
        zones=line.zones,
        valid_from=line.valid_from,
        valid_until=line.valid_until,
        entries="single" if ListFlag.SINGLE_ENTRY in flags else "many",
        hours=None if line.schedule_id is None else HOURS[3],
        passback=line.passback,
        revoked=ListFlag.REVOKED in flags,
        blocked=ListFlag.BLOCKED in flags,
        watched=ListFlag.WATCHED in flags,
        unpaid=ListFlag.UNPAID in flags,
        needs_escort=ListFlag.NEEDS_ESCORT in flags,
        live_code=ListFlag.LIVE_CODE in flags,
        opens=ListFlag.OPENS in flags,
    )


def test_a_schedule_that_the_gate_was_not_told_is_never_open():
    line = Listed(pass_id=1, zones=1, valid_from=0, valid_until=1, schedule_id=9)

    assert facts_of(line, 1, HOURS).hours == Hours(week=((),) * 7)


def test_lists_and_passes_mean_the_same_by_the_flags_they_share():
    assert {flag.name: int(flag) for flag in Flag} == {
        flag.name: int(flag) for flag in ListFlag if flag.name in Flag.__members__
    }
