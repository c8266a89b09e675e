"""Money in a real browser: prices and lists, margins, and the ledger behind them."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.browser import keep
from tests.console.ops.journeys.conftest import MakeVendor
from tests.console.pages import Place
from tests.console.people import fill
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.stack.servers import Stack

# --- the ledger: checked by the running worker, followed back to a request

SETTLED_AT = time(0, 5)
"""From then on a check keeps the heads of the UTC day before."""


def test_the_ledger_is_checked_now_and_a_charge_is_followed(
    signed_in: BrowserContext, place: Place
) -> None:
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="Ledger").click()
    checked_at = datetime.now(UTC).time()

    for title in ("Since the last check", "The whole ledger"):
        card = page.locator("section", has=page.get_by_role("heading", name=title))
        card.get_by_role("button", name="Check now").click()
        expect(card.get_by_text("Proved")).to_be_visible()
        expect(card.get_by_role("button", name="Check now")).to_be_visible()
    if SETTLED_AT < checked_at < datetime.now(UTC).time():
        page.get_by_role("link", name="Download the heads of").click(trial=True)
    assert broken_rules(page, "ops-ledger-checked") == []

    page.get_by_label("Any id").fill(place.generation)
    with page.expect_navigation():  # every page has a charge
        page.get_by_role("button", name="Apply").click()
    page.get_by_role("row", name="Charge").get_by_role("link").first.click()
    expect(page.get_by_text("Seal intact")).to_be_visible()

    page.get_by_role("link", name="all its transfers").first.click()
    page.get_by_label("Kind").select_option("Top-up")
    expect(page.get_by_role("row", name="opening balance")).to_be_visible()
    expect(page.get_by_role("row", name="Charge")).to_have_count(0)
    assert "kind=top_up" in page.url


# --- a channel that loses money: found, followed to its margin, and mended


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
    assert broken_rules(page, "ops-margin") == []
    page.get_by_role("navigation", name="By what").get_by_role("link", name="Channel").click()
    page.get_by_role("link", name=loser, exact=True).click()
    page.get_by_role("row", name=f"gpt-image-2 {SIZE} low").wait_for()


# --- prices: raised and shown by the API, put back, and a mistyped zero withdrawn


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
    for _ in range(2):
        with page.expect_navigation():  # each page says the same
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
    page.get_by_label("Reason").fill("A slip")
    back.click()
    page.get_by_text(f"own {customer.name}:2 is in force again").wait_for()
    assert quoted(customer) == "0.005500"
    page.goto("/ops/")
    expect(page.get_by_role("link", name=f"Put own {customer.name}")).to_have_count(0)


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
    withdraw.click()
    expect(page.get_by_label("Reason")).to_be_focused()
    expect(page.get_by_label("Number of")).to_have_count(0)
    page.get_by_label("Reason").fill("A slip")
    withdraw.click()
    page.get_by_text("never takes effect").first.wait_for()
    prices = customer.client.get("/v1/prices").json()

    assert [row["price"] for row in scheduled[0]["data"] if row["size"] == "1536x1024"] == [
        "0.050000"
    ]
    assert (prices["scheduled"], len(prices["withdrawn"])) == ([], 1)


def test_only_the_price_that_falls_further_below_cost_is_asked_about(own, make_vendor):
    page = own
    published(page)
    make_vendor("--sizes", "1024x1024,1536x1024", "--cost", "0.0065")
    copied(page)
    typed(page, "0.004")
    page.get_by_role("button", name="Save 1 price").click()
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_text("1 new below cost, 1 as before.").wait_for()
    assert broken_rules(page, "ops-price-below-cost") == []
    page.get_by_label("Reason").fill("They pay for support")
    page.get_by_label("Number of new prices below cost").fill("2")
    page.get_by_role("button", name=re.compile("^Publish .* now$")).click()
    page.get_by_text("2 is not the number of new prices below cost").wait_for()
    page.get_by_label("Number of new prices below cost").fill("1")
    page.get_by_role("button", name=re.compile("^Publish .* now$")).click()
    page.get_by_text("is in force").first.wait_for()


# --- a cost that nobody knew: taken from a bill, and known where the price stands


UNSEEN = "1024x1536"
"""A size that no other test on this stack buys at a known cost."""


@pytest.fixture
def take_bill(
    operator: Operator, database: "psycopg.Connection[Any]", tmp_path: Path
) -> Callable[[str], None]:
    """Match a bill over 0.002 USD for the only call of a channel, and take what differs."""

    def take(vendor: str) -> None:
        call = """
        UPDATE generation_attempt AS a SET upstream_request_id = a.id
          FROM generation_channel AS c WHERE c.id = a.channel_id AND c.name = %s
        RETURNING a.id, to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
        """
        ((attempt, at),) = database.execute(call, [vendor]).fetchall()
        bill = tmp_path / "bill.csv"
        bill.write_text(f"id,time,model,cost\n{attempt},{at},gpt-image-2,0.002\n")
        said = json.loads(operator("reconcile", str(bill), "--channel", vendor, "--json"))
        operator(
            "do", "bill.take", str(said["id"]), "--list", "different", "--reason", "Nov", "--yes"
        )

    return take


def test_a_cost_taken_from_a_bill_is_known_beside_the_price(
    signed_in, customer, make_vendor, count_sales, take_bill
):
    page, vendor = signed_in.new_page(), make_vendor("--sizes", UNSEEN)
    customer.generate(**{**ASKED, "size": UNSEEN}).raise_for_status()
    count_sales()
    page.goto("/ops/prices/current/?model=gpt-image-2")
    figures = page.locator(f"#of-gpt-image-2-{UNSEEN}-low")
    expect(figures).to_contain_text("in 30 days, cost unknown")

    take_bill(vendor)
    count_sales()
    page.reload()

    expect(figures).to_contain_text("in 30 days, cost $0.002 each")


# --- a shared price list: made, given to a customer, overridden, taken away


HEADER = "model,size,quality,usd,kind,width,height\n"
LISTED_CELL = "gpt-image-2-origin,1024x1024,low"
EVERYONES, LISTED, OWN = "0.005880", "0.005000", "0.004500"


def price_of(customer: Customer) -> str:
    """The customer's present price of one such image, by the API."""
    (price,) = [
        one["price"]
        for one in customer.client.get("/v1/prices").json()["data"]
        if ",".join((one["model"], one["size"], one["quality"])) == LISTED_CELL
    ]
    return str(price)


