"""A stuck generation in a real browser: found, ended as failed, and credited."""

from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.visits import broken_rules
from tests.customers.customer import Customer
from tests.stack.running import Held

BODY: dict[str, Any] = {"model": "gpt-image-2", "size": "1024x1024", "quality": "low"}


def ended(page: Page, customer: Customer) -> None:
    """End it from its row in the list of running ones, after reading the effect."""
    page.goto("/ops/generations/")
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Status").select_option("running")
    page.wait_for_url("**state=running**")
    page.get_by_role("row", name=customer.name).get_by_role("link").first.click()
    page.get_by_role("link", name="End as failed").click()
    page.get_by_text("Releases $0.00588; sandbox may still bill").wait_for()
    assert broken_rules(page, "ops-generation-fail") == []
    page.get_by_label("Note for staff").fill("stuck for ten minutes")
    page.get_by_role("button", name="End as failed").dblclick()
    page.get_by_text("Ended as failed: $0.00588 released").wait_for()


def test_a_generation_running_too_long_is_ended_and_credited(
    signed_in: BrowserContext, customer: Customer, held: Held
) -> None:
    page = signed_in.new_page()

    def is_ended() -> bool:
        if customer.states() == {"running": 1}:
            ended(page, customer)
        return customer.states() == {"failed": 1}

    answer: httpx.Response = held(
        lambda: customer.generate("a fox [sandbox: delay=300]", **BODY), when=is_ended
    )

    assert "The operator of this site ended it." in answer.json()["error"]["message"]
    assert customer.balance() == (10_000_000, 0)
    expect(page.get_by_role("heading", name="Why it failed")).to_be_visible()
    page.get_by_role("link", name="Credit", exact=True).click()
    page.get_by_label("Note for staff").fill("it was stuck")
    page.get_by_role("button", name="Credit", exact=True).dblclick()
    page.get_by_text("$10.00 → $10.00588").wait_for()
    assert customer.balance() == (10_005_880, 0)
