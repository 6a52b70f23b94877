"""A rotating code is worth its step and those beside it, for its own pass, its own day and its own site."""

from hypothesis import given
from hypothesis import strategies as some

from domain.access.rules.decide import decide
from domain.access.rules.facts import Facts, GateFacts, PassFacts, ZoneFacts
from domain.access.rules.live_code import (
    SIZE,
    STEP_S,
    CodeFacts,
    LiveCode,
    code,
    day_key,
    day_of,
    is_genuine,
    is_used,
    secret,
    step_of,
)
from domain.access.rules.reasons import Reason
from domain.access.rules.token import PassClaim

SITE, OTHER_SITE = b"s" * 32, b"o" * 32
NOW = 1_791_190_928.0
HALL = ZoneFacts(ordinal=0)


def shown(pass_id: int = 7, step: int = step_of(NOW), site: bytes = SITE, day: int | None = None) -> LiveCode:
    key = day_key(site, day_of(step) if day is None else day)
    return LiveCode(step, code(secret(key, pass_id), step))


def genuine(one: LiveCode, pass_id: int = 7) -> bool:
    day = day_of(one.step)
    return is_genuine(one, pass_id, {day: day_key(SITE, day)})


def reason(step: int, now: float, *, used: bool = False) -> Reason:
    """What a gate answers a live pass that shows a genuine code of this step."""
    return decide(
        Facts(
            token=PassClaim(key_id=1, pass_id=7, site_id=1, zones=1, not_before=0, minutes=1),
            known=PassFacts(pass_id=7, site_id=1, zones=1, valid_from=0, valid_until=2**40, live_code=True),
            gate=GateFacts(gate_id=1, site_id=1),
            direction="in",
            enters=HALL,
            code=CodeFacts(step=step, genuine=True, used=used),
        ),
        now,
    ).reason


@given(some.floats(0, 2**33))
def test_codes_of_this_the_step_before_and_the_next_pass_and_no_others(now: float):
    step = step_of(now)

    assert [reason(step + off, now) for off in (-1, 0, 1)] == [Reason.OK] * 3
    assert [reason(step + off, now) for off in (-20, -2, 2, 20)] == [Reason.STALE_CODE] * 4


def test_a_step_is_half_a_minute_to_the_moment():
    begin = step_of(NOW) * STEP_S

    assert [step_of(begin + second) - step_of(NOW) for second in (-0.001, 0, 29.999, 30)] == [-1, 0, 0, 1]


@given(some.integers(1, 2**63 - 1), some.integers(0, 2**32 - 1))
def test_the_phone_of_a_pass_makes_its_codes_and_no_other_phone_does(pass_id: int, step: int):
    one = shown(pass_id, step)

    assert len(one.code) == SIZE
    assert genuine(one, pass_id)
    assert not genuine(one, pass_id - 1)


def test_a_code_of_another_day_site_or_step_is_not_genuine():
    step, day = step_of(NOW), day_of(step_of(NOW))

    assert not genuine(shown(day=day - 1))
    assert not genuine(shown(site=OTHER_SITE))
    assert not genuine(LiveCode(step + 1, shown().code))
    assert not genuine(LiveCode(step, bytes(SIZE)))


def test_a_day_whose_key_is_not_known_makes_no_codes():
    day = day_of(step_of(NOW))

    assert is_genuine(shown(), 7, {day: day_key(SITE, day)})
    assert not is_genuine(shown(), 7, {day + 1: day_key(SITE, day + 1)})


def test_the_last_code_of_a_day_passes_in_the_first_step_of_the_next():
    midnight = (day_of(step_of(NOW)) + 1) * 86_400
    last = step_of(midnight) - 1

    assert day_of(last) + 1 == day_of(step_of(midnight))
    assert genuine(shown(step=last)) and reason(last, midnight + 5) is Reason.OK


def test_the_same_code_goes_on_into_another_zone_and_not_again_into_the_same():
    taken = {"last_step": 10, "last_zone": 1}

    assert is_used(10, 1, **taken) and is_used(9, 2, **taken)
    assert not is_used(10, 2, **taken) and not is_used(11, 1, **taken)
    assert reason(step_of(NOW), NOW, used=True) is Reason.STALE_CODE
