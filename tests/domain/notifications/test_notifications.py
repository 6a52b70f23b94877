"""Hosts hear of their guests: on the list, on their channel and by mail, each once, in their language.

Proves: domain/notifications/reactions.py, domain/notifications/operations.py, domain/notifications/feeds.py,
domain/notifications/jobs.py, domain/notifications/queries/
"""

import msgspec
import pytest
from sqlalchemy import select, update

from domain.access.operations.alarms import raise_alarm
from domain.identity.tables import UserRow
from domain.kernel.caller import SERVICE
from domain.kernel.context import Context
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.feeds import Item
from domain.kernel.ports import Mail, Undeliverable
from domain.notifications.events import NotificationCreated, NotificationRead
from domain.notifications.feeds import inbox
from domain.notifications.tables import DeliveryRow, NotificationRow
from tests.reception import Reception


async def view(reception: Reception, who: str = "host") -> list[Item]:
    assert inbox.begins
    async with reception.house.runtime.readers() as db:
        ctx = reception.house.runtime.context(SERVICE, db)
        return list(await inbox.begins(ctx, user_id=reception.user(who)))


async def deliveries(reception: Reception) -> list[str]:
    async with reception.house.runtime.readers() as db:
        return list(await db.scalars(select(DeliveryRow.state).order_by(DeliveryRow.notification_id)))


async def test_a_host_hears_of_a_pass_and_the_guest_gets_it(reception: Reception):
    await reception.expect()
    await reception.house.work()

    [told] = await reception.told()
    assert (told.kind, told.title, told.read_at) == (
        "guest_pass_requested",
        "You are expecting a guest",
        None,
    )
    assert told.text == "Zoë Quinn may come to Loft from 02 Mar 2026 08:00 to 02 Mar 2026 18:00."
    letters = {letter.to: letter for letter in reception.house.mail.letters}
    assert set(letters) == {"host@example.com", "zoe@example.com"}
    invitation = letters["zoe@example.com"]
    assert "expects you at Loft" in invitation.text
    assert "http://127.0.0.1:8080/app/pass/" in invitation.text
    [picture] = invitation.attachments
    assert picture.content.startswith(b"\x89PNG")
    assert letters["host@example.com"].subject == told.title
    assert await deliveries(reception) == ["sent"]


async def test_a_guest_without_an_address_gets_no_letter(reception: Reception):
    await reception.expect(email=None)
    await reception.house.work()

    assert [letter.to for letter in reception.house.mail.letters] == ["host@example.com"]


async def test_a_host_hears_of_an_arrival_once(reception: Reception):
    guest_pass = await reception.expect()
    await reception.enter(guest_pass)
    await reception.leave(guest_pass)
    await reception.enter(guest_pass)

    arrived, _ = await reception.told()
    assert (arrived.kind, arrived.title) == ("guest_arrived", "Your guest has arrived")
    assert arrived.text == "Zoë Quinn came in at Loft, 02 Mar 2026 09:00."
    assert await reception.told("other") == []


async def test_the_same_fact_tells_only_once(reception: Reception):
    await reception.enter(await reception.expect())
    before = await reception.told()
    facts = await reception.house.facts("visit.logged", "guest_pass.requested")

    async with reception.house.runtime.sessions.begin() as db:
        ctx = reception.house.runtime.context(SERVICE, db)
        for row in facts:
            event = msgspec.convert(row.body, reception.house.catalogue.events[row.name])
            for react in reception.house.catalogue.reactions[type(event)]:
                await react(ctx, [event])
        assert ctx.emitted == []

    assert await reception.told() == before


async def test_managers_hear_of_an_alarm_that_nobody_sees_to(reception: Reception):
    async with reception.house.runtime.sessions.begin() as db:
        ctx = reception.house.runtime.context(SERVICE, db)
        await raise_alarm(ctx, "forced", site_id=reception.site_id, gate_id=reception.gate_id)
    reception.house.clock.advance(minutes=1)
    await reception.house.call(SERVICE, "access.escalate_alarms")
    await reception.house.call(SERVICE, "access.escalate_alarms")

    [told] = await reception.told("manager")
    assert (told.kind, told.title) == ("alarm_escalated", "Nobody sees to an alarm")
    assert told.text == (
        "Forced open, entrance at Loft, since 02 Mar 2026 09:00. Nobody has acknowledged it."
    )
    assert await reception.told("guard") == await reception.told("host") == []
    await reception.house.work()
    assert [letter.to for letter in reception.house.mail.letters] == ["manager@example.com"]


async def test_no_name_stands_in_rows_or_facts(reception: Reception):
    await reception.enter(await reception.expect())

    async with reception.house.runtime.readers() as db:
        params = list(await db.scalars(select(NotificationRow.params)))
    facts = [row.body for row in await reception.house.facts()]
    assert "Zo" not in msgspec.json.encode([params, facts]).decode()


