"""The list of generations with Live on follows changes, rests, and keeps the reader's place."""

from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.console.browser import faults
from tests.console.pages import Place
from tests.console.visits import broken_rules
from tests.stack.servers import Stack


def generate(stack: Stack, prompt: str, **headers: str) -> str:
    """Make an image by the API; return its generation's id."""
    answer = httpx.post(
        f"{stack.base_url}/v1/images/generations",
        headers={"Authorization": f"Bearer {stack.api_key}", **headers},
        json={"model": "gpt-image-2", "size": "1024x1024", "quality": "low", "prompt": prompt},
        timeout=60,
        trust_env=False,
    )
    return str(answer.headers["x-pictor-generation-id"])


def status_of(stack: Stack, generation: str) -> str:
    answer = httpx.get(
        f"{stack.base_url}/v1/images/generations/{generation}",
        headers={"Authorization": f"Bearer {stack.api_key}"},
        trust_env=False,
    )
    return str(answer.json()["status"])


def status_in(page: Page, generation: str) -> str:
    return page.locator(f"#{generation} td").first.inner_text()


def count_asks(page: Page) -> None:
    """Count in the page itself: a request's event may reach the test after the clock's answer."""
    page.evaluate(
        """() => {
            const ask = window.fetch;
            window.asks = 0;
            window.fetch = (...all) => { window.asks += 1; return ask(...all); };
        }"""
    )


def asks(page: Page) -> int:
    return int(page.evaluate("window.asks"))


@pytest.fixture
def live(signed_in: BrowserContext, place: Place) -> Page:
    page = signed_in.new_page()
    page.goto(place.path("generations"))
    page.get_by_role("link", name="Live").click()
    page.wait_for_url("**live=1**")
    return page


def test_generations_by_the_api_appear_and_change_without_a_reload(live, place, stack, end_delays):
    live.evaluate("window.stayed = true")
    live.get_by_role("link", name="a heron at dawn").first.focus()
    name = f"a slow fox {uuid4().hex}"

    slow = generate(stack, f"{name} [sandbox: delay=60]", Prefer="respond-async")

    row = live.locator(f"#{slow}")
    row.wait_for()
    assert live.locator("#results tbody tr").first.get_attribute("id") == slow
    end_delays(lambda: bool(row.get_by_text("Delivered").count()))
    assert live.evaluate("window.stayed")
    assert live.evaluate("document.activeElement.innerText").startswith("a heron at dawn")
    live.reload()
    assert live.get_by_role("link", name="Live, on: stop").is_visible()
    live.get_by_text("Filters", exact=True).click()
    live.get_by_label("Status").select_option("failed")
    live.wait_for_url("**status=failed**")
    assert "live=1" in live.url


def test_the_live_list_pauses_without_a_reader_and_resumes_on_request(signed_in, place, stack):
    page = signed_in.new_page()
    page.clock.install()

    assert faults(page, place.path("generations") + "?live=1") == []
    count_asks(page)
    with page.expect_request("**live=1**"):
        page.clock.run_for(6_000)
    page.clock.fast_forward("16:00")
    page.get_by_text("Paused").wait_for()
    assert broken_rules(page, "console-generations-paused") == []
    before = asks(page)
    page.clock.run_for(30_000)
    assert asks(page) == before

    with page.expect_request("**live=1**"):
        page.get_by_role("button", name="Resume").click()
    page.get_by_text("Paused").wait_for(state="hidden")
    with page.expect_request("**live=1**"):
        page.clock.run_for(6_000)


def test_a_page_that_waits_for_an_end_rests_until_somebody_is_there(
    signed_in, place, stack, end_delays
):
    slow = generate(stack, "a heron [sandbox: delay=60]", Prefer="respond-async")
    page = signed_in.new_page()
    page.clock.install()
    page.goto(place.path("generation").replace(place.generation, slow))
    count_asks(page)
    with page.expect_request(f"**{slow}**"):
        page.clock.run_for(3_000)

    page.clock.fast_forward("16:00")
    before = asks(page)
    page.clock.run_for(30_000)
    assert asks(page) == before

    page.get_by_role("heading").first.click()
    with page.expect_request(f"**{slow}**"):
        page.clock.run_for(3_000)
    end_delays(lambda: status_of(stack, slow) == "succeeded")  # the next test needs its channel


def test_the_live_list_rests_while_hidden(signed_in, place):
    page = signed_in.new_page()
    page.clock.install()
    page.goto(place.path("generations") + "?live=1")
    count_asks(page)

    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.away ?? true })")
    page.clock.run_for(30_000)
    assert asks(page) == 0

    page.evaluate("window.away = false")
    with page.expect_request("**live=1**"):
        page.clock.run_for(6_000)


def test_an_older_page_is_not_live(signed_in, place):
    page = signed_in.new_page()

    page.goto(place.path("generations") + f"?live=1&after={place.generation}")

    assert page.locator("[data-poll]").count() == 0
    assert page.get_by_role("link", name="Live").count() == 0
