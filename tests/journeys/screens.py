"""Pages in a real browser, with every complaint of their consoles."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.journeys.house import PASSWORD, PATIENCE_S, House

PATIENCE_MS = PATIENCE_S * 1000
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
WATCH_POLICY = (
    "addEventListener('securitypolicyviolation', (event) => console.error('CSP ' + event.blockedURI))"
)
NO_SESSION_YET = re.compile(r".*/app/session/refresh$")


@dataclass
class Screen:
    """A page, and every complaint of its console."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def part(self, name: str, **data: object) -> Locator:
        """The parts of the screen of this name, with these data attributes."""
        marks = "".join(f'[data-{key.replace("_", "-")}="{value}"]' for key, value in data.items())
        return self.page.locator(f'[data-testid="{name}"]{marks}')

    def listen(self) -> None:
        """Take down what the console complains of."""

        def complained(message: Any) -> None:
            # the one look for a session that a first visit cannot have
            if message.type == "error" and not NO_SESSION_YET.match(message.location.get("url", "")):
                self.complaints.append(message.text)

        self.page.on("console", complained)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))


async def come_in(house: House, screen: Screen, password: str = PASSWORD) -> None:
    """Open the page, and sign in as the guard."""
    await screen.page.goto(house.url)
    await screen.part("login-email").fill("guard@example.com")
    await screen.part("login-password").fill(password)
    await screen.part("login-submit").click()


async def guards_screen(house: House, context: BrowserContext) -> Screen:
    """The board of a guard who signed in as at any other morning."""
    screen = Screen(await context.new_page())
    screen.listen()
    await come_in(house, screen)
    await expect(screen.part("site-board")).to_be_visible()
    return screen


@asynccontextmanager
async def other_browser(browser: Browser) -> AsyncIterator[tuple[BrowserContext, Screen]]:
    """A browser at another desk."""
    opened = await browser.new_context(locale="en-GB")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened, Screen(await opened.new_page())
    await opened.close()
