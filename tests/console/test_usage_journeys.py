"""A customer with a question, in a browser: each answer is at most three clicks away."""

import httpx
import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.browser import axe_of_look
from tests.console.pages import Place
from tests.stack.stack_processes import until

_TAG = """
INSERT INTO generation_taggedday
       (tenant_id, day, part, tag, generations, failed, images, captured_micros)
SELECT id, now() AT TIME ZONE 'UTC', 'tag', 'order-of-ann', 3, 1, 2, 90000000
  FROM accounts_tenant WHERE name = 'demo'
"""


@pytest.fixture
def overview(signed_in: BrowserContext, place: Place) -> Page:
    page = signed_in.new_page()
    page.goto(place.path("overview"))
    return page


def test_the_cause_of_failures_is_found(overview):
    overview.get_by_role("link", name="Usage", exact=True).first.click()
    overview.get_by_role("link", name="never charged: why").click()
    expect(overview.get_by_role("heading", name="By error")).to_be_visible()
    assert axe_of_look(overview) == []
    overview.get_by_role("link", name="Not accepted by the model").last.click()

    expect(overview.get_by_role("row", name="a fox [sandbox: status=400]").first).to_contain_text(
        "Not accepted by the model"
    )


def test_the_limit_that_refused_a_request_is_found(overview, place, stack):
    with httpx.Client(base_url=f"{stack.base_url}/v1", trust_env=False) as client:
        operator = {"Authorization": f"Bearer {stack.api_key}"}
        rules = {"name": "one a minute", "requests_per_minute": 1}
        made = client.post("/api_keys", json=rules, headers=operator).json()
        slow = {"Authorization": f"Bearer {made['api_key']}"}
        body = {"model": "gpt-image-2", "prompt": "a fox", "quality": "low"}
        answers = [
            client.post("/images/generations", json=body, headers=slow, timeout=60)
            for _ in range(2)
        ]
        # The playground chooses the newest key: others must not meet its limit there.
        assert client.delete(f"/api_keys/{made['id']}", headers=operator).status_code == 200
    assert answers[-1].status_code == 429
    request = answers[-1].headers["x-request-id"]

    def is_told() -> bool:
        overview.goto(f"{place.path('find')}?q={request}")
        return bool(overview.get_by_text("429 rate_limit_exceeded").count())

    until(is_told)
    overview.get_by_text("429 rate_limit_exceeded").click()

    row = overview.get_by_role("row", name=request)
    expect(overview.get_by_role("heading", name="Requests refused")).to_be_visible()
    expect(row).to_contain_text("one a minute")
    expect(row).to_contain_text("requests of this API key")
    assert axe_of_look(overview) == []


def test_the_end_customer_who_spends_most_is_found(overview, stack):
    with psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(_TAG)

    overview.get_by_role("link", name="Usage", exact=True).first.click()
    overview.get_by_role("link", name="End customer").click()

    first = overview.get_by_role("row").nth(1)
    expect(first).to_contain_text("order-of-ann")
    expect(first).to_contain_text("$90.00000")
    assert axe_of_look(overview) == []
