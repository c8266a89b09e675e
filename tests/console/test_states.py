"""Pages in rare states: a new workspace, each role, a refusal, an empty balance."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from pictor.kit.words import ids
from tests.console.browser import LOOKS, faults, looking
from tests.console.people import sign_up
from tests.console.visits import broken_rules
from tests.stack.servers import Stack

EMPTY = (
    *("", "playground/", "generations/", "keys/", "usage/", "billing/", "billing/ledger/"),
    *("members/", "audit/", "settings/"),
)
ROLES = ("admin", "developer", "billing", "viewer")


@dataclass(frozen=True)
class New:
    """A workspace just signed up for: its address, its id, and its people."""

    address: str
    tenant: str
    owner: Page
    colleague: str
    cookies: dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def new(browser: Browser, stack: Stack) -> Iterator[New]:
    """A workspace whose owner invited a colleague, who joined."""
    colleague = f"bob-{uuid4().hex[:8]}@example.com"
    with looking(browser, stack.base_url, LOOKS[0]) as session:
        page = sign_up(session, f"ann-{uuid4().hex[:8]}@example.com")
        page.wait_for_url("**/console/ten_*/")
        address = page.url
        cookies = {"colleague": _joined(browser, stack, page, colleague)}
        cookies["owner"] = [dict(cookie) for cookie in session.cookies()]
        yield New(address, address.rstrip("/").rpartition("/")[2], page, colleague, cookies)


def _joined(browser: Browser, stack: Stack, owner: Page, email: str) -> list[dict[str, object]]:
    owner.get_by_role("link", name="Members").first.click()
    owner.get_by_label("E-mail address").fill(email)
    owner.get_by_label("Role", exact=True).select_option("viewer")
    owner.get_by_role("button", name="Send invitation").click()
    owner.get_by_text(email).first.wait_for()
    with looking(browser, stack.base_url, LOOKS[0]) as theirs:
        box = theirs.new_page()
        box.goto("/mailbox/")
        mail = box.locator("li", has_text=f"To {email}").first
        box.goto(str(mail.locator("a[href*='/invite/']").get_attribute("href")))
        box.get_by_role("link", name="Create an account").click()
        joined = sign_up(theirs, email, box.url)
        joined.get_by_role("button", name="Join workspace").click()
        joined.wait_for_url("**/console/ten_*/")
        return [dict(cookie) for cookie in theirs.cookies()]


def sign_in(session: BrowserContext, new: New, who: str) -> None:
    kept = [cookie for cookie in new.cookies[who] if cookie["name"] != "theme"]
    session.add_cookies(kept)  # type: ignore[arg-type]  # as they were given


def test_an_empty_workspace_keeps_the_promises(session, new):
    sign_in(session, new, "owner")
    page = session.new_page()

    wrong = {
        path: faults(page, new.address + path)
        + broken_rules(page, f"empty-{path.strip('/').replace('/', '-') or 'overview'}")
        for path in EMPTY
    }

    assert wrong == {path: [] for path in EMPTY}


def test_each_role_has_its_overview(session, new):
    sign_in(session, new, "colleague")
    page = session.new_page()
    wrong: list[str] = []
    makers: set[str] = set()

    for role in ROLES:
        new.owner.goto(f"{new.address}members/")
        new.owner.get_by_label(f"Role of {new.colleague}", exact=True).select_option(role)
        new.owner.get_by_role("button", name=f"Change the role of {new.colleague}").click()
        new.owner.get_by_text("Role changed").wait_for()
        wrong += faults(page, new.address) + broken_rules(page, f"role-{role}")
        makers |= {role} if page.get_by_role("link", name="Playground").count() else set()

    assert wrong == []
    assert makers == {"admin", "developer"}


def test_a_refused_form_says_so_in_its_place(session, new):
    session.clear_cookies(name="sessionid")
    page = session.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("status").first.wait_for()
    assert broken_rules(page, "refused-login") == []

    sign_in(session, new, "owner")
    page.goto(f"{new.address}keys/new/")
    page.get_by_label("Name").fill("production")
    page.get_by_label("Budget per month, USD").fill("a lot")
    page.get_by_role("button", name="Create key").click()
    page.locator("[aria-invalid=true]").first.wait_for()
    assert broken_rules(page, "refused-key") == []

    assert faults(page, "/console/ten_nothing/", status=404) == []
    assert broken_rules(page, "refused-404") == []


def test_a_failed_generation_says_why(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("generations") + "?status=failed")

    page.locator("#results tbody a").first.click()
    page.get_by_text("Why it failed").wait_for()

    assert broken_rules(page, "failed-generation") == []


def test_an_empty_balance_stops_only_generations(session, new, operator):
    operator("do", "tenant.adjustment", new.tenant, "--amount=-5", "--note=spent", "--yes")
    sign_in(session, new, "owner")
    page = session.new_page()
    wrong: list[str] = []
    said: list[bool] = []

    for path, name in (("", "overview"), ("playground/", "playground"), ("billing/", "billing")):
        wrong += faults(page, new.address + path) + broken_rules(page, f"stopped-{name}")
        said.append(page.get_by_text("The balance is used up").first.is_visible())

    assert wrong == []
    assert said == [True, True, True]


def test_a_suspended_workspace_can_still_be_read(session, new, stack):
    sign_in(session, new, "owner")
    wrong: list[str] = []
    said: list[bool] = []

    with status_of(stack, new, "suspended"):
        for path, name in (("", "overview"), ("playground/", "playground"), ("keys/", "keys")):
            page = session.new_page()
            wrong += faults(page, new.address + path) + broken_rules(page, f"suspended-{name}")
            said.append(page.get_by_text("This workspace is suspended").first.is_visible())

    assert wrong == []
    assert said == [True, True, True]


@contextmanager
def status_of(stack: Stack, new: New, status: str) -> Iterator[None]:
    """Set the workspace's status for the block; it is active again afterwards."""
    tenant = ids.parse(ids.TENANT, new.tenant)
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        statement = "UPDATE accounts_tenant SET status = %s WHERE id = %s"
        connection.execute(statement, [status, tenant])
        try:
            yield
        finally:
            connection.execute(statement, ["active", tenant])
