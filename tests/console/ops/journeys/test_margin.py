"""A channel that loses money, in a real browser: found, followed to its margin, and mended."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext

from tests.console.pages import Place
from tests.console.people import fill
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import GENERATIONS
from tests.stack.servers import Stack

SIZE = "1024x768"
"""A size that no other test requests."""
COUNTED_AND_LOOKED_FOR = """
from billing.selectors import sold
from generation.conditions.looking import look
from generation.oversight.selling import add_sold
from pictor.kit.words import clock

sold.TRAIL_SECONDS = 0.0
add_sold()
while not look(now=clock.now()):
    pass
"""


@pytest.fixture
def loser(stack: Stack, operator: Callable[..., Any]) -> Iterator[str]:
    """A channel called first for one size, at a dollar an image."""
    name, url = f"loser-{uuid4().hex[:6]}", stack.env["SANDBOX_URL"]
    operator(
        *("channel", "set", name, "--base-url", url, "--api-key", "k", "--models", "gpt-image-2"),
        *("--sizes", SIZE, "--priority", "1", "--cost", "1", "--again", "1"),
    )
    operator("channel", "enable", name, "--untested")
    yield name
    operator("channel", "disable", name)
    operator("channel", "delete", name)


def test_a_channel_that_loses_money_is_found_and_asked_last(
    signed_in: BrowserContext, stack: Stack, place: Place, loser: str
) -> None:
    httpx.post(
        f"{stack.base_url}{GENERATIONS}",
        json={"model": "gpt-image-2", "size": SIZE, "quality": "low", "prompt": "a fox"},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=60,
        trust_env=False,
    ).raise_for_status()
    done = stack.manage("shell", "-c", COUNTED_AND_LOOKED_FOR)
    assert done.returncode == 0, done.stderr
    page = signed_in.new_page()
    about = f"Sold below cost, gpt-image-2 {SIZE} low on {loser}"

    page.goto("/ops/")
    page.get_by_role("link", name=f"See margin: {about}").click()
    page.get_by_text(f"Channel: {loser}").wait_for()
    row = page.get_by_role("row", name="demo")
    assert "1.00" in row.inner_text()
    assert broken_rules(page, "ops-margin-of-a-channel") == []

    page.get_by_role("link", name="Open the channel").click()
    fill(page, "Show the split", Priority="900")
    page.get_by_role("row", name=loser).first.wait_for()
    page.get_by_role("button", name="Save priority and weight").click()
    page.get_by_text(f"{loser} has priority 900").first.wait_for()

    page.goto("/ops/")
    page.get_by_role("link", name="Margin", exact=True).click()
    page.get_by_role("heading", name="Margin", level=1).wait_for()
    assert broken_promises(page, page.url, base_url=stack.base_url, name="ops-margin") == []
    page.get_by_role("navigation", name="By what").get_by_role("link", name="Channel").click()
    page.get_by_role("link", name=loser, exact=True).click()
    page.get_by_role("row", name=f"gpt-image-2 {SIZE} low").wait_for()
