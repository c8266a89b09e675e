"""A channel in a real browser: found, weighed, paused and enabled, its costs written."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext

from tests.console.people import fill
from tests.console.visits import broken_promises, broken_rules
from tests.stack.servers import Stack

COSTS = "model,size,quality,usd\ngpt-image-2,any,any,0.002"


@pytest.fixture
def second(stack: Stack, operator: Callable[..., Any]) -> Iterator[str]:
    """A second channel at the same sandbox, with half of the stack's requests."""
    name, url = f"second-{uuid4().hex[:6]}", stack.env["SANDBOX_URL"]
    operator(
        *("channel", "set", name, "--base-url", url, "--api-key", "k", "--models", "gpt-image-2"),
        *("--priority", "100"),
    )
    operator("channel", "enable", name, "--untested")
    yield name
    operator("channel", "disable", name)
    operator("do", "channel.archive", name, "--confirm", name)


def test_a_channel_is_weighed_paused_and_enabled(
    signed_in: BrowserContext, second: str, stack: Stack
) -> None:
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="Channels", exact=True).click()
    page.get_by_role("button", name=f"Actions for {second}").click()
    assert broken_rules(page, "ops-channels-menu") == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name=second, exact=True).click()

    page.get_by_role("link", name="Priority and weight").click()
    fill(page, "Show before and after", Priority="-9", Weight="3")
    page.get_by_text("greater than or equal to 0").wait_for()
    fill(page, "Show before and after", Priority="100", Weight="3")
    page.get_by_role("row", name=f"gpt-image-2 {second} 50% 75%").wait_for()
    page.get_by_role("button", name="Priority and weight").click()
    page.get_by_text(f"{second} has priority 100, weight 3").first.wait_for()

    page.get_by_role("link", name="Pause").click()
    page.get_by_role("row", name=f"gpt-image-2 {second} 75% 0%").wait_for()
    assert broken_promises(page, page.url, base_url=stack.base_url, name="ops-pause") == []
    page.get_by_label("Reason").fill("Grey images")
    page.get_by_role("button", name="Pause").dblclick()
    page.get_by_text(f"{second} is paused").wait_for()
    page.get_by_role("link", name="Enable").click()
    page.get_by_role("button", name="Enable").click()
    page.get_by_text(f"{second} serves").wait_for()

    page.get_by_role("link", name="History").click()
    page.get_by_text("Paused by").wait_for()
    page.get_by_text("Configuration changed by demo@").first.wait_for()


def test_costs_are_seen_and_then_written(
    signed_in: BrowserContext, second: str, stack: Stack
) -> None:
    page = signed_in.new_page()
    page.goto("/ops/channels/")
    page.get_by_role("link", name=second, exact=True).click()
    page.get_by_role("link", name="Cost", exact=True).click()

    page.get_by_label("Or pasted").fill(COSTS)
    page.get_by_role("button", name="Show changes").first.click()
    page.get_by_role("row", name="gpt-image-2 any any none $0.002").wait_for()
    assert broken_rules(page, "ops-channel-costs") == []
    page.get_by_role("button", name="Write costs").click()
    page.get_by_text("Costs written").wait_for()
    page.get_by_role("row", name="gpt-image-2 any any $0.002 an image").wait_for()

    page.get_by_role("link", name="Explain").click()
    page.get_by_text(f"{second} would be called.").wait_for()
    page.get_by_label("Size").fill("7x7")
    page.get_by_role("button", name="Explain").click()
    page.get_by_text("has no size '7x7'").wait_for()
