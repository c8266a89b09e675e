"""A shared price list in a real browser: made, given to a customer, overridden, taken away."""

from functools import partial
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import BrowserContext, Page

from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import Customer, Operator
from tests.stack.servers import Stack

HEADER = "model,size,quality,usd,kind,width,height\n"
CELL = "gpt-image-2-origin,1024x1024,low"
EVERYONES, LISTED, OWN = "0.005880", "0.005000", "0.004500"


def price_of(customer: Customer) -> str:
    """The customer's present price of one such image, by the API."""
    (price,) = [
        one["price"]
        for one in customer.client.get("/v1/prices").json()["data"]
        if ",".join((one["model"], one["size"], one["quality"])) == CELL
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
    prices.write_text(f"{HEADER}{CELL},{LISTED},fixed,1024,1024\n")
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
    field = page.locator(f"[name='{CELL.replace(',', ' ')}']")
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
