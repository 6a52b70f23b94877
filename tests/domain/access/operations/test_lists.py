"""What gates are told of a pass is what the server goes by."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, select, text

from domain.access.rules.credentials import LISTED_BYTES, digest
from domain.access.rules.hours import Hours
from domain.access.rules.listing import Listed, ListFlag, facts_of
from domain.access.tables.lists import ListEntryRow, SiteListRow
from domain.kernel.caller import SERVICE
from tests.badges import CARD, a_badge, a_guest
from tests.premises import Premises


async def lines(premises: Premises) -> dict[int, Listed | None]:
    async with premises.house.runtime.readers() as db:
        rows = await db.scalars(select(ListEntryRow))
        return {
            row.grant_id: None if row.entry is None else msgspec.convert(row.entry, Listed) for row in rows
        }


async def revision(premises: Premises) -> int:
    async with premises.house.runtime.readers() as db:
        return (await db.scalars(select(SiteListRow.revision))).one()


async def settle(premises: Premises) -> int:
    return int(await premises.house.call(SERVICE, "access.settle_lists"))


async def test_a_line_says_what_the_pass_says(premises: Premises):
    week: list[Any] = [[[0, 1440]]] * 7
    site: dict[str, Any] = {"site_id": premises.ids["site"]}
    hours = await premises.ask("manager", "access.create_schedule", **site, name="Always", week=week)
    about: dict[str, Any] = {
        "schedule_id": hours.schedule_id,
        "passback": "soft",
        "entries": "single",
        "unpaid": True,
    }
    powers: dict[str, Any] = {"escorts": True, "opens": True, "live_code": True}
    made = await a_badge(premises, card=CARD, **about, **powers)
    await premises.ask("guard", "access.revoke_pass", pass_id=made.pass_id)
    await premises.ask(
        "guard", "access.watch", **site, kind="name", value="Ann Example", action="alert", reason="lost"
    )

    line = (await lines(premises))[made.pass_id]

    assert line is not None
    facts = facts_of(line, premises.ids["site"], {hours.schedule_id: Hours(week=(((0, 1440),),) * 7)})
    assert (facts.valid_from, facts.valid_until) == (made.start.timestamp(), made.end.timestamp())
    assert (facts.zones, facts.entries, facts.passback) == (0b11, "single", "soft")
    assert facts.revoked and facts.unpaid and facts.live_code and facts.opens and facts.watched
    assert not facts.blocked and not facts.needs_escort
    assert line.flags & ListFlag.ESCORTS
    async with premises.house.runtime.readers() as db:
        key = (await db.scalars(select(SiteListRow.credential_key))).one()
    assert line.digests == (digest(key, "nfc", CARD)[:LISTED_BYTES].hex(),)


async def test_a_host_and_the_guests_are_one_party(premises: Premises):
    host = premises.people["member"].user_id
    guest, badge = await a_guest(premises), await a_badge(premises, holder_user_id=host)
    stranger = await a_badge(premises)

    parties = {pass_id: line and line.party for pass_id, line in (await lines(premises)).items()}

    assert parties == {guest.pass_id: host, badge.pass_id: host, stranger.pass_id: None}


async def test_every_change_has_a_revision_of_its_own(premises: Premises):
    before = await revision(premises)

    await asyncio.gather(*(a_badge(premises) for _ in range(4)))

    async with premises.house.runtime.readers() as db:
        told = sorted(await db.scalars(select(ListEntryRow.revision)))
    assert told == list(range(before + 1, before + 5))
    assert await revision(premises) == before + 4


async def test_ended_passes_leave_the_list_and_forgotten_ones_come_onto_it(premises: Premises):
    ends = (premises.now + timedelta(hours=1)).isoformat()
    short, long = await a_badge(premises, end=ends), await a_badge(premises)
    async with premises.house.runtime.sessions.begin() as db:
        await db.execute(delete(ListEntryRow).where(ListEntryRow.grant_id == long.pass_id))
    premises.house.clock.advance(hours=2)

    settled = await settle(premises)

    now = await lines(premises)
    assert (settled, now[short.pass_id], now[long.pass_id] is not None) == (2, None, True)
    assert await settle(premises) == 0


async def test_a_site_has_random_keys_of_its_own(premises: Premises):
    await premises.house.site("Other")

    async with premises.house.runtime.readers() as db:
        keys = (await db.execute(text("SELECT credential_key, live_key FROM site_lists"))).all()
    assert len({key for row in keys for key in row}) == 4
    assert {len(key) for row in keys for key in row} == {32}
