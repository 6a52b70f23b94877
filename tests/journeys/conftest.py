"""A house and a browser for each module of journeys that asks for them."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from gatehouse.roles import DASHBOARD
from tests.journeys.house import House, Person, calling, running_house, sign_in
from tests.journeys.screens import FLAGS, PATIENCE_MS, WATCH_POLICY, Screen, guards_screen
from tests.services.needs import missing


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    """The demo house, up, with its dashboard built."""
    if not (DASHBOARD / "index.html").exists():
        missing("needs the built dashboard: make dashboard")
    async with running_house() as up:
        yield up


@pytest.fixture(scope="module")
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of its API."""
    async with calling(house) as client:
        yield client


@pytest.fixture(scope="module")
async def member(http: httpx2.AsyncClient) -> Person:
    """Somebody who expects guests."""
    return await sign_in(http, "member@example.com")


@pytest.fixture(scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        await started.close()


@pytest.fixture(scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser at a guard's desk."""
    opened = await browser.new_context(locale="en-GB", viewport={"width": 1400, "height": 900})
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    await opened.add_init_script(WATCH_POLICY)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def screen(house: House, context: BrowserContext) -> Screen:
    """The guard's board."""
    return await guards_screen(house, context)
