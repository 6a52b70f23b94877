"""The first view plus what is shown afterwards equals a fresh first view.

Proves: domain/access/feeds/, domain/access/queries/
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain.access import feeds
from domain.identity.queries.people import names_of
from domain.kernel.caller import Caller
from domain.kernel.errors import Forbidden
from domain.kernel.events import Event
from domain.kernel.feeds import Feed, Item
from domain.kernel.log import FactRow, revive
from tests.premises import Gate, Premises

FOLLOWED = (feeds.log, feeds.occupancy, feeds.gates, feeds.guests, feeds.alarms, feeds.muster)


class Screen:
    """A follower of one feed: upserts by key, keeps the newest version."""

    def __init__(self, premises: Premises, feed: Feed) -> None:
        self._premises = premises
        self._feed = feed
        self._seen = 0
        self.items: dict[str, Item] = {}

    async def open(self) -> None:
        """Take the first view."""
        self._seen = len(await self._premises.house.facts())
        self.items = await first(self._premises, self._feed)

    async def watch(self) -> None:
        """Take what the facts since then show, the newest commits first: disorder must do no harm."""
        rows = await self._premises.house.facts()
        fresh, self._seen = rows[self._seen :], len(rows)
        for kind, show in self._feed.shown.items():
            events = [event for event in self._events(fresh) if type(event) is kind]
            for chunk in reversed([events[n : n + 2] for n in range(0, len(events), 2)]):
                await self._show(show, chunk)

    def _events(self, rows: Sequence[FactRow]) -> list[Event]:
        return [revive(row, self._premises.house.catalogue.events).event for row in rows]

    async def _show(self, show: Any, events: list[Event]) -> None:
        runtime = self._premises.house.runtime
        channel = self._feed.channel(site_id=self._premises.ids["site"])
        async with runtime.readers() as db:
            shown = await show(runtime.context(self._premises.people["guard"], db), events)
        for item in shown.get(channel, ()):
            known = self.items.get(item.key)
            if known is None or known.version <= item.version:
                self.items[item.key] = item

    def seen(self) -> dict[str, Item]:
        """Return what stands on the screen: what is gone is not."""
        return {key: item for key, item in self.items.items() if not item.gone}


async def first(premises: Premises, feed: Feed) -> dict[str, Item]:
    runtime = premises.house.runtime
    async with runtime.readers() as db:
        assert feed.begins is not None
        ctx = runtime.context(premises.people["guard"], db)
        return {item.key: item for item in await feed.begins(ctx, site_id=premises.ids["site"])}


async def a_busy_morning(premises: Premises, entrance: Gate, door: Gate) -> None:
    """Passes asked for, used, refused, revoked; gates made, born and lost; zones changed."""
    window = {
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(hours=2)).isoformat(),
    }
    await premises.serve("access.report_birth", gate_id=entrance.gate_id, epoch=entrance.epoch, session=1)
    ask = "access.create_guest_pass"
    ada = await premises.ask("member", ask, guest_name="Ada", **window)
    bob = await premises.ask("member", ask, guest_name="Bob", **window)
    grant = (await entrance.scan(ada.qr_token)).grant_id
    walked = {"rid": "r1", "direction": "in", "grant_id": grant}
    await entrance.report(entrance.event("decision", admit=True, reason="ok", **walked))
    await entrance.report(entrance.event("passage", **walked))
    await premises.serve("access.report_birth", gate_id=door.gate_id, epoch=door.epoch, session=1)
    await door.report(door.event("decision", admit=False, reason="wrong_zone", rid="r2"), door.event("boot"))
    await premises.ask("guard", "access.revoke_guest_pass", guest_pass_id=bob.guest_pass_id)
    await premises.ask("manager", "access.change_zone", zone_id=premises.ids["hall"], capacity=40)
    await premises.ask("manager", "access.change_gate", gate_id=entrance.gate_id, name="front")
    await entrance.report(entrance.event("passage", rid="r3", direction="out", grant_id=grant))
    await premises.serve("access.report_death", gate_id=door.gate_id, epoch=door.epoch, session=1)
    await a_trying_noon(premises, entrance, door, grant)


async def a_trying_noon(premises: Premises, entrance: Gate, door: Gate, grant: int | None) -> None:
    """Alarms raised, repeated, taken on and closed; a muster; counts and passes put right by hand."""
    site, hall = premises.ids["site"], premises.ids["hall"]
    await door.report(door.event("alarm_on", detail={"alarm": "held_open"}))
    await entrance.report(entrance.event("alarm_on", detail={"alarm": "forced"}))
    await premises.ask("guard", "access.begin_muster", site_id=site, reason="smoke")
    await entrance.report(entrance.event("alarm_on", detail={"alarm": "forced"}))
    [forced, held] = (await premises.ask("guard", "access.list_alarms", site_id=site)).items
    await premises.ask("guard", "access.acknowledge_alarm", alarm_id=held.alarm_id)
    await premises.ask("guard", "access.close_alarm", alarm_id=forced.alarm_id, note="a kick", force=True)
    await premises.ask("guard", "access.correct_count", zone_id=hall, counted=3, reason="counted")
    about: dict[str, Any] = {"site_id": site, "pass_id": grant, "zone_id": hall, "reason": "seen"}
    await premises.ask("guard", "access.forgive_pass", **about)


@pytest.mark.parametrize("feed", FOLLOWED, ids=lambda feed: feed.template)
async def test_first_view_and_later_views_equal_a_fresh_view(
    premises: Premises, entrance: Gate, door: Gate, feed: Feed
) -> None:
    screen = Screen(premises, feed)
    await screen.open()
    before = msgspec.to_builtins(screen.items)
    await a_busy_morning(premises, entrance, door)
    await screen.watch()
    assert msgspec.to_builtins(screen.seen()) == msgspec.to_builtins(await first(premises, feed))
    assert msgspec.to_builtins(screen.items) != before


async def test_a_muster_is_followed_from_its_beginning_to_its_end(
    premises: Premises, entrance: Gate, door: Gate
) -> None:
    """Several guards mark at once while people walk: what each sees is what a fresh view would show."""
    window = {"start": premises.now.isoformat(), "end": (premises.now + timedelta(hours=2)).isoformat()}
    ask, site = "access.create_guest_pass", premises.ids["site"]
    ada, bob, eve = [
        await premises.ask("member", ask, guest_name=name, **window) for name in ("Ada", "Bob", "Eve")
    ]
    for made in (ada, bob):
        await entrance.report(entrance.event(direction="in", grant_id=made.pass_id))
    screen = Screen(premises, feeds.muster)
    await screen.open()

    async def is_fresh() -> None:
        await screen.watch()
        fresh = await first(premises, feeds.muster)
        assert msgspec.to_builtins(screen.seen()) == msgspec.to_builtins(fresh)

    muster = await premises.ask("guard", "access.begin_muster", site_id=site, reason="smoke")
    await is_fresh()
    assert len(screen.seen()) == 1 + 2 + 2
    premises.house.clock.advance(seconds=1)
    about = {"muster_id": muster.muster_id, "pass_id": ada.pass_id}
    await premises.ask("guard", "access.mark_safe", **about)
    await entrance.report(
        entrance.event(direction="out", grant_id=bob.pass_id),
        entrance.event(direction="in", grant_id=eve.pass_id),
    )
    await is_fresh()
    assert f"muster:{muster.muster_id}/pass:{bob.pass_id}" not in screen.seen()
    await premises.serve("access.note_scans")
    await door.report(door.event("alarm_on", detail={"alarm": "tailgate"}))
    await premises.ask("guard", "access.revoke_guest_pass", guest_pass_id=eve.guest_pass_id)
    await is_fresh()
    shown = screen.seen()[f"muster:{muster.muster_id}/pass:{eve.pass_id}"].data
    assert (shown.confidence, shown.warning) == ("doubt", "revoked")
    await premises.ask("desk", "access.forgive_pass", site_id=site, pass_id=eve.pass_id, reason="left")
    await premises.ask("guard", "access.unmark_safe", **about)
    await is_fresh()
    await premises.ask("guard", "access.end_muster", muster_id=muster.muster_id)
    await is_fresh()
    assert screen.seen() == {} and screen.items


async def test_an_alarm_says_which(premises: Premises, door: Gate) -> None:
    await door.report(door.event("alarm_on", detail={"alarm": "held_open"}), door.event("alarm_off"))
    shown = [item.data for item in (await first(premises, feeds.log)).values()]
    assert [(entry.kind, entry.reason) for entry in shown] == [("alarm_off", None), ("alarm_on", "held_open")]


@pytest.mark.parametrize("feed", (*FOLLOWED, feeds.pulse), ids=lambda feed: feed.template)
async def test_only_staff_of_the_site_may_follow(premises: Premises, feed: Feed) -> None:
    assert feed.opens is not None
    runtime = premises.house.runtime
    elsewhere = Caller(
        roles=frozenset({"member", "guard"}), user_id=99, site_roles={999: frozenset({"guard"})}
    )
    async with runtime.readers() as db:
        for allowed in ("guard", "desk", "manager", "admin"):
            await feed.opens(runtime.context(premises.people[allowed], db), site_id=premises.ids["site"])
        for refused in (premises.people["member"], premises.people["stranger"], elsewhere):
            with pytest.raises(Forbidden):
                await feed.opens(runtime.context(refused, db), site_id=premises.ids["site"])


async def test_who_looks_at_a_row_is_told_by_name(premises: Premises) -> None:
    runtime, signal = premises.house.runtime, feeds.Looking(key="decision:1", looking=False)
    assert feeds.log.says is not None and feeds.log.signal is feeds.Looking
    async with runtime.readers() as db:
        guard = runtime.context(premises.people["guard"], db)
        looked = await feeds.log.says(guard, signal, site_id=premises.ids["site"])
        name = (await names_of(guard, [guard.user_id]))[guard.user_id]
    assert looked == feeds.Looked("decision:1", False, name) and name


async def test_a_pass_of_another_day_is_not_among_todays_guests(premises: Premises) -> None:
    later = premises.now + timedelta(days=3)
    window = {"start": later.isoformat(), "end": (later + timedelta(hours=1)).isoformat()}
    screen = Screen(premises, feeds.guests)
    await screen.open()
    await premises.ask("member", "access.create_guest_pass", guest_name="Later", **window)
    await screen.watch()
    assert screen.seen() == {}


async def test_a_guest_whose_time_is_over_is_shown_as_expired(premises: Premises) -> None:
    window = {
        "start": premises.now.isoformat(),
        "end": (premises.now + timedelta(hours=1)).isoformat(),
    }
    made = await premises.ask("member", "access.create_guest_pass", guest_name="Late", **window)
    screen = Screen(premises, feeds.guests)
    await screen.open()
    premises.house.clock.advance(hours=1)
    assert await premises.serve("access.expire_guest_passes") == 1
    assert await premises.serve("access.expire_guest_passes") == 0
    await screen.watch()
    shown = screen.items[f"pass:{made.guest_pass_id}"]
    assert shown.data.state == "expired"
