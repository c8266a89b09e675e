"""Chromium for the tests of the pages; without one they are skipped, and say so."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.console.browser import CHROMIUM, LOOKS, Look, looking
from tests.servers import Stack

Sessions = Callable[[Look], BrowserContext]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: its event loop must not outlive it, Django's tests follow."""
    if not CHROMIUM:
        pytest.skip("NO CHROMIUM: not one page was looked at (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def look() -> Look:
    """The first one, where a test does not go through all."""
    return LOOKS[0]


@pytest.fixture(scope="module")
def sessions(browser: Browser, stack: Stack) -> Iterator[Sessions]:
    """A browser's session for each look, kept for the module: fonts and scripts load once."""
    made: dict[str, BrowserContext] = {}
    with ExitStack() as kept:

        def session(look: Look) -> BrowserContext:
            if look.name not in made:
                made[look.name] = kept.enter_context(looking(browser, stack.base_url, look))
            return made[look.name]

        yield session


@pytest.fixture
def session(sessions: Sessions, look: Look) -> Iterator[BrowserContext]:
    """The session of that look; its pages are closed with the test."""
    context = sessions(look)
    yield context
    for page in context.pages:
        page.close()
