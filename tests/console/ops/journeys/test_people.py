"""People in a real browser: staff, customers, support views, and data that leaves."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.console.browser import Look, keep, looking
from tests.console.conftest import signed_in_without_a_browser
from tests.console.pages import Place
from tests.console.people import PASSWORD, code_for, fill
from tests.console.visits import broken_promises, broken_rules
from tests.customers.customer import Operator
from tests.stack.servers import Stack

# --- a member of staff: invited by mail, at work in a role, and removed


@pytest.fixture
def unpriced(operator: Operator) -> Iterator[str]:
    """A model without prices."""
    name = f"new-{uuid4().hex[:6]}"
    operator("model", "copy", "dall-e-2", name)
    yield name
    operator("do", "model.delete", name, "--confirm", name)


def told_whose_prices_are(bob: Page, model: str) -> None:
    """See as support that others price a model, and that their page is not for this role."""
    bob.goto(f"/ops/models/{model}/")
    bob.get_by_text("Finance or an owner prices it.").wait_for()
    answer = bob.goto("/ops/prices/new/")
    assert answer
    assert answer.status == httpx.codes.NOT_FOUND
    bob.get_by_text("This page is for the role finance or owner, and yours is support.").wait_for()
    bob.get_by_role("link", name="Go to the start page").click()
    bob.get_by_role("heading", name="Needs attention", exact=True).wait_for()


def invite(page: Page, email: str) -> None:
    fill(page, "Add to staff", **{"E-mail address": email})
    page.get_by_label(f"I mean {email}").check()
    assert broken_rules(page, "ops-staff-meant") == []
    page.get_by_role("button", name="Add to staff").click()
    page.get_by_text(f"{email} invited").wait_for()


def make_operator(page: Page, email: str) -> None:
    page.get_by_role("button", name=f"Actions for {email}").click()
    assert broken_rules(page, "ops-staff-menu") == []
    page.get_by_role("button", name=f"Change role of {email}").click()
    dialog = page.get_by_role("dialog", name="Change role?")
    dialog.get_by_label("Role").select_option("operator")
    assert broken_rules(page, "ops-staff-role") == []
    dialog.get_by_role("button", name="Change role").click()
    page.get_by_text(f"{email}: support → operator").wait_for()


def test_a_person_is_invited_works_in_a_role_and_leaves(
    signed_in: BrowserContext, browser: Browser, stack: Stack, look: Look, unpriced: str
) -> None:
    email = f"bob-{uuid4().hex[:8]}@example.com"
    page = signed_in.new_page()
    page.goto("/ops/")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find")
    palette.get_by_role("link", name="Overview").wait_for()
    keep(page, "ops-palette")
    page.keyboard.type("staf")
    palette.get_by_role("link", name="Overview").wait_for(state="hidden")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Staff").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.get_by_role("heading", name="Needs attention", exact=True).wait_for()
    page.wait_for_load_state()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").get_by_role("link", name="Staff").click()

    invite(page, email)
    assert broken_promises(page, "/ops/staff/", base_url=stack.base_url, name="ops-staff") == []

    with looking(browser, stack.base_url, look) as theirs:
        bob = theirs.new_page()
        bob.goto("/ops/")
        bob.get_by_role("link", name="Forgotten your password?").click()
        fill(bob, "Send code", Email=email)
        fill(bob, "Continue", Code=code_for(theirs, email))
        for label in ("New Password", "New Password (again)"):
            bob.get_by_label(label, exact=True).fill(PASSWORD)
        bob.get_by_role("button", name="Set password").click()
        bob.get_by_role("heading", name="Your password is set").wait_for()
        bob.goto("/ops/")
        fill(bob, "Sign in", Email=email, Password=PASSWORD)
        bob.get_by_role("heading", name="Needs attention", exact=True).wait_for()
        assert bob.get_by_role("link", name="Staff").count() == 0
        told_whose_prices_are(bob, unpriced)

        page.reload()
        make_operator(page, email)
        bob.reload()
        fill(bob, "Sign in", Email=email, Password=PASSWORD)  # another role ends sessions
        bob.get_by_text("Operator").first.wait_for()

        page.get_by_role("button", name=f"Actions for {email}").click()
        page.get_by_role("button", name=f"Remove from staff {email}").click()
        keep(page, "ops-staff-remove")
        page.get_by_role("button", name="Remove from staff", exact=True).click()
        page.get_by_text(f"{email} removed from staff").wait_for()
        bob.reload()
        bob.get_by_role("heading", name="Sign in").wait_for()


# --- a support view: opened with a reason, read in the log, ended by its clock


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
        "support-usage": f"{workspace}/usage/",
        "support-why": f"{workspace}/usage/?show=why",
        "support-statements": f"{workspace}/billing/statements/",
    }
    assert [
        broken_promises(page, path, base_url=stack.base_url, name=name)
        for name, path in pages.items()
    ] == [[]] * len(pages)
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


# --- a tenant: made, credited once, suspended with a reason, and at work again


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
    page.get_by_role("button", name="Continue").click()
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


# --- staff's key and invitation wait until an owner of the tenant opens and agrees


def test_an_owner_opens_a_key_and_agrees_to_an_invitation(
    signed_in: BrowserContext, place: Place, stack: Stack
) -> None:
    """One person alone runs the house: staff, and the owner of its own tenant."""
    page, name, eve = (
        signed_in.new_page(),
        f"ci-{uuid4().hex[:8]}",
        f"{uuid4().hex[:8]}@eve.example",
    )
    promises = partial(broken_promises, page, base_url=stack.base_url)
    ops = f"/ops/tenants/{place.tenant}/"

    page.goto(ops)
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name of the key").fill(name)
    page.get_by_role("button", name="Create key").click()
    page.get_by_text(f"{name} created: an owner sees its secret once, on opening it").wait_for()
    page.get_by_role("link", name="Invite", exact=True).click()
    page.get_by_label("E-mail address").fill(eve)
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_text("waits for a second person and 24 hours, or for an owner").wait_for()
    assert promises(ops, name="ops-tenant-asked") == []
    assert promises("/ops/moves/", name="ops-moves-members") == []

    assert promises(place.path("members"), name="console-members-asked") == []
    page.get_by_role("button", name=f"Agree: Invite {eve} as developer").click()
    page.get_by_text("Change made").wait_for()
    page.get_by_text(eve).wait_for()
    assert promises(place.path("keys"), name="console-keys-unopened") == []
    page.get_by_role("link", name=name).click()
    assert broken_rules(page, "console-key-unopened") == []
    page.get_by_role("button", name=f"Open {name}").click()
    key = page.locator("#new-key").inner_text().strip()

    answer = httpx.get(
        f"{stack.base_url}/v1/balance", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    assert answer.status_code == httpx.codes.OK


# --- data that leaves by the operator's hand: a list, and all of a customer


def test_a_list_is_downloaded_as_it_is_filtered(signed_in: BrowserContext, place: Place) -> None:
    page = signed_in.new_page()
    page.goto(f"/ops/generations/?tenant={place.tenant}")
    page.get_by_label("Status").select_option("failed")
    page.wait_for_url("**state=failed**")
    rows = page.locator("#results tbody tr")
    rows.filter(has_not_text="Failed").first.wait_for(state="detached")
    listed = rows.evaluate_all("rows => rows.map((row) => row.id)")

    with page.expect_download() as coming:
        page.get_by_role("link", name="Download CSV").click()

    with coming.value.path().open(encoding="utf-8-sig", newline="") as file:
        downloaded = list(csv.DictReader(file))
    assert listed
    assert [row["id"] for row in downloaded] == listed
    assert {row["state"] for row in downloaded} == {"failed"}


def test_all_of_a_customer_goes_to_its_owner(signed_in: BrowserContext, place: Place) -> None:
    page = signed_in.new_page()
    page.goto(f"/ops/tenants/{place.tenant}/")

    page.get_by_role("link", name="Export everything").click()
    page.get_by_role("button", name="Export everything").click()
    page.get_by_text("The export is being made").wait_for()
    ready = page.locator("#export").get_by_text("Ready")
    expect(ready).to_be_visible()

    page.goto(f"/console/{place.tenant}/settings/")
    with page.expect_download() as coming:
        page.locator("#export").get_by_role("link", name="Download").first.click()
    with ZipFile(coming.value.path()) as archive:
        assert b"a heron at dawn" in archive.read("generations.jsonl")
