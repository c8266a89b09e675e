"""Pages as they are not usually met: a new workspace, each role, a refusal, an empty balance."""

from dataclasses import dataclass
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.console.browser import LOOKS, SCREENSHOTS, axe, faults, keep, looking
from tests.console.test_journey import sign_up
from tests.servers import Stack

SHOWN = LOOKS if SCREENSHOTS else (LOOKS[0], LOOKS[3])
"""Both themes and both widths are in two of them; pictures are made of all."""
IN_LOOKS = pytest.mark.parametrize("look", SHOWN, ids=lambda look: look.name)
EMPTY = (
    *("", "playground/", "generations/", "keys/", "usage/", "billing/", "billing/ledger/"),
    *("members/", "audit/", "settings/"),
)
ROLES = ("admin", "developer", "billing", "viewer")


@dataclass(frozen=True)
class New:
    """A workspace just signed up for: its address, its id, and its people's cookies by role."""

    address: str
    tenant: str
    cookies: dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def new(browser: Browser, stack: Stack) -> New:
    """Its owner invites somebody of each role, who joins."""
    cookies = {}
    with looking(browser, stack.base_url, LOOKS[0]) as session:
        page = sign_up(session, f"ann-{uuid4().hex[:8]}@example.com")
        page.wait_for_url("**/console/ten_*/")
        address = page.url
        for role in ROLES:
            cookies[role] = _joined(browser, stack, page, role)
        cookies["owner"] = [dict(one) for one in session.cookies()]
    return New(address, address.rstrip("/").rpartition("/")[2], cookies)


def _joined(browser: Browser, stack: Stack, owner: Page, role: str) -> list[dict[str, object]]:
    email = f"{role}-{uuid4().hex[:8]}@example.com"
    owner.get_by_role("link", name="Members").first.click()
    owner.get_by_label("E-mail address").fill(email)
    owner.get_by_label("Role", exact=True).select_option(role)
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
        return [dict(one) for one in theirs.cookies() if one["name"] != "theme"]


def as_role(session: BrowserContext, new: New, role: str) -> None:
    kept = [one for one in new.cookies[role] if one["name"] != "theme"]
    session.add_cookies(kept)  # type: ignore[arg-type]  # as they were given


@IN_LOOKS
def test_an_empty_workspace_keeps_the_promises(session, new, look):
    as_role(session, new, "owner")
    for path in EMPTY:
        page = session.new_page()

        found = faults(page, new.address + path)

        keep(page, f"empty-{path.strip('/').replace('/', '-') or 'overview'}-{look.name}")
        assert found + axe(page) == []


@IN_LOOKS
@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_its_overview(session, new, role, look):
    as_role(session, new, role)
    page = session.new_page()

    found = faults(page, new.address)

    keep(page, f"role-{role}-{look.name}")
    assert found + axe(page) == []


@IN_LOOKS
def test_what_is_refused_says_so_in_its_place(session, new, look):
    session.clear_cookies(name="sessionid")
    page = session.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("status").first.wait_for()
    keep(page, f"refused-login-{look.name}")
    assert axe(page) == []

    as_role(session, new, "owner")
    page = session.new_page()
    page.goto(f"{new.address}keys/new/")
    page.get_by_label("Name").fill("production")
    page.get_by_label("Budget per month, USD").fill("a lot")
    page.get_by_role("button", name="Create key").click()
    page.locator("[aria-invalid=true]").first.wait_for()
    keep(page, f"refused-key-{look.name}")
    assert axe(page) == []

    page = session.new_page()
    found = faults(page, "/console/ten_nothing/", status=404)
    keep(page, f"refused-404-{look.name}")
    assert found + axe(page) == []


@IN_LOOKS
def test_a_failed_generation_says_why(signed_in, place, look):
    page = signed_in.new_page()
    page.goto(place.path("generations") + "?status=failed")

    page.locator("#results tbody a").first.click()
    page.get_by_text("Why it failed").wait_for()

    keep(page, f"failed-generation-{look.name}")
    assert axe(page) == []


@IN_LOOKS
def test_an_empty_balance_stops_generations_alone(session, new, stack, look):
    stack.manage("tenant", "adjust", new.tenant, "-5", "--reason", "spent", "--yes")
    as_role(session, new, "owner")
    for path in ("", "playground/", "billing/"):
        page = session.new_page()

        found = faults(page, new.address + path)

        keep(page, f"stopped-{path.strip('/') or 'overview'}-{look.name}")
        assert found + axe(page) == []
        assert page.get_by_text("The balance is used up").first.is_visible()