async def test_the_words_are_in_the_readers_language(reception: Reception):
    await reception.enter(await reception.expect())
    async with reception.house.runtime.sessions.begin() as db:
        await db.execute(update(UserRow).where(UserRow.id == reception.user("host")).values(locale="ru"))

    arrived, _ = await reception.told()
    assert arrived.title == "Ваш гость пришёл"
    assert arrived.text == "Zoë Quinn: вход на «Loft», 02.03.2026 09:00."


async def test_a_list_is_ones_own_and_an_admin_sees_all(reception: Reception):
    await reception.expect()
    host = reception.user("host")

    assert len(await reception.told("admin", user_id=host)) == 1
    assert len(await reception.told("host", user_id=host)) == 1
    for stranger in ("other", "manager", "guard"):
        with pytest.raises(Forbidden):
            await reception.told(stranger, user_id=host)


async def test_a_long_list_comes_in_pages(reception: Reception):
    for number in range(5):
        await reception.expect(f"Guest {number}")

    first = await reception.ask("host", "notifications.list_notifications", limit=2)
    second = await reception.ask(
        "host", "notifications.list_notifications", limit=2, cursor=first.next_cursor
    )
    third = await reception.ask(
        "host", "notifications.list_notifications", limit=2, cursor=second.next_cursor
    )

    texts = [one.text.split(" may")[0] for page in (first, second, third) for one in page.items]
    assert texts == [f"Guest {number}" for number in (4, 3, 2, 1, 0)]
    assert third.next_cursor is None


async def test_reading_is_noted_once_and_by_the_reader_only(reception: Reception):
    await reception.expect()
    [told] = await reception.told()
    with pytest.raises(NotFound):
        await reception.ask("other", "notifications.read_notification", notification_id=told.notification_id)

    for _ in range(2):
        read = await reception.ask(
            "host", "notifications.read_notification", notification_id=told.notification_id
        )
        reception.house.clock.advance(minutes=1)

    assert read.read_at is not None
    assert len(await reception.house.facts("notification.read")) == 1
    assert await reception.told(unread=True) == []


async def test_first_view_and_later_views_agree(reception: Reception):
    await reception.expect()
    [created] = await view(reception)
    notification_id = created.data.notification_id
    show = inbox.shown[NotificationCreated]
    async with reception.house.runtime.readers() as db:
        ctx: Context = reception.house.runtime.context(SERVICE, db)
        fact = NotificationCreated(notification_id=notification_id, user_id=reception.user("host"))
        assert await show(ctx, [fact, fact]) == {f"#{reception.user('host')}": [created]}

    await reception.ask("host", "notifications.read_notification", notification_id=notification_id)

    [read] = await view(reception)
    assert (created.key, created.version) == (f"notification:{notification_id}", 1)
    assert (read.key, read.version) == (created.key, 2)
    assert inbox.shown[NotificationRead] is show
    assert [row.seq for row in await reception.house.facts("notification.created", "notification.read")] == [
        1,
        2,
    ]


async def test_a_channel_is_followed_by_its_reader_only(reception: Reception):
    assert inbox.opens
    async with reception.house.runtime.readers() as db:
        for who, allowed in (("host", True), ("other", False), ("admin", False)):
            ctx = reception.house.runtime.context(reception.people[who], db)
            if allowed:
                await inbox.opens(ctx, user_id=reception.user("host"))
            else:
                with pytest.raises(Forbidden):
                    await inbox.opens(ctx, user_id=reception.user("host"))


async def test_a_letter_sent_twice_has_one_key(reception: Reception):
    await reception.expect()
    jobs = [(row.job, row.arguments) for row in await reception.house.jobs()]
    assert sorted(name for name, _ in jobs) == ["notifications.send_invitation", "notifications.send_mail"]

    for _ in range(2):
        async with reception.house.runtime.sessions.begin() as db:
            await db.execute(update(DeliveryRow).values(state="pending"))
        for name, arguments in jobs:
            await reception.house.perform(name, arguments)

    keys = [letter.key for letter in reception.house.mail.letters]
    assert len(keys) == 4
    assert len(set(keys)) == 2


async def test_a_notification_that_was_sent_is_not_sent_again(reception: Reception):
    await reception.expect(email=None)
    jobs = [(row.job, row.arguments) for row in await reception.house.jobs()]
    for _ in range(2):
        for name, arguments in jobs:
            await reception.house.perform(name, arguments)

    assert len(reception.house.mail.letters) == 1
    assert await deliveries(reception) == ["sent"]


async def test_an_address_that_is_dead_is_given_up(reception: Reception, monkeypatch: pytest.MonkeyPatch):
    async def refuse(mail: Mail) -> None:
        raise Undeliverable("no such mailbox")

    monkeypatch.setattr(reception.house.mail, "send", refuse)
    await reception.expect()
    await reception.house.work()

    assert await deliveries(reception) == ["failed"]
