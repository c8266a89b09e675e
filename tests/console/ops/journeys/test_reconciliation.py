"""A vendor's bill in a browser: a line too many, one missing, one different; one is taken."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.ops.journeys.conftest import MakeVendor
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import Customer
from tests.stack.servers import Stack

CALLS = """
UPDATE generation_attempt AS a SET upstream_request_id = 'up-' || a.id
  FROM generation_channel AS c WHERE c.id = a.channel_id AND c.name = %s
RETURNING upstream_request_id, to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
"""
"""The sandbox gives its calls no ids, unlike a vendor."""


@pytest.fixture
def vendor(make_vendor: MakeVendor) -> str:
    """A channel at 0.03 USD an image."""
    return make_vendor("--cost-of", "gpt-image-2:0.03")


def sent(page: Page, vendor: str, content: str) -> None:
    page.goto("/ops/")
    page.get_by_role("link", name="Reconciliation").click()
    page.get_by_role("link", name="Match a bill").first.click()
    page.get_by_label("Channel", exact=True).select_option(vendor)
    page.get_by_label("The vendor\N{RIGHT SINGLE QUOTATION MARK}s file").set_input_files(
        {"name": f"{'november' * 24}.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Read the file").click()


def test_a_bill_is_matched_a_line_taken_and_the_file_again_changes_nothing(
    signed_in: BrowserContext,
    stack: Stack,
    customer: Customer,
    vendor: str,
    database: "psycopg.Connection[Any]",
) -> None:
    for _ in range(3):
        customer.generate(model="gpt-image-2", size="1024x1024", quality="low")
    (first, at), (second, later), _ = database.execute(CALLS, [vendor]).fetchall()
    content = (
        "ref,when,item,charged\n"
        f"{first},{at},gpt-image-2,0.03\n"
        f"{second},{later},gpt-image-2,0.0455\n"
        f"nobody-{uuid4()},{later},gpt-image-2,0.05\n"
    )
    page = signed_in.new_page()
    sent(page, vendor, content)

    page.get_by_text("Which columns are the time and the amount?").wait_for()
    for label, column in (
        ("Request id", "ref"),
        ("Time", "when"),
        ("Model or line item", "item"),
        ("Amount", "charged"),
    ):
        page.get_by_label(label, exact=True).select_option(column)
    page.get_by_role("row", name="gpt-image-2").filter(has_text="$0.0455").wait_for()
    assert broken_rules(page, "ops-bill-columns") == []
    page.get_by_role("button", name="Match the bill").click()

    page.get_by_text("Different 1").wait_for()
    for words in ("Theirs without ours 1", "Ours without theirs 1", "Equal 1"):
        expect(page.get_by_role("link", name=words)).to_be_visible()
    assert broken_rules(page, "ops-bill") == []
    bill = page.url
    page.get_by_label("Choose line 2").check()
    page.get_by_role("button", name="Take selected").click()
    page.get_by_text("a change of $0.0155").wait_for()
    page.get_by_label("Reason").fill("the bill of November")
    assert broken_rules(page, "ops-bill-take") == []
    page.get_by_role("button", name="Take $0.0155").dblclick()
    page.get_by_role("row", name="Taken").wait_for()
    assert broken_promises(page, page.url, base_url=stack.base_url, name="ops-bill-taken") == []

    page.get_by_role("link", name="Theirs without ours 1").click()
    page.get_by_label("Choose line 3").check()
    page.get_by_role("button", name="Dispute selected").click()
    page.get_by_label("Words for the vendor").fill("We sent no such request.")
    page.get_by_role("button", name="Dispute lines", exact=True).click()
    page.get_by_role("link", name="Disputed 1").click()
    page.get_by_text("We sent no such request.").wait_for()

    sent(page, vendor, content)
    page.get_by_text("Nothing was changed.").first.wait_for()
    assert page.url.split("?")[0] == bill.split("?")[0]
    corrections = "SELECT count(*), sum(amount) FROM billing_transfer WHERE line LIKE %s"
    assert database.execute(corrections, [f"%{second}%"]).fetchone() == (1, 15_500)
