"""What guards and the desk do on the screen, and what becomes of it at the gates; and a guest's pass on a phone."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from playwright.async_api import Browser, expect

from simulators.control import sound
from tests.eventually import eventually
from tests.journeys.house import PASSWORD, House, Person, sign_in
from tests.journeys.screens import PATIENCE_MS, WATCH_POLICY, Screen, other_browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
async def manager(http: httpx2.AsyncClient) -> Person:
    return await sign_in(http, "manager@example.com")


@pytest.fixture(autouse=True)
async def nothing_to_complain_about(screen: Screen) -> AsyncIterator[None]:
    """No test leaves an error in the console but the refusals it asks for."""
    yield
    assert [text for text in screen.complaints if "404" not in text] == []
    screen.complaints.clear()


async def test_a_lockdown_takes_a_second_word_and_is_confirmed_gate_by_gate(
    house: House, screen: Screen, member: Person
):
    guest = await member.expect_guest("Ada in a lockdown")
    await screen.part("order-site").click()
    await screen.part("order-mode-lockdown").check()
    await screen.part("order-reason").fill("a drill")
    await expect(screen.part("order-confirm")).to_be_disabled()
    await screen.part("order-sure").check()
    await screen.part("order-confirm").click()

    await expect(screen.part("site-standing", mode="lockdown")).to_be_visible()
    await expect(screen.part("standing-obeyed")).to_have_text("4 of 4 gates have it")
    await screen.part("standing-show").click()
    await expect(screen.part("standing-gate", confirmed="true")).to_have_count(4)
    assert (await house.present(1, guest["qrToken"])).reason == "lockdown"

    await screen.part("standing-lift").click()
    await screen.part("order-mode-normal").check()
    await screen.part("order-reason").fill("the drill is over")
    await screen.part("order-confirm").click()
    await expect(screen.part("site-standing")).to_have_count(0)

    async def admits() -> None:
        assert (await house.present(1, guest["qrToken"])).reason == "ok"

    await eventually(admits, 10)


async def test_a_guard_opens_a_gate_once_and_the_log_tells(screen: Screen):
    card = screen.part("gate-card", gate_id=1)
    await card.locator('[data-testid="gate-menu"]').click()
    await card.locator('[data-testid="gate-act-open-in"]').click()
    await screen.part("command-reason").fill("a parcel")
    await screen.part("command-confirm").click()

    await expect(screen.part("command-dialog")).to_have_count(0)
    row = screen.part("feed-row", gate_id=1).filter(has_text="Command carried out")
    await expect(row.first).to_be_visible()


async def test_somebody_from_the_watch_list_raises_an_alarm_that_a_guard_takes_and_closes(
    house: House, screen: Screen, member: Person, manager: Person
):
    watched = {"siteId": 1, "kind": "name", "value": "Mallory Watched", "action": "alert", "reason": "a test"}
    await manager.post("/api/watch-list", watched)
    guest = await member.expect_guest("Watched Mallory")

    assert (await house.present(1, guest["qrToken"])).reason == "ok"

    alarm = screen.part("alarm", kind="watch_list")
    await expect(alarm).to_have_attribute("data-state", "raised")
    await alarm.locator('[data-testid="alarm-take"]').click()
    await expect(alarm).to_have_attribute("data-state", "acknowledged")
    await expect(alarm.locator('[data-testid="alarm-taken"]')).to_contain_text("has it")
    await alarm.locator('[data-testid="alarm-close"]').click()
    await screen.part("alarm-note").fill("spoke to her")
    await screen.part("alarm-force").check()
    await screen.part("alarm-confirm").click()
    await expect(alarm).to_have_count(0)


async def test_a_decision_is_explained_rule_by_rule(house: House, screen: Screen, member: Person):
    guest = await member.expect_guest("Ada who asks why")
    assert (await house.present(4, guest["qrToken"])).reason == "wrong_zone"

    # The newest: below it may stand what the gate said alone before the server answered.
    row = screen.part("feed-row", guest_pass_id=guest["guestPassId"], verdict="deny").first
    await row.locator('[data-testid="feed-explain"]').click()

    await expect(screen.part("decision-step", rule="window")).to_have_attribute("data-verdict", "pass")
    await expect(screen.part("decision-step", rule="place")).to_have_attribute("data-verdict", "deny")
    await expect(screen.part("decision-text")).not_to_be_empty()
    await screen.part("decision-close").click()


async def test_the_desk_checks_somebody_in_whose_phone_is_dead(screen: Screen, member: Person):
    guest = await member.expect_guest("Ada with a dead phone")
    row = screen.part("guest-row", guest_pass_id=guest["guestPassId"])
    await screen.part("guest-search").fill("dead phone")
    await expect(screen.part("guest-row")).to_have_count(1)
    await row.locator('[data-testid="guest-visit"]').click()
    await screen.part("visit-confirm").click()

    await expect(row).to_have_attribute("data-state", "inside")
    await screen.part("guest-search").fill("")


async def test_the_desk_is_offered_what_it_may_do_and_nothing_else(
    house: House, http: httpx2.AsyncClient, browser: Browser, screen: Screen
):
    owner = await sign_in(http, "owner@example.com")
    person = {"username": "desk", "email": "desk@example.com", "password": PASSWORD}
    await owner.post("/api/users", {**person, "roles": [{"role": "desk", "siteId": 1}]})
    await sound(house.control, 2, "jam", on=True)
    await expect(screen.part("alarm", kind="jam").locator('[data-testid="alarm-take"]')).to_be_visible()
    async with other_browser(browser) as (_, desk):
        await desk.page.goto(house.url)
        await desk.part("login-email").fill(person["email"])
        await desk.part("login-password").fill(PASSWORD)
        await desk.part("login-submit").click()
        await expect(desk.part("alarm", kind="jam")).to_be_visible()
        await expect(desk.part("gate-card")).to_have_count(4)
        await expect(desk.part("guest-visit").first).to_be_visible()
        for forbidden in ("alarm-take", "order-site", "gate-menu"):
            await expect(desk.part(forbidden)).to_have_count(0)

        await sound(house.control, 2, "jam", on=False)
        await expect(screen.part("alarm", kind="jam").locator('[data-testid="alarm-close"]')).to_be_visible()
        await expect(desk.part("alarm", kind="jam", state="cleared")).to_be_visible()
        await expect(desk.part("alarm-close")).to_have_count(0)

        await desk.part("muster-button").click()
        await desk.part("muster-begin").click()
        await expect(desk.part("muster-reason")).to_be_visible()
        await expect(desk.part("muster-evacuate")).to_have_count(0)
        await desk.part("muster-cancel").click()
    await screen.part("muster-button").click()
    await screen.part("muster-begin").click()
    await expect(screen.part("muster-evacuate")).to_be_visible()
    await screen.part("muster-cancel").click()
    await screen.part("muster-button").click()


async def test_a_muster_accounts_for_everybody_inside(house: House, screen: Screen, member: Person):
    guest = await member.expect_guest("Ada in the muster")
    assert (await house.present(1, guest["qrToken"])).passed
    await screen.part("muster-button").click()
    person = screen.part("muster-person", pass_id=guest["passId"])
    await expect(person).to_have_attribute("data-confidence", "seen")
    await member.post(f"/api/guest-passes/{guest['guestPassId']}/revoke", status=200)
    await expect(person.locator('[data-testid="muster-warning"]')).to_have_text("the pass was revoked")
    await expect(screen.part("muster-zone", zone_id=1)).to_contain_text(re.compile(r"\d+ in − \d+ out"))

    await screen.part("muster-begin").click()
    await screen.part("muster-reason").fill("a drill")
    await screen.part("muster-confirm").click()
    await person.locator('[data-testid="muster-mark"]').click()
    await expect(person).to_have_attribute("data-safe", "true")
    await screen.part("muster-only-missing").check()
    await expect(person).to_have_count(0)
    await screen.part("muster-only-missing").uncheck()

    await screen.part("muster-end").click()
    await expect(screen.part("muster-dialog")).to_contain_text(re.compile(r"Not found yet: \d+"))
    await screen.part("muster-confirm").click()
    await expect(screen.part("muster-begin")).to_be_visible()
    await screen.part("muster-button").click()
    await expect(screen.part("site-board")).to_be_visible()


@pytest.mark.parametrize("live", [False, True])
async def test_a_guest_shows_the_pass_from_the_letter_without_a_signal_too(
    house: House, browser: Browser, member: Person, live: bool
):
    guest = await member.expect_guest("Grace Hopper", liveCode=live)
    link = await member.get(f"/api/guest-passes/{guest['guestPassId']}/link")
    phone = await browser.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
    phone.set_default_timeout(PATIENCE_MS)
    await phone.add_init_script(WATCH_POLICY)
    page = Screen(await phone.new_page())
    page.listen()
    await page.page.goto(f"{house.url}/app/pass/{link['token']}")
    await expect(page.part("pass-page", reached="true")).to_be_visible()
    await expect(page.part("pass-page")).to_contain_text("Welcome, Grace!")
    await page.page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    await page.page.reload()
    await expect(page.part("pass-code")).to_be_visible()

    await phone.set_offline(True)
    await page.page.reload()
    await expect(page.part("pass-offline")).to_be_visible()
    shown = await page.part("pass-code").get_attribute("data-text")
    assert shown is not None

    assert (await house.present(1, shown)).reason == "ok"
    if live:
        assert (await house.present(1, guest["qrToken"])).reason in ("passback", "stale_code")
    await phone.close()


async def test_a_link_that_leads_nowhere_says_so(house: House, browser: Browser):
    stranger = await browser.new_context(locale="en-GB")
    page = Screen(await stranger.new_page())
    await page.page.goto(f"{house.url}/app/pass/AAAAAAAAAAAAAAAA")

    await expect(page.part("pass-refused")).to_contain_text("This link leads nowhere")
    await stranger.close()
