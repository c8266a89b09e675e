"""Chromium for the tests of pages; without it they are skipped and say so."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.console.browser import CHROMIUM, LOOKS, PATIENCE_MS, Look, choose_theme, looking
from tests.console.pages import Place
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

Sessions = Callable[[Look], BrowserContext]
QUICK = [
    *("--no-sandbox", "--disable-gpu", "--renderer-process-limit=1"),
    "--js-flags=--no-turbofan --no-maglev",
]
"""A page lives for a second: its own process and optimized code are a fifth of the work."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """Start one browser, and playwright's event loop, which `browser` lets run."""
    if not CHROMIUM:
        pytest.skip("NO CHROMIUM: not one page was looked at (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUICK)
        expect.set_options(timeout=PATIENCE_MS)
        loop = asyncio.get_running_loop()
        run_by_this_thread(None)
        yield chromium, loop
        run_by_this_thread(loop)
        chromium.close()


@pytest.fixture(scope="module")
def browser(chromium: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The browser; its loop stands still between modules, as Django and other loops require.

    A browser for each module would cost a second each.
    """
    browser, loop = chromium
    run_by_this_thread(loop)
    yield browser
    run_by_this_thread(None)


def run_by_this_thread(loop: asyncio.AbstractEventLoop | None) -> None:
    """Set asyncio's running loop: playwright's waits in a greenlet, where asyncio cannot see it."""
    asyncio._set_running_loop(loop)  # noqa: SLF001 - what those who write loops are given


@pytest.fixture
def look() -> Look:
    """The first look, for tests that do not go through all."""
    return LOOKS[0]


@pytest.fixture(scope="module")
def sessions(browser: Browser, stack: Stack) -> Iterator[Sessions]:
    """Make a browser session for each look, kept for the module: fonts and scripts load once.

    An empty tab keeps its window open, since a window costs more than most pages do.
    """
    made: dict[str, BrowserContext] = {}
    with ExitStack() as kept:

        def session(look: Look) -> BrowserContext:
            if look.name not in made:
                made[look.name] = kept.enter_context(looking(browser, stack.base_url, look))
                made[look.name].new_page()
            return made[look.name]

        yield session


@pytest.fixture
def session(sessions: Sessions, stack: Stack, look: Look) -> Iterator[BrowserContext]:
    """The session of that look; its pages are closed after the test."""
    context = sessions(look)
    choose_theme(context, stack.base_url, look)
    yield context
    first, *pages = context.pages  # the first page keeps the window open
    first.goto("about:blank")  # and sends no requests during other tests
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def place(stack: Stack) -> Place:
    """The demo workspace, signed in once, with one delivered image and one failed."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(
        base_url=stack.base_url, headers=headers, timeout=60, trust_env=False
    ) as client:
        body = {"model": "gpt-image-2", "size": "1536x1024", "quality": "low", "user": "order-7"}
        made = client.post(
            "/v1/images/generations",
            json={**body, "prompt": "a heron at dawn, painted in warm colours on old linen"},
        )
        client.post(
            "/v1/images/generations", json={**body, "prompt": "a fox [sandbox: status=400]"}
        )
        key = client.get("/v1/api_keys").json()["data"][-1]["id"]
        nobody = f"{stack.nobody}/hooks/pictor"
        hook = client.post("/v1/webhook_endpoints", json={"url": nobody}).json()["id"]
        told = client.post(f"/v1/webhook_endpoints/{hook}/test").json()["id"]
        path = f"/v1/webhook_endpoints/{hook}/deliveries/{told}"
        until(lambda: bool(client.get(path).json()["attempts"]))
    tenant, cookies = signed_in_without_a_browser(stack)
    return Place(tenant, made.json()["metadata"]["generation_id"], key, hook, told, cookies)


def signed_in_without_a_browser(stack: Stack) -> tuple[str, list[dict[str, object]]]:
    """The demo workspace and its owner's cookies, from a sign-in over HTTP."""
    with httpx.Client(
        base_url=stack.base_url, follow_redirects=True, timeout=60, trust_env=False
    ) as client:
        client.get("/accounts/login/")
        there = client.post(
            "/accounts/login/?next=/console/",
            data={
                "login": stack.env["PICTOR_DEMO_EMAIL"],
                "password": stack.env["PICTOR_DEMO_PASSWORD"],
                "csrfmiddlewaretoken": client.cookies["csrftoken"],
            },
        )
        tenant = there.url.path.rstrip("/").rpartition("/")[2]
        return tenant, [
            {"name": name, "value": value, "url": stack.base_url}
            for name, value in client.cookies.items()
        ]


@pytest.fixture
def signed_in(session: BrowserContext, place: Place) -> BrowserContext:
    session.add_cookies(place.cookies)  # type: ignore[arg-type]  # as they were given
    return session


@pytest.fixture
def playground(signed_in: BrowserContext, place: Place) -> Page:
    """The playground with a prompt and its price."""
    page = signed_in.new_page()
    page.goto(place.path("playground"))
    page.get_by_label("Prompt").fill("A fox")
    page.locator("#code-curl").get_by_text("A fox").wait_for()
    return page
