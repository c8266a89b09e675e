"""A customer's request is found and made good, in a real browser."""

from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.browser import keep
from tests.console.pages import Place
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import GENERATIONS
from tests.stack.running import MakeCustomer
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

BODY: dict[str, Any] = {"model": "gpt-image-2", "size": "1024x1024", "quality": "low"}


def asked(stack: Stack, prompt: str) -> str:
    """Send a request as the demo workspace's program; return its `x-request-id`."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    answer = httpx.post(
        f"{stack.base_url}{GENERATIONS}",
        json={**BODY, "prompt": prompt},
        headers=headers,
        timeout=60,
        trust_env=False,
    )
    return str(answer.headers["x-request-id"])


def search(page: Page, text: str) -> None:
    """Search for it in the box and follow the result."""
    page.goto("/ops/requests/")
    page.get_by_label("Trace an id").fill(text)
    page.get_by_role("button", name="Find").click()


def compensate(page: Page, verb: str, words: str) -> None:
    page.get_by_role("link", name=verb, exact=True).click()
    page.get_by_label("Note for staff").fill("they are right")
    page.get_by_label("Words for the customer").fill(words)
    page.get_by_role("button", name=verb, exact=True).click()


def lets_support_see(page: Page, place: Place, *, words: bool) -> None:
    """Set support access in the settings, as the workspace's owner."""
    page.goto(f"/console/{place.tenant}/settings/")
    page.get_by_label("It also sees prompts").set_checked(words)
    page.get_by_role("button", name="Save support access").click()
    page.get_by_text("Support access saved").first.wait_for()


def test_a_disappointment_is_found_looked_at_and_refunded(
    signed_in: BrowserContext, stack: Stack, place: Place
) -> None:
    request = asked(stack, "a fox, which came out too dark")
    page, there = signed_in.new_page(), stack.base_url

    search(page, request)
    page.get_by_role("heading", name="gen_").wait_for()
    expect(page.get_by_text("too dark")).to_have_count(0)
    one = page.url.removeprefix(there)
    expect(page.get_by_text("allows support to see prompts and images")).to_be_visible()
    lets_support_see(page, place, words=True)
    assert broken_promises(page, one, base_url=there, name="ops-generation") == []
    page.get_by_role("button", name="Show, logged").click()
    expect(page.get_by_text("a fox, which came out too dark").first).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(1)
    assert broken_rules(page, "ops-generation-shown") == []
    lets_support_see(page, place, words=False)
    page.goto(one)

    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Note for staff").fill("they are right")
    page.get_by_label("Amount").fill("0.001")
    page.get_by_role("button", name="Refund", exact=True).click()
    page.get_by_text("This is another effect than was shown.").wait_for()
    assert broken_rules(page, "ops-generation-refund") == []
    page.get_by_role("link", name="Cancel").click()
    compensate(page, "Refund", "Sorry: it came out too dark")
    page.get_by_text("refunded:").wait_for()
    keep(page, "ops-generation-refunded")

    page.goto(f"/console/{place.tenant}/billing/ledger/")
    expect(page.get_by_text("Sorry: it came out too dark")).to_be_visible()
    expect(page.get_by_text("they are right")).to_have_count(0)


def test_a_failure_is_found_and_credited(
    signed_in: BrowserContext, stack: Stack, place: Place
) -> None:
    request = asked(stack, "a fox [sandbox: status=500]")
    page = signed_in.new_page()

    search(page, request)
    page.get_by_role("heading", name="Why it failed").wait_for()
    assert broken_rules(page, "ops-generation-failed") == []
    generation = page.get_by_role("heading", name="gen_").inner_text()
    compensate(page, "Credit", "Sorry: it failed")
    page.get_by_text("credited:").wait_for()

    page.goto("/ops/generations/?state=failed")
    expect(page.locator(f"#{generation}")).to_be_visible()
    assert (
        broken_promises(
            page, "/ops/generations/?state=failed", base_url=stack.base_url, name="ops-generations"
        )
        == []
    )
    page.goto(f"/console/{place.tenant}/billing/ledger/")
    row = page.get_by_role("row", name="Sorry: it failed")
    expect(row.get_by_role("link")).to_have_attribute(
        "href", f"/console/{place.tenant}/generations/{generation}/"
    )


def test_a_refused_request_leads_to_the_limit_that_stopped_it(
    signed_in: BrowserContext, stack: Stack, make_customer: MakeCustomer
) -> None:
    poor = make_customer("0.0001")
    answer = poor.client.post(GENERATIONS, json={**BODY, "prompt": "a fox"})
    request = answer.headers["x-request-id"]
    page = signed_in.new_page()

    def is_written() -> bool:
        search(page, request)
        return page.get_by_role("heading", name="Refused", exact=True).count() == 1

    until(is_written)
    expect(page.get_by_text("insufficient_quota").first).to_be_visible()
    assert broken_rules(page, "ops-request") == []
    assert page.locator("dt", has_text="Stopped by").locator("+ dd").inner_text() == "balance"
