"""A channel that loses money, in a real browser: found, followed to its margin, and mended."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.console.ops.journeys.conftest import MakeVendor
from tests.console.pages import Place
from tests.console.people import fill
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import GENERATIONS
from tests.stack.servers import Stack

SIZE = "1024x768"
"""A size that no other test requests."""


@pytest.fixture
def loser(make_vendor: MakeVendor) -> str:
    """A channel called first for one size, at a dollar an image."""
    return make_vendor("--sizes", SIZE, "--cost", "1", "--again", "1")


def generated(stack: Stack) -> str:
    """Send a request of that size as the demo workspace; return the generation's id."""
    answer = httpx.post(
        f"{stack.base_url}{GENERATIONS}",
        json={"model": "gpt-image-2", "size": SIZE, "quality": "low", "prompt": "a fox"},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=60,
        trust_env=False,
    ).raise_for_status()
    return str(answer.json()["metadata"]["generation_id"])


def only_channel(page: Page, generation: str) -> str:
    """The channel of the generation's only attempt."""
    page.goto(f"/ops/generations/{generation}/")
    return page.get_by_role("table", name="Attempts, in order").get_by_role("link").inner_text()


def test_a_channel_that_loses_money_is_found_and_asked_last(
    signed_in: BrowserContext,
    stack: Stack,
    place: Place,
    loser: str,
    count_sales: Callable[[], None],
) -> None:
    page, first = signed_in.new_page(), generated(stack)
    assert only_channel(page, first) == loser
    count_sales()
    about = f"Sold below cost, gpt-image-2 {SIZE} low on {loser}"

    page.goto("/ops/")
    page.get_by_role("link", name=f"See margin: {about}").click()
    page.get_by_text(f"Channel: {loser}").wait_for()
    row = page.get_by_role("row", name="demo")
    assert "1.00" in row.inner_text()
    assert broken_rules(page, "ops-margin-of-a-channel") == []

    page.get_by_role("link", name="Open the channel").click()
    page.get_by_role("link", name="Priority and weight").click()
    fill(page, "Show before and after", Priority="900")
    page.get_by_role("row", name=loser).first.wait_for()
    page.get_by_role("button", name="Priority and weight").click()
    page.get_by_text(f"{loser} has priority 900").first.wait_for()
    assert only_channel(page, generated(stack)) != loser

    page.goto("/ops/")
    page.get_by_role("link", name="Margin", exact=True).click()
    page.get_by_role("heading", name="Margin", level=1).wait_for()
    assert broken_promises(page, page.url, base_url=stack.base_url, name="ops-margin") == []
    page.get_by_role("navigation", name="By what").get_by_role("link", name="Channel").click()
    page.get_by_role("link", name=loser, exact=True).click()
    page.get_by_role("row", name=f"gpt-image-2 {SIZE} low").wait_for()
