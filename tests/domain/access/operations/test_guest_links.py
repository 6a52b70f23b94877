"""A guest sees the own pass by a link, without an account, until it ends."""

from datetime import timedelta
from typing import Any

import pytest

from domain.access.operations.guest_links import PassOver
from domain.kernel.caller import ANONYMOUS
from domain.kernel.errors import Forbidden, NotFound
from tests.premises import Gate, Premises


async def ada(premises: Premises, **members: Any) -> Any:
    window = {
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(hours=2)).isoformat(),
    }
    ask = "access.create_guest_pass"
    return await premises.ask("member", ask, guest_name="Ada King Lovelace", **window | members)


async def link(premises: Premises, guest_pass_id: int, who: str = "member") -> Any:
    return await premises.ask(who, "access.give_guest_link", guest_pass_id=guest_pass_id)


async def page(premises: Premises, token: str) -> Any:
    return await premises.house.call(ANONYMOUS, "access.open_guest_page", token=token)


async def test_a_link_shows_the_pass_and_no_more_of_the_guest_than_a_first_name(
    premises: Premises, entrance: Gate
):
    made = await ada(premises)
    given = await link(premises, made.guest_pass_id)

    shown = await page(premises, given.token)

    assert given.url == f"http://127.0.0.1:8080/app/pass/{given.token}" and given.ends == made.end
    assert (shown.first_name, shown.site_name, list(shown.zone_names)) == ("Ada", "Loft", ["hall"])
    assert (shown.start, shown.end, shown.time_zone) == (made.start, made.end, "Europe/Moscow")
    assert (shown.state, shown.qr_token, shown.live) == ("expected", made.qr_token, None)
    assert shown.qr_svg.startswith("<svg")
    assert (await entrance.scan(shown.qr_token)).admit
    await entrance.report(entrance.event(direction="in", grant_id=made.pass_id))
    assert (await page(premises, given.token)).state == "inside"


async def test_a_live_pass_has_no_picture_that_could_be_passed_on(premises: Premises):
    made = await ada(premises, live_code=True)

    shown = await page(premises, (await link(premises, made.guest_pass_id)).token)

    assert shown.qr_svg is None
    assert shown.live.pass_id == made.pass_id and shown.live.secrets


async def test_the_link_is_for_the_host_and_the_desk_to_give(premises: Premises):
    made = await ada(premises)

    links = {
        who: (await link(premises, made.guest_pass_id, who)).token for who in ("member", "desk", "admin")
    }

    assert len(set(links.values())) == 1
    with pytest.raises(Forbidden):
        await link(premises, made.guest_pass_id, "guard")
    with pytest.raises(NotFound):
        await link(premises, made.guest_pass_id, "stranger")


async def test_a_link_to_a_pass_that_was_withdrawn_or_has_ended_says_so(premises: Premises):
    gone, ended = await ada(premises), await ada(premises)
    links = [(await link(premises, one.guest_pass_id)).token for one in (gone, ended)]

    await premises.ask("member", "access.revoke_guest_pass", guest_pass_id=gone.guest_pass_id)
    with pytest.raises(PassOver, match="withdrawn") as refused:
        await page(premises, links[0])
    assert refused.value.status == 410
    premises.house.clock.advance(hours=2)
    with pytest.raises(PassOver, match="time of this pass is over"):
        await page(premises, links[1])


async def test_a_link_that_nobody_gave_leads_nowhere(premises: Premises):
    made = await ada(premises)
    token = (await link(premises, made.guest_pass_id)).token

    for other in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[::-1], "x", made.qr_token[:64]):
        with pytest.raises(NotFound):
            await page(premises, other)
