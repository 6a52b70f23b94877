"""What could not be read is shown to those who guard the site, with its reason; a pass that was shown never is."""

from typing import Any

import pytest

from domain.access.operations.recording import Poison
from domain.kernel.errors import Forbidden
from tests.premises import Premises


def poison(premises: Premises, payload: bytes, *, leg: str = "up/evt", gate: str = "entrance") -> Poison:
    gate_id = premises.ids[gate]
    topic = f"gh/1/{premises.ids['site']}/{gate_id}/{leg}"
    return Poison(topic=topic, reason="s: Expected `int`", payload=payload, gate_id=gate_id)


async def put_aside(premises: Premises, *poisons: Poison) -> None:
    await premises.serve("access.record", events=[], poison=list(poisons))


async def listed(premises: Premises, who: str = "guard", **members: Any) -> list[Any]:
    given = {"site_id": premises.ids["site"], **members}
    return list((await premises.ask(who, "access.list_quarantine", **given)).items)


async def test_a_message_is_shown_with_reason_topic_moment_and_text(premises: Premises):
    await put_aside(premises, poison(premises, b'{"s": "one"}'))

    (item,) = await listed(premises)

    assert (item.reason, item.encoding, item.payload) == ("s: Expected `int`", "text", '{"s": "one"}')
    assert (item.gate_id, item.received_at, item.bytes) == (premises.ids["entrance"], premises.now, 12)
    assert item.topic.endswith("/up/evt")


async def test_what_is_no_text_is_shown_as_base64(premises: Premises):
    await put_aside(premises, poison(premises, b"\x00\xff"))

    (item,) = await listed(premises)

    assert (item.encoding, item.payload) == ("base64", "AP8=")


async def test_a_scan_is_not_shown_since_it_may_carry_a_good_pass(premises: Premises):
    await put_aside(premises, poison(premises, b'{"tok": "GH1:W5", "d": 1}', leg="up/scan"))

    (item,) = await listed(premises)

    assert (item.encoding, item.payload, item.bytes) == ("withheld", "", 25)


async def test_the_newest_come_first_and_one_gate_can_be_chosen(premises: Premises):
    await put_aside(premises, poison(premises, b"1"), poison(premises, b"2", gate="door"))
    await put_aside(premises, poison(premises, b"3"))

    assert [item.payload for item in await listed(premises)] == ["3", "2", "1"]
    assert [item.payload for item in await listed(premises, gate_id=premises.ids["door"])] == ["2"]
    page = await premises.ask("guard", "access.list_quarantine", site_id=premises.ids["site"], limit=2)
    assert [item.payload for item in await listed(premises, cursor=page.next_cursor)] == ["1"]


@pytest.mark.parametrize("who", ["desk", "member", "stranger"])
async def test_it_is_for_guards_and_managers(premises: Premises, who: str):
    with pytest.raises(Forbidden):
        await listed(premises, who)
