"""An operator's typed mistake in a real browser: stopped, confirmed, and taken back."""

import re

import pytest
from playwright.sync_api import Page

from tests.console.browser import keep


@pytest.fixture
def book(customer, operator, place, tmp_path):
    """A draft of the customer's own prices: ten times what others have paid, from 2099 on."""
    rows = tmp_path / "prices.csv"
    rows.write_text("model,size,quality,usd\ngpt-image-2,1536x1024,low,0.0474\n")
    operator(
        *("price", "import", str(rows), "--name", f"own {customer.name}"),
        *("--tenant", customer.name, "--from", "2099-12-01T00:00:00Z"),
    )
    return f"own {customer.name}"


def choose(page: Page, book: str, action: str) -> None:
    page.goto(f"/admin/billing/pricebook/?q={book}")
    page.locator("input.action-select").check()
    page.locator("select[name=action]").select_option(action)
    page.get_by_role("button", name=re.compile("Run|Go")).first.click()
    page.get_by_role("button", name="Yes").wait_for()


def test_a_large_change_is_stopped_and_confirmed_and_withdrawn(signed_in, customer, book):
    page = signed_in.new_page()

    choose(page, book, "publish")
    assert page.get_by_text("0.004740 USD -> 0.047400 USD").is_visible()
    page.get_by_label("Reason").fill("They pay for support")
    page.get_by_label("Number of changed prices").fill("7")
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("This is not the number of changed prices").wait_for()
    keep(page, "admin-prices-large")
    page.get_by_label("Number of changed prices").fill("1")
    page.get_by_role("button", name="Yes").click()
    page.get_by_text(f"{book} v1 is published").wait_for()
    scheduled = customer.client.get("/v1/prices").json()["scheduled"]

    choose(page, book, "withdraw")
    keep(page, "admin-prices-withdraw")
    page.get_by_role("button", name="Yes").click()
    page.get_by_text(f"{book} v1 is withdrawn, and never takes effect").wait_for()
    prices = customer.client.get("/v1/prices").json()

    assert [row["price"] for row in scheduled[0]["data"]] == ["0.047400"]
    assert (prices["scheduled"], len(prices["withdrawn"])) == ([], 1)
