"""The guard's screen in a real browser: what happens at the gates is seen there, and acted on from there."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.eventually import eventually
from tests.journeys.house import PATIENCE_S, House, Person
from tests.journeys.screens import Screen, come_in, other_browser

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
async def nothing_to_complain_about(screen: Screen) -> AsyncIterator[None]:
    """No test leaves an error in the console: no script that failed, no breach of the content security policy."""
    yield
    assert screen.complaints == []


async def test_the_board_is_live(house: House, screen: Screen, member: Person):
    await expect(screen.part("site-name")).to_have_text("Gatehouse Loft")
    await expect(screen.part("feed-status", state="live")).to_be_visible()
    await expect(screen.part("gate-card", link="online")).to_have_count(4)
    await expect(screen.part("zone-card")).to_have_count(3)
    await expect(screen.part("stale-badge")).to_have_count(0)


async def test_rows_move_by_themselves(screen: Screen):
    newest = await screen.part("feed-row").first.get_attribute("data-key")

    async def moved() -> bool:
        return await screen.part("feed-row").first.get_attribute("data-key") != newest

    await eventually(moved, 60)
    inside = [int(text) for text in await screen.part("zone-inside").all_inner_texts()]
    assert len(inside) == 3 and sum(inside) > 0


async def test_a_guest_who_comes_appears_with_name_and_host(house: House, screen: Screen, member: Person):
    guest = await member.expect_guest("Ada on the screen")
    expected = screen.part("guest-row", guest_pass_id=guest["guestPassId"])
    await expect(expected).to_have_attribute("data-state", "expected")

    scanned = await house.scan(1, guest["qrToken"])

    assert scanned.code == 0, scanned
    row = screen.part("feed-row", guest_pass_id=guest["guestPassId"], passed="true")
    await expect(row).to_have_attribute("data-verdict", "admit")
    await expect(row).to_contain_text("Ada on the screen")
    await expect(row).to_contain_text("guest of Maria Lebedeva")
    await expect(row).to_contain_text("Main entrance A")
    await expect(expected).to_have_attribute("data-state", "inside")


async def test_a_denial_says_why_and_what_to_do(house: House, screen: Screen, member: Person):
    guest = await member.expect_guest("Ada at the server room")

    assert (await house.present(4, guest["qrToken"])).reason == "wrong_zone"

    # The newest: below it may stand what the gate said alone before the server answered.
    row = screen.part("feed-row", guest_pass_id=guest["guestPassId"], verdict="deny").first
    await expect(row.locator('[data-testid="feed-reason"]')).to_have_text("The pass does not open this zone.")
    await expect(row.locator('[data-testid="feed-next"]')).to_contain_text("Send the visitor to the entrance")
    await expect(row).to_contain_text("Ada at the server room")


async def test_who_looks_at_a_denial_is_seen_by_the_others_on_duty(
    house: House, browser: Browser, screen: Screen, member: Person
):
    guest = await member.expect_guest("Ada who is looked at")
    await house.present(4, guest["qrToken"])
    row = {"guest_pass_id": guest["guestPassId"], "verdict": "deny"}
    async with other_browser(browser) as (_, other):
        await come_in(house, other)
        await expect(other.part("feed-row", **row).first).to_be_visible()

        look = screen.part("feed-row", **row).first.locator('[data-testid="feed-look"]')
        await look.click()
        await expect(look).to_have_attribute("aria-pressed", "true")
        told = other.part("feed-row", **row).first.locator('[data-testid="feed-looked"]')
        await expect(told).to_have_text(re.compile(r"\w+ looks at this"))
        # One does not hear of oneself.
        await expect(screen.part("feed-looked")).to_have_count(0)

        await look.click()
        await expect(told).to_have_count(0)


async def test_a_pass_revoked_on_the_screen_opens_no_more(house: House, screen: Screen, member: Person):
    guest = await member.expect_guest("Ada to be revoked")
    row = screen.part("guest-row", guest_pass_id=guest["guestPassId"])
    await row.locator('[data-testid="guest-revoke"]').click()
    await expect(screen.part("revoke-dialog")).to_contain_text("Ada to be revoked")
    await screen.part("revoke-reason").fill("badge was photographed")
    await screen.part("revoke-confirm").click()
    await expect(screen.part("revoke-dialog")).to_have_count(0)
    await expect(row).to_have_attribute("data-state", "revoked")

    shown = await house.present(1, guest["qrToken"])

    assert (shown.verdict, shown.reason) == ("deny", "revoked")
    denied = screen.part("feed-row", guest_pass_id=guest["guestPassId"], verdict="deny").first
    await expect(denied.locator('[data-testid="feed-reason"]')).to_have_text("The pass was revoked.")


async def test_a_name_full_of_markup_is_shown_as_text(house: House, screen: Screen, member: Person):
    name = '<img src=x onerror="document.title=1"><script>alert(1)</script><b>Bold</b>'
    guest = await member.expect_guest(name)

    await house.present(1, guest["qrToken"])

    row = screen.part("feed-row", guest_pass_id=guest["guestPassId"], passed="true")
    await expect(row.locator(".who strong")).to_have_text(name)
    await expect(screen.part("guest-row", guest_pass_id=guest["guestPassId"])).to_contain_text(name)
    assert await screen.page.locator("img[src=x], b:text-is('Bold')").count() == 0
    assert await screen.page.title() != "1"


async def test_no_script_can_read_a_token(screen: Screen, context: BrowserContext):
    stored = await screen.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )

    assert "eyJ" not in stored and "refresh" not in stored
    kept = [cookie for cookie in await context.cookies() if cookie["name"] == "gatehouse_refresh"]
    assert [(one["httpOnly"], one["sameSite"], one["path"]) for one in kept] == [
        (True, "Strict", "/app/session")
    ]
    assert kept[0]["value"] not in stored


async def test_a_reload_stays_signed_in(screen: Screen):
    await screen.page.reload()

    await expect(screen.part("feed-status", state="live")).to_be_visible()
    assert await screen.part("feed-row").count() > 0


async def test_a_guard_sees_what_the_hub_does_while_it_does_it(
    house: House, browser: Browser, screen: Screen
):
    await screen.part("hubs-button").click()
    board = screen.part("hub-board", complete="true", hubs="1")
    await expect(board).to_be_visible()
    await expect(screen.part("hub-row-connections")).to_have_text("1")
    async with other_browser(browser) as (_, other):
        await come_in(house, other)
        await expect(other.part("feed-status", state="live")).to_be_visible()
        await expect(screen.part("hub-row-connections")).to_have_text("2")
    await expect(screen.part("hub-row-connections")).to_have_text("1")
    await expect(screen.part("hub-ends")).to_contain_text("the client left, or its network")
    await expect(screen.part("hub-commands")).to_contain_text("subscribe")

    await screen.page.reload()
    await expect(board).to_be_visible()
    drawn = screen.part("hub-deliveries").locator("path.line")
    await expect(drawn).to_have_attribute("d", re.compile(r"^M0 [\d.]+(L[\d.]+ [\d.]+)+$"))
    await screen.part("hub-deliveries").locator("svg").hover()
    await expect(screen.part("hub-latency").locator(".when")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))

    await screen.part("hubs-button").click()
    await expect(screen.part("site-board")).to_be_visible()


async def test_everything_is_there_in_russian(screen: Screen):
    try:
        await screen.part("account-menu").click()
        await screen.part("language-ru").click()
        await expect(screen.part("site-board")).to_contain_text("Журнал")
        await expect(screen.page.locator("html")).to_have_attribute("lang", "ru")
        board = await screen.part("site-board").inner_text()
        assert not re.search(r"\b(Admitted|Denied|Online|Revoke|Guests|Gates)\b", board)
    finally:
        await screen.part("language-en").click()
        await screen.page.keyboard.press("Escape")
    await expect(screen.part("site-board")).to_contain_text("Access log")


async def test_a_broker_that_is_away_is_told_and_forgotten_when_it_is_back(house: House, screen: Screen):
    async with broker_away(house):
        await expect(screen.part("stale-badge", cause="broker")).to_be_visible()
        await expect(screen.part("feed-status", state="stale")).to_be_visible()

    await expect(screen.part("stale-badge")).to_have_count(0)
    await expect(screen.part("feed-status", state="live")).to_be_visible()
    await expect(screen.part("gate-card", link="online")).to_have_count(4)


@asynccontextmanager
async def broker_away(house: House) -> AsyncIterator[None]:
    """Kill the broker, and keep it from coming back by taking its port."""
    for _ in range(20):
        broker = next(one for one in house.family() if "mosquitto" in one.name())
        broker.kill()
        await asyncio.to_thread(broker.wait, PATIENCE_S)
        try:
            taken = await asyncio.start_server(
                lambda _, writer: writer.close(), "127.0.0.1", house.broker_port
            )
        except OSError:
            continue  # it was faster
        async with taken:
            yield
        return
    raise AssertionError("the broker came back each time before its port could be taken")


async def test_a_server_that_stands_still_is_told_and_forgotten(house: House, screen: Screen):
    server = house.family()[0]
    server.suspend()
    try:
        await expect(screen.part("stale-badge")).to_be_visible()
        assert await screen.part("stale-badge").get_attribute("data-cause") in ("silent", "cut")
    finally:
        server.resume()

    await expect(screen.part("stale-badge")).to_have_count(0)
    await expect(screen.part("feed-status", state="live")).to_be_visible()


async def test_who_signs_out_is_out(house: House, browser: Browser):
    async with other_browser(browser) as (context, other):
        await come_in(house, other)
        await other.part("account-menu").click()
        await other.part("logout").click()
        await expect(other.part("login-email")).to_be_visible()

        await other.page.reload()

        await expect(other.part("login-email")).to_be_visible()
        assert await context.cookies() == []


async def test_a_wrong_password_is_told_in_words(house: House, browser: Browser):
    async with other_browser(browser) as (_, other):
        await come_in(house, other, "not the password")

        await expect(other.part("login-error")).not_to_be_empty()
        await expect(other.part("site-board")).to_have_count(0)
