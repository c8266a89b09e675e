"""Requests in a real browser: found and made good, and what is wrong with many of them."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pictor.kit.database import lock_numbers
from tests.console.browser import PHONE, keep, resize
from tests.console.pages import Place
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import GENERATIONS, Customer
from tests.stack.running import Held, MakeCustomer
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

# --- a customer's request is found and made good


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
    expect(page.get_by_text("Known: delay, fail, size")).to_be_visible()  # the vendor's words
    expect(page.get_by_text("a fox")).to_have_count(0)
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


# --- a stuck generation: found, ended as failed, and credited


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


# --- an incident is started, read by everyone, and resolved


MODEL = "gpt-image-2"


def titles(client: httpx.Client) -> list[str]:
    """Titles of the feed's items about this journey's incident."""
    feed = ElementTree.fromstring(client.get("/status/rss/").content)  # noqa: S314 - our own
    found = [one.findtext("title", "") for one in feed.iter("item")]
    return [title for title in found if title.startswith("Vivid images")]


def test_an_incident_is_on_the_status_page_and_in_its_feed_until_it_is_over(signed_in, stack):
    page = signed_in.new_page()
    page.goto("/ops/incidents/")
    page.get_by_role("link", name="Start incident").click()
    page.get_by_label("Title").fill("Vivid images come out grey")
    page.get_by_label(MODEL, exact=True).check()
    page.get_by_label("Words for customers").fill("We look into it.")
    page.get_by_label("Next update by").fill("2099-01-01 10:30 UTC")
    page.get_by_text(
        re.compile("Mail [1-9]")
    ).wait_for()  # the owners whose workspaces made images with it
    assert broken_rules(page, "ops-incident-new") == []

    page.get_by_role("button", name="Start incident").click()
    page.get_by_text("Incident started: Vivid images come out grey").wait_for()
    assert broken_rules(page, "ops-incident") == []
    with httpx.Client(base_url=stack.base_url, trust_env=False) as anybody:
        assert "more by 1 January 2099, 10:30" in anybody.get("/status/").text
        assert titles(anybody) == ["Vivid images come out grey: investigating"]
        status = signed_in.new_page()
        status.goto("/ops/")
        incident = status.get_by_role("row", name="Vivid images come out grey")
        expect(incident).to_contain_text("next update is due by 1 January, 10:30 UTC")
        status.goto("/status/")
        assert broken_rules(status, "status-incident") == []
        status.close()

        page.get_by_label("State").select_option("resolved")
        page.get_by_label("Words for customers").fill("All is well again.")
        page.get_by_role("button", name="Post update").click()
        page.get_by_text("Update posted: Vivid images come out grey, resolved").wait_for()

        assert titles(anybody) == [
            "Vivid images come out grey: resolved",
            "Vivid images come out grey: investigating",
        ]
        assert "Past" in anybody.get("/status/").text
    page.goto("/ops/incidents/")
    page.get_by_text("Nothing is open.").wait_for()
    keep(page, "ops-incidents")
    assert broken_rules(page, "ops-incidents") == []


# --- conditions: assigned, silenced with a reason, and shown again


@pytest.fixture
def name(database: "psycopg.Connection[Any]") -> Iterator[str]:
    """A model with a stuck queue, as a look found it; a lock keeps further looks away."""
    model = f"model-{uuid4().hex[:8]}"
    database.execute("SELECT pg_advisory_lock(%s)", [lock_numbers.CONDITIONS])
    database.execute(
        "INSERT INTO generation_conditionlook (id, first_at, looked_at, channels)"
        " VALUES (1, now(), now(), '{}') ON CONFLICT (id) DO UPDATE SET looked_at = now()"
    )
    database.execute(
        "INSERT INTO generation_condition (kind, object, words, micros, since, assigned_to, why)"
        " VALUES ('queued_too_long', %s, '12 queued, the oldest for 95 s', 630000,"
        " now() - interval '95 seconds', '', '')",
        [model],
    )
    yield model
    database.execute("SELECT pg_advisory_unlock(%s)", [lock_numbers.CONDITIONS])


def test_a_condition_is_taken_silenced_and_shown_again(
    signed_in: BrowserContext, stack: Stack, name: str
) -> None:
    page = signed_in.new_page()
    about = f"Queue stalled, {name}"
    assert broken_promises(page, "/ops/", base_url=stack.base_url, name="ops-overview") == []

    assert page.get_by_role("link", name=f"See queued: {about}").is_visible()
    page.get_by_role("button", name=f"Actions for {about}").click()
    page.get_by_role("button", name="Assign to me").click()
    page.get_by_text("Assigned to you").wait_for()
    row = page.get_by_role("row", name=name)
    expect(row.get_by_text("you", exact=True)).to_be_visible()

    page.get_by_role("button", name=f"Actions for {about}").click()
    assert broken_rules(page, "ops-overview-menu") == []
    page.get_by_role("button", name=f"Silence 4 h {about}").click()
    page.get_by_label("Why").locator("visible=true").fill("the vendor knows")
    keep(page, "ops-overview-silence")
    page.get_by_role("button", name="Silence 4 h", exact=True).click()
    page.get_by_text("Silenced for 4 hours").wait_for()
    assert not row.count()

    page.get_by_role("link", name="Silenced or accepted").click()
    expect(row.get_by_text("the vendor knows")).to_be_visible()
    assert broken_rules(page, "ops-overview-quiet") == []
    page.get_by_role("button", name=f"Show again: {about}").click()
    expect(row).to_be_visible()

    page.evaluate("window.stayed = true")
    page.get_by_role("button", name=f"Actions for {about}").focus()
    with page.expect_response(lambda answer: answer.url.endswith("/ops/")):
        pass
    assert page.evaluate("window.stayed && document.activeElement.ariaLabel").endswith(about)


def test_the_navigation_on_a_phone_begins_at_the_current_place(signed_in: BrowserContext) -> None:
    page = signed_in.new_page()
    resize(page, PHONE)

    page.goto("/ops/audit/")

    expect(page.get_by_role("link", name="Audit log", exact=True)).to_be_in_viewport()