def new_list_page(page: Page, stack: Stack, name: str) -> str:
    """The page of a new list."""
    page.goto("/ops/")
    page.get_by_role("link", name="Price lists").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create list").click()
    page.get_by_text("No prices in force").wait_for()
    assert broken_rules(page, "ops-price-list-empty") == []
    return page.url.removeprefix(stack.base_url)


def priced(operator: Operator, folder: Path, name: str) -> None:
    prices = folder / "list.csv"
    prices.write_text(f"{HEADER}{LISTED_CELL},{LISTED},fixed,1024,1024\n")
    operator("price", "import", str(prices), "--name", name, "--list", name)
    operator("price", "publish", f"{name}:1", "--yes")


def put_on_list(page: Page, customer: Customer, name: str) -> None:
    page.reload()
    page.get_by_label("Tenant, by name or id").fill(customer.name)
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_text(f"No list → {name}").wait_for()
    assert broken_rules(page, "ops-tenant-list") == []
    page.get_by_role("button", name=f"Give {customer.name} {name}").dblclick()
    page.get_by_text(f"{customer.name} now has {name}").wait_for()


def overridden(page: Page, customer: Customer) -> None:
    prices = page.url
    page.get_by_role("link", name="New override").click()
    page.get_by_role("link", name="gpt-image-2-origin", exact=True).click()
    field = page.locator(f"[name='{LISTED_CELL.replace(',', ' ')}']")
    field.fill("0")
    page.get_by_role("button", name="Make draft").click()
    page.get_by_text("Type a price above 0, or nothing.").wait_for()
    assert broken_rules(page, "ops-tenant-override") == []
    field.fill(OWN)
    page.get_by_role("button", name="Make draft").click()
    page.get_by_text(f"{customer.name}:1 is a draft").wait_for()
    page.get_by_role("button", name=f"Publish {customer.name}:1 now").click()
    page.get_by_text(f"{customer.name}:1 is in force").wait_for()
    page.goto(prices)
    page.get_by_text("1 differs from what lies below").wait_for()


def test_a_customer_pays_by_a_list_and_by_its_own_price_and_by_everyones_again(
    signed_in: BrowserContext,
    stack: Stack,
    operator: Operator,
    customer: Customer,
    tmp_path: Path,
) -> None:
    page, name = signed_in.new_page(), f"Partners {uuid4().hex[:8]}"
    assert price_of(customer) == EVERYONES
    path = new_list_page(page, stack, name)
    priced(operator, tmp_path, name)

    put_on_list(page, customer, name)
    assert price_of(customer) == LISTED
    overridden(page, customer)
    assert price_of(customer) == OWN
    page.goto(path)
    page.get_by_role("link", name=f"Take {name} from {customer.name}").click()
    page.get_by_role("button", name=f"Take {name} away").click()
    page.get_by_text(f"{customer.name} now has no shared list").wait_for()

    assert price_of(customer) == OWN
    promises = partial(broken_promises, page, base_url=stack.base_url)
    assert promises("/ops/prices/lists/", name="ops-price-lists") == []
    assert promises(path, name="ops-price-list") == []
