"""A support view in a browser: opened with a reason, read in the log, ended by its clock."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.console.browser import Look, keep, looking
from tests.console.conftest import signed_in_without_a_browser
from tests.console.pages import Place
from tests.console.people import fill
from tests.console.visits import broken_promises
from tests.stack.servers import Stack


@pytest.fixture
def own_session(browser: Browser, stack: Stack, look: Look) -> Iterator[BrowserContext]:
    """A session of the demo's owner only for this test: a support view belongs to a session."""
    _, cookies = signed_in_without_a_browser(stack)
    with looking(browser, stack.base_url, look) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]  # as they were given
        yield context


def test_a_support_view_is_opened_read_in_the_log_and_ended_by_its_clock(
    own_session: BrowserContext,
    place: Place,
    stack: Stack,
    database: "psycopg.Connection[Any]",
) -> None:
    workspace, page = f"/console/{place.tenant}", own_session.new_page()
    door = f"/ops/tenants/{place.tenant}/support/"
    assert broken_promises(page, door, base_url=stack.base_url, name="ops-support") == []

    page.goto(f"/ops/tenants/{place.tenant}/")
    page.get_by_role("link", name="Open as support").click()
    fill(page, "Open support view", Why="ticket 4711: images are late")
    page.get_by_text("you may look, but change nothing").wait_for()
    page.locator("p-countdown", has_text="29:").wait_for()

    pages = {
        "support-overview": f"{workspace}/",
        "support-generations": f"{workspace}/generations/",
        "support-generation": f"{workspace}/generations/{place.generation}/",
        "support-audit": f"{workspace}/audit/",
        "support-billing": f"{workspace}/billing/",
    }
    assert [
        broken_promises(page, path, base_url=stack.base_url, name=name)
        for name, path in pages.items()
    ] == [[]] * 5
    page.goto(f"{workspace}/generations/{place.generation}/")
    page.get_by_role("heading", name="Prompt not shown to support").wait_for()
    assert "heron" not in page.content()
    refused = page.request.get(f"{workspace}/keys/")
    assert refused.status == 403

    database.execute("UPDATE accounts_supportgrant SET expires_at = now() WHERE ended_at IS NULL")
    page.get_by_role("link", name="Usage").first.click()
    page.get_by_text("The support view has ended.").wait_for()
    page.get_by_role("link", name="Open as support").click()
    page.get_by_text("ticket 4711: images are late").wait_for()
    keep(page, "ops-support-ended")

    page.goto(f"{workspace}/audit/?action=support")
    page.get_by_text("opened a support view: ticket 4711: images are late").wait_for()
    assert page.get_by_text("Pictor support").first.is_visible()
    keep(page, "support-in-the-log")
    page.goto(f"/ops/audit/?action=support.&tenant={place.tenant}")
    page.get_by_text("opened a support view: ticket 4711: images are late").wait_for()
    keep(page, "ops-audit-filtered")
