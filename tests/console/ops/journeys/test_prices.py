"""Prices in a browser: raised and shown by the API, put back, and a mistyped zero withdrawn."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.browser import keep
from tests.console.ops.journeys.conftest import MakeVendor
from tests.console.people import fill
from tests.console.visits import broken_rules
from tests.customers.customer import Customer

CELL = "gpt-image-2 1536x1024 low"
FIELD = re.compile(f"^Price of {CELL}")
ASKED: dict[str, Any] = {
    "model": "gpt-image-2",
    "size": "1536x1024",
    "quality": "low",
    "prompt": "a fox",
}
ROWS = "model,size,quality,usd\ngpt-image-2,1536x1024,low,0.005\ngpt-image-2,1024x1024,low,0.006\n"


def quoted(customer: Customer) -> str:
    price: str = customer.client.post("/v1/images/quote", json=ASKED).json()["price"]
    return price


@pytest.fixture
def own(customer: Customer, signed_in: BrowserContext) -> Page:
    """The page of an uploaded draft of the customer's own prices."""
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="Prices", exact=True).click()
    page.get_by_role("heading", name="Prices", level=1).wait_for()
    assert broken_rules(page, "ops-prices") == []
    page.get_by_role("link", name="New version").click()
    page.get_by_label("Or pasted").fill(ROWS)
    page.get_by_label("Name", exact=True).fill(f"own {customer.name}")
    page.get_by_label("Tenant", exact=True).fill(customer.name)
    assert broken_rules(page, "ops-price-new") == []
    page.get_by_role("button", name="Upload as a draft").click()
    page.get_by_text("is a draft").wait_for()
    return page


def published(page: Page) -> None:
    """Review and publish the open draft, from now on."""
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("button", name=re.compile("^Publish .* now$")).click()
    page.get_by_text("is in force").first.wait_for()


def copied(page: Page) -> None:
    """Copy the open book to a new version."""
    page.get_by_role("button", name="New version").click()
    page.get_by_text("is a draft").wait_for()


def typed(page: Page, price: str) -> None:
    """Type the cell's new price, and send it."""
    page.get_by_label(FIELD).fill(price)
    page.get_by_role("button", name="Show before and after").click()


@pytest.fixture
def sold(
    own: Page,
    customer: Customer,
    make_vendor: MakeVendor,
    count_sales: Callable[[], None],
) -> Page:
    """The page of the same prices in force, at which an image was sold that cost 0.002 USD."""
    make_vendor("--sizes", "1536x1024", "--cost", "0.002")
    published(own)
    customer.generate(**ASKED).raise_for_status()
    count_sales()
    own.reload()
    return own


def test_a_price_is_raised_told_by_the_api_and_put_back(sold, customer):
    page = sold
    margin = page.get_by_role("group", name="$0.005, margin 60%")
    expect(margin).to_have_accessible_description(re.compile(r"cost \$0\.002 each"))
    copied(page)
    typed(page, "0,21")
    page.get_by_text("'0,21' is not an amount").wait_for()
    expect(page.get_by_label(FIELD)).to_have_value("0,21")
    typed(page, "0.0055")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label(FIELD)).to_have_value("0.0055")
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_text("1 change, 1 as before").wait_for()
    assert broken_rules(page, "ops-price-change") == []
    page.get_by_role("button", name="Save 1 price").dblclick()
    page.get_by_text("1 price changed").wait_for()
    assert broken_rules(page, "ops-price-draft") == []
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_text("would have brought $0.0055 instead of $0.005 (+10.0 %)").wait_for()
    assert broken_rules(page, "ops-price-review") == []
    assert quoted(customer) == "0.005000"
    page.get_by_role("button", name=re.compile("^Publish .* now$")).click()
    page.get_by_text("is in force").first.wait_for()
    assert quoted(customer) == "0.005500"

    copied(page)
    page.get_by_label(f"Select {CELL}").check()
    page.get_by_label("Operation", exact=True).select_option("by")
    page.get_by_label("By", exact=True).fill("10")
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_role("button", name="Save 1 price").click()
    page.get_by_text("1 price changed").wait_for()
    page.get_by_role("button", name="Undo last change").click()
    page.get_by_text("1 price as before").wait_for()
    page.get_by_role("button", name="Undo last change").click()
    page.get_by_text("1 price as before").wait_for()
    published(page)
    assert quoted(customer) == "0.006050"

    page.goto("/ops/")
    keep(page, "ops-overview-put-back")
    page.get_by_role("link", name=f"Put own {customer.name}:2 back").click()
    back = page.get_by_role("button", name=f"Put back own {customer.name}:2")
    back.wait_for()
    assert broken_rules(page, "ops-price-restore") == []
    back.click()
    page.get_by_text(f"own {customer.name}:2 is in force again").wait_for()
    assert quoted(customer) == "0.005500"


def test_a_zero_too_many_is_stopped_and_taken_back_before_it_begins(own, customer):
    page = own
    published(page)
    copied(page)
    typed(page, "0.05")
    page.get_by_text("perhaps mistyped").wait_for()
    page.get_by_role("button", name="Save 1 price").click()
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_label("Reason").fill("They pay for support")
    fill(page, "Show for that date", Begins="2099-12-01 00:00 UTC")
    page.get_by_role("button", name=re.compile("^Publish .* UTC$")).wait_for()
    expect(page.get_by_label("Reason")).to_have_value("They pay for support")
    assert page.url.endswith("/review/?begins=2099-12-01+00%3A00+UTC")
    page.get_by_label("Number of changed prices").fill("7")
    page.get_by_role("button", name=re.compile("^Publish .* UTC$")).click()
    page.get_by_text("7 is not the number of changed prices").wait_for()
    assert broken_rules(page, "ops-price-stopped") == []
    page.get_by_label("Number of changed prices").fill("1")
    page.get_by_role("button", name=re.compile("^Publish .* UTC$")).click()
    page.get_by_text("takes over at 1 Dec 2099").first.wait_for()
    scheduled = customer.client.get("/v1/prices").json()["scheduled"]

    page.get_by_role("link", name="Withdraw").click()
    withdraw = page.get_by_role("button", name=re.compile("^Withdraw own"))
    withdraw.wait_for()
    assert broken_rules(page, "ops-price-withdraw") == []
    page.get_by_label("Reason").fill("A slip")
    withdraw.click()
    page.get_by_text("never takes effect").first.wait_for()
    prices = customer.client.get("/v1/prices").json()

    assert [row["price"] for row in scheduled[0]["data"] if row["size"] == "1536x1024"] == [
        "0.050000"
    ]
    assert (prices["scheduled"], len(prices["withdrawn"])) == ([], 1)
