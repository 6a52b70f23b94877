"""The dashboard in a real browser: notes when the picture with each new row of the access log is made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import msgspec
from playwright.async_api import Page, TimeoutError, async_playwright

from tests.journeys.screens import FLAGS
from tests.services.needs import CHROMIUMS, found

PATIENCE_MS, LAST_MS = 30_000, 5_000
ALL_SEEN = "(keys) => keys.every((key) => key in window.seen)"
# A row that comes is noted by the frame that shows it, in Unix milliseconds.
WATCH = """() => {
  const seen = (window.seen = {});
  const rows = () => document.querySelectorAll('[data-testid="feed-row"]');
  const note = () => rows().forEach(({ dataset }) => (seen[dataset.key] ??= Date.now()));
  note();
  new MutationObserver(() => requestAnimationFrame(note)).observe(document.body, { childList: true, subtree: true });
}"""


class Guard(msgspec.Struct, frozen=True):
    """Who signs in."""

    email: str
    password: str


@dataclass
class Dashboard:
    """One guard's board."""

    page: Page

    async def seen(self, keys: list[str]) -> dict[str, int]:
        """Return when each row was first shown, in Unix milliseconds; wait a little for those with these keys."""
        with suppress(TimeoutError):
            await self.page.wait_for_function(ALL_SEEN, arg=keys, timeout=LAST_MS)
        told: dict[str, int] = await self.page.evaluate("() => window.seen")
        return told


@asynccontextmanager
async def dashboard(port: int, guard: Guard) -> AsyncIterator[Dashboard]:
    """Sign in and watch until the block ends.

    Raises:
        FileNotFoundError: There is no Chromium.
    """
    chromium = found(*CHROMIUMS)
    if chromium is None:
        raise FileNotFoundError("a screen needs Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = await browser.new_page(locale="en-GB", viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"http://127.0.0.1:{port}")
        await page.get_by_test_id("login-email").fill(guard.email)
        await page.get_by_test_id("login-password").fill(guard.password)
        await page.get_by_test_id("login-submit").click()
        await page.get_by_test_id("feed").wait_for()
        await page.evaluate(WATCH)
        yield Dashboard(page)
        await browser.close()
