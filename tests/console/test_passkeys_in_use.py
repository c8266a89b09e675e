"""Passkeys in a browser that has a security key: a member's, and a member of staff's."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.console.browser import Look, looking
from tests.console.people import PASSWORD, fill, sign_up
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import Operator
from tests.stack.servers import Stack

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def named(stack: Stack) -> str:
    """The site's address with a host name: an address of numbers cannot have passkeys."""
    return stack.base_url.replace("127.0.0.1", "localhost")


@pytest.fixture
def at_home(browser: Browser, named: str, look: Look) -> Iterator[BrowserContext]:
    with looking(browser, named, look) as session:
        yield session


def with_key(page: Page) -> Page:
    """Plug a security key into the page's browser."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    return page


def add_passkey(page: Page) -> None:
    """Add a passkey from the account page; the recovery codes follow."""
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    fill(page, "Continue", Password=PASSWORD)
    page.get_by_role("heading", name="Add a passkey").wait_for()
    assert broken_rules(page, "passkey-add") == []
    fill(page, "Make a passkey", Name="Laptop")
    page.get_by_role("heading", name="Recovery codes").wait_for()


def sign_in(page: Page, email: str, following: str) -> None:
    """Sign in by password and passkey."""
    page.context.clear_cookies(name="sessionid")
    page.goto(f"/accounts/login/?next={following}")
    fill(page, "Sign in", Email=email, Password=PASSWORD)
    page.get_by_role("heading", name="Second factor").wait_for()
    assert broken_rules(page, "passkey-asked") == []
    page.get_by_role("button", name="Use a passkey").click()


def test_a_member_adds_a_passkey_signs_in_by_it_and_removes_it(
    at_home: BrowserContext, named: str
) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    page = with_key(sign_up(at_home, email))
    page.wait_for_url("**/console/ten_*/**")
    members = f"/console/{page.url.partition('/console/')[2].split('/')[0]}/members/"

    add_passkey(page)
    page.goto(members)
    page.get_by_role("button", name="Require a second factor").click()
    page.get_by_role("button", name="Require it").click()
    page.get_by_text("Second factor required").wait_for()
    sign_in(page, email, members)
    page.get_by_role("heading", name="Members", exact=True).wait_for()

    assert broken_promises(page, "/accounts/2fa/", base_url=named, name="account") == []
    page.get_by_role("link", name="Remove the passkey Laptop").click()
    fill(page, "Continue", Password=PASSWORD)
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("Passkey removed").wait_for()
    page.goto(members)
    page.get_by_role("heading", name="This workspace asks for a second factor").wait_for()


def test_a_member_of_staff_signs_in_by_a_passkey(
    at_home: BrowserContext, operator: Operator
) -> None:
    email = f"bob-{uuid4().hex[:8]}@example.com"
    page = with_key(sign_up(at_home, email))
    page.wait_for_url("**/console/ten_*/**")
    add_passkey(page)
    operator("staff", "set", email, "support")

    sign_in(page, email, "/ops/")

    page.get_by_role("heading", name="Needs attention", exact=True).wait_for()
    assert "yes" in operator("staff", "list").partition(email)[2].partition("\n")[0]
    operator("staff", "remove", email)
