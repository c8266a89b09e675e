"""A member of staff in a browser: invited by mail, at work in a role, and removed."""

from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext

from tests.console.browser import Look, keep, looking
from tests.console.people import PASSWORD, code_for, fill
from tests.console.visits import broken_promises, broken_rules
from tests.stack.servers import Stack


def test_a_person_is_invited_works_in_a_role_and_leaves(
    signed_in: BrowserContext, browser: Browser, stack: Stack, look: Look
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

    fill(page, "Add to staff", **{"E-mail address": email})
    page.get_by_text(f"{email} invited").wait_for()
    assert broken_promises(page, "/ops/staff/", base_url=stack.base_url, name="ops-staff") == []

    with looking(browser, stack.base_url, look) as theirs:
        bob = theirs.new_page()
        bob.goto("/ops/")
        bob.get_by_role("link", name="Forgotten your password?").click()
        fill(bob, "Send code", Email=email)
        fill(bob, "Go on", Code=code_for(theirs, email))
        for label in ("New Password", "New Password (again)"):
            bob.get_by_label(label, exact=True).fill(PASSWORD)
        bob.get_by_role("button", name="Set password").click()
        bob.get_by_role("heading", name="Your password is set").wait_for()
        bob.goto("/ops/")
        fill(bob, "Sign in", Email=email, Password=PASSWORD)
        bob.get_by_role("heading", name="Needs attention", exact=True).wait_for()
        assert bob.get_by_role("link", name="Staff").count() == 0

        page.reload()
        page.get_by_role("button", name=f"Actions for {email}").click()
        assert broken_rules(page, "ops-staff-menu") == []
        page.get_by_role("button", name="Make operator").click()
        page.get_by_text(f"{email}: support → operator").wait_for()
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
