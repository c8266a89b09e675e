"""A tenant in a browser: made, credited once, suspended with a reason, and at work again."""

import re
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, BrowserContext, Page

from tests.console.browser import Look, keep, looking
from tests.console.people import PASSWORD, code_for, fill
from tests.console.visits import broken_promises, broken_rules
from tests.stack.servers import Stack

WHY = "Invoice 7 has not been paid"
WAITS = "Ask for $99,000.00"


@dataclass(frozen=True)
class NewTenant:
    """A new tenant: its page, its invited owner, and its key with a client's base URL."""

    name: str
    email: str
    path: str
    key: str
    base_url: str

    def balance(self) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(f"{self.base_url}/v1/balance", headers=headers, trust_env=False)


def new_tenant(page: Page, stack: Stack) -> NewTenant:
    """Make a tenant by one form; its key is on the next page only."""
    name, email = f"Acme {uuid4().hex[:8]}", f"ann-{uuid4().hex[:8]}@example.com"
    page.goto("/ops/")
    page.get_by_role("link", name="Tenants").click()
    page.get_by_role("link", name="New tenant").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail of its owner").fill(email)
    page.get_by_label("Opening credit, USD").fill("12.50")
    page.get_by_label("Note for staff").fill("met at the fair")
    assert broken_rules(page, "ops-tenant-new") == []
    page.get_by_role("button", name="Create tenant").click()
    key = page.locator("#new-key").inner_text().strip()
    assert broken_rules(page, "ops-tenant-key") == []
    page.once("dialog", lambda asked: asked.accept())
    page.get_by_role("link", name="I have stored or sent it").click()
    page.get_by_role("heading", name=name).wait_for()
    return NewTenant(name, email, page.url.removeprefix(stack.base_url), key, stack.base_url)


def credited_by_a_double_click(page: Page, to: NewTenant) -> None:
    page.get_by_role("link", name="Credit", exact=True).click()
    words = {"Amount, USD": "5", "Note for staff": "late images"}
    fill(page, "Show before and after", **words)
    page.get_by_text("$17.50").wait_for()
    assert broken_rules(page, "ops-tenant-money") == []
    page.get_by_role("button", name="Credit $5.00").dblclick()
    page.get_by_text(f"Credit: $5.00. {to.name} has $17.50 now").wait_for()
    assert to.balance().json()["available"] == "17.500000"


def three_zeros_too_many(page: Page, to: NewTenant) -> None:
    page.get_by_role("link", name="Book payment").click()
    words = {"Amount, USD": "99000", "Reference of the payment": "INV-1"}
    fill(page, "Show before and after", **words)
    page.get_by_text("it waits for another person").wait_for()
    fill(page, WAITS, **{"The amount again, USD": "99"})
    page.get_by_text("This is not $99,000.00").wait_for()
    keep(page, "ops-tenant-money-typed-twice")
    fill(page, WAITS, **{"The amount again, USD": "99000"})
    page.get_by_text("You asked").wait_for()
    assert broken_promises(page, "/ops/moves/", base_url=to.base_url, name="ops-moves") == []
    page.get_by_role("button", name=f"Take back $99,000.00 for {to.name}").click()
    page.get_by_text(f"Declined: $99,000.00 for {to.name}").wait_for()
    assert broken_rules(page, "ops-moves-decided") == []


def joined(theirs: BrowserContext, to: NewTenant) -> Page:
    """Follow the mailed link as the invited person, sign up and enter the workspace."""
    page = theirs.new_page()
    page.goto("/mailbox/")
    mail = page.locator("li", has_text=f"To {to.email}").first.inner_text()
    page.goto(re.findall(r"https?://\S+/invite/\S+", mail)[0])
    page.get_by_text("Pictor support invites").wait_for()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("I accept the terms").check()
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("Code").fill(code_for(theirs, to.email))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Join workspace").click()
    page.wait_for_url("**/console/ten_*/")
    return page


def suspended(page: Page, to: NewTenant) -> None:
    page.goto(to.path)
    page.get_by_role("link", name="Suspend").click()
    page.get_by_label("Reason, for the customer").fill(WHY)
    keep(page, "ops-tenant-suspend")
    page.get_by_role("button", name="Suspend").click()
    page.get_by_text(f"Its members read: {WHY}").wait_for()


def resumed(page: Page, to: NewTenant) -> None:
    page.get_by_role("link", name="Resume").click()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text(f"{to.name} is active again").wait_for()


def test_a_customer_from_the_first_form_to_a_suspension_that_they_read(
    signed_in: BrowserContext, browser: Browser, stack: Stack, look: Look
) -> None:
    page = signed_in.new_page()
    acme = new_tenant(page, stack)
    assert acme.balance().json()["available"] == "12.500000"
    credited_by_a_double_click(page, acme)
    three_zeros_too_many(page, acme)

    with looking(browser, stack.base_url, look) as theirs:
        ann = joined(theirs, acme)
        suspended(page, acme)
        ann.reload()
        ann.get_by_text(f"The reason: {WHY}").first.wait_for()
        assert WHY in acme.balance().json()["error"]["message"]
        assert "met at the fair" not in ann.content()
    resumed(page, acme)

    assert acme.balance().json()["available"] == "17.500000"
    promises = partial(broken_promises, page, base_url=stack.base_url)
    assert promises(acme.path, name="ops-tenant") == []
    assert promises("/ops/tenants/", name="ops-tenants") == []
