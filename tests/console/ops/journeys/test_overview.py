"""Conditions in a real browser: assigned, silenced with a reason, and shown again."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, expect

from pictor.kit.database import lock_numbers
from tests.console.browser import PHONE, keep, resize
from tests.console.visits import broken_promises, broken_rules
from tests.stack.servers import Stack

if TYPE_CHECKING:
    import psycopg


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
