"""A verdict can be stored with its trace and read again."""

import msgspec

from domain.access.rules.reasons import Reason
from domain.access.rules.verdict import Step, Verdict


def test_what_was_waived_is_listed():
    kept = Step(rule="window", inputs={}, verdict="waived", reason=Reason.EXPIRED, waiver="exit")
    asked = Step(rule="place", inputs={}, verdict="pass")

    assert Verdict(admit=True, reason=Reason.OK, trace=(kept, asked)).waived == (Reason.EXPIRED,)


def test_a_verdict_survives_its_way_through_json():
    step = Step(rule="capacity", inputs={"capacity": None, "inside": 3}, verdict="deny", reason=Reason.FULL)
    verdict = Verdict(admit=False, reason=Reason.FULL, trace=(step,))

    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict
