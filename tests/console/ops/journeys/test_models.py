"""FLUX.2 pro in a real browser: from the file that comes with Pictor to its end."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pictor.kit.words import clock
from tests.console.pages import Place
from tests.console.visits import broken_rules
from tests.customers.customer import Customer, Operator

pytest_plugins = ("tests.fakes.channel",)

FLUX = "flux-2-pro"


@pytest.fixture
def put_away(operator: Operator) -> Iterator[None]:
    yield
    operator("do", "model.disable", FLUX, "--yes")


def published(page: Page) -> None:
    """Publish the draft under review."""
    page.get_by_role("button", name=re.compile("^Publish .* now$")).click()
    page.get_by_text("is in force").first.wait_for()


def put_on_sale(page: Page) -> None:
    """Five steps: import, publish, give a channel a route, test it, switch on."""
    page.goto("/ops/models/")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("A model that comes with Pictor").select_option(FLUX)
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_text("It is created switched off").wait_for()
    assert broken_rules(page, "ops-model-import") == []
    page.get_by_role("button", name="Import").dblclick()

    page.get_by_text(f"{FLUX} is written").wait_for()
    assert broken_rules(page, "ops-price-pixels") == []
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("heading", name="The last 30 days").wait_for()
    assert broken_rules(page, "ops-price-pixels-review") == []
    published(page)

    page.goto("/ops/channels/")
    page.get_by_role("link", name="rec", exact=True).click()
    page.get_by_role("link", name="Edit and test").click()
    page.get_by_label(f"Serve of {FLUX}", exact=True).check()
    page.get_by_label(f"Vendor's name of {FLUX}", exact=True).fill("flux.2-pro")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_role("button", name=re.compile("^Test 1 route")).click()
    line = page.locator("#tried li").filter(has=page.get_by_text(FLUX, exact=True))
    expect(line.get_by_text("Passed")).to_be_visible()
    assert broken_rules(page, "ops-model-tested") == []

    page.goto(f"/ops/models/{FLUX}/")
    assert broken_rules(page, "ops-model-ready") == []
    page.get_by_role("link", name="Switch on").click()
    assert broken_rules(page, "ops-model-enable") == []
    page.get_by_role("button", name="Switch on").dblclick()
    page.get_by_text(f"{FLUX} is switched on").wait_for()
    assert broken_rules(page, "ops-model-on") == []


def raised(page: Page) -> None:
    """Raise all its prices by a fifth; stay at the draft's review."""
    page.goto(f"/ops/prices/current/?model={FLUX}")
    assert broken_rules(page, "ops-price-pixels-sold") == []
    page.get_by_role("button", name="New version").click()
    page.get_by_text("is a draft").wait_for()
    page.get_by_role("link", name=re.compile(f"^{FLUX}")).click()
    page.get_by_label("Operation", exact=True).select_option("by")
    page.get_by_label("By", exact=True).fill("20")
    page.get_by_label("Of", exact=True).select_option("model")
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_text("2 change, 0 as before").wait_for()
    assert broken_rules(page, "ops-price-pixels-change") == []
    page.get_by_role("button", name="Save 2 prices").dblclick()
    page.get_by_text("2 prices changed").wait_for()
    page.get_by_role("link", name="Review", exact=True).click()


def ended(page: Page) -> None:
    page.goto(f"/ops/models/{FLUX}/")
    page.get_by_role("link", name="Announce its end").click()
    end = clock.now() + timedelta(days=61)
    page.get_by_label("First day without it, UTC").fill(f"{end:%Y-%m-%d}")
    page.get_by_label("Successor").select_option("gpt-image-2")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Announce end").dblclick()
    page.get_by_text(f"{FLUX} ends on").first.wait_for()


@pytest.mark.usefixtures("put_away", "channel")
def test_flux_is_imported_sold_raised_and_ended(
    signed_in: BrowserContext,
    customer: Customer,
    count_sales: Callable[[], None],
    place: Place,
) -> None:
    page, asked = signed_in.new_page(), partial(customer.generate, model=FLUX, size="2048x2048")
    put_on_sale(page)
    asked().raise_for_status()
    count_sales()

    page.goto("/pricing/")
    card = page.locator(f"#{FLUX}")
    expect(card.get_by_role("row", name="2048")).to_contain_text("$0.075")
    expect(card).to_contain_text("Reference images: $0.015 each megapixel, at most $0.060 each.")
    assert broken_rules(page, "pricing-pixels") == []
    page.goto(f"{place.path('playground')}?model={FLUX}")
    page.get_by_text("Reference images, up to 8: $0.015 each megapixel").wait_for()
    assert broken_rules(page, "playground-pixels") == []

    raised(page)
    row = page.get_by_role("row", name=f"{FLUX} any standard")
    expect(row).to_contain_text("$0.036 the first megapixel, $0.018 each further one")
    expect(row).to_contain_text(re.compile(r"\+20\.0%\s+1\s"))
    effect = page.get_by_role("row", name=customer.name)
    expect(effect.get_by_title("$0.075", exact=True)).to_be_visible()
    expect(effect.get_by_title("$0.09", exact=True)).to_be_visible()
    assert broken_rules(page, "ops-price-pixels-whatif") == []
    published(page)
    asked().raise_for_status()
    ended(page)
    announced = asked()

    assert customer.captures() == [75_000, 90_000, 90_000]
    assert "/v1/models/gpt-image-2" in announced.headers["link"]
