"""The account page in a browser: a session elsewhere is ended, and the account deleted."""

from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.console.browser import Look, keep, looking
from tests.console.people import PASSWORD, code_for, fill, sign_up
from tests.console.visits import broken_promises
from tests.stack.servers import Stack

ACCOUNT = "/accounts/2fa/"


def newcomer(session: BrowserContext) -> tuple[Page, str]:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    page = sign_up(session, email)
    page.wait_for_url("**/console/ten_*/**")
    return page, email


def test_a_session_elsewhere_is_ended(browser: Browser, stack: Stack, look: Look) -> None:
    with (
        looking(browser, stack.base_url, look) as session,
        looking(browser, stack.base_url, look) as another,
    ):
        page, email = newcomer(session)
        elsewhere = another.new_page()
        elsewhere.goto(f"/accounts/login/?next={ACCOUNT}")
        elsewhere.get_by_label("Password").fill(PASSWORD)
        elsewhere.get_by_role("button", name="Show Password").click()
        expect(elsewhere.get_by_label("Password")).to_have_attribute("type", "text")
        fill(elsewhere, "Sign in", Email=email)
        elsewhere.get_by_role("heading", name="Account", level=1).wait_for()

        assert broken_promises(page, ACCOUNT, base_url=stack.base_url, name="account-two") == []
        page.get_by_role("button", name="End the session").click()

        page.get_by_text("Session ended").wait_for()
        assert page.get_by_text("this one").count() == 1
        assert page.get_by_role("button", name="End the session").count() == 0
        elsewhere.reload()
        elsewhere.get_by_role("heading", name="Sign in").wait_for()


def test_an_address_is_changed_and_the_account_deleted(
    browser: Browser, stack: Stack, look: Look
) -> None:
    with looking(browser, stack.base_url, look) as session:
        page, email = newcomer(session)
        new = f"new-{email}"

        page.goto(ACCOUNT)
        page.get_by_role("link", name="Change address").click()
        fill(page, "Continue", Password=PASSWORD)
        page.get_by_label("New address").fill(new)
        page.get_by_role("button", name="Send codes").click()
        page.get_by_label("present address").fill(code_for(session, email))
        page.get_by_label("Code mailed to the new").fill(code_for(session, new))
        keep(page, "account-both-codes")
        page.get_by_role("button", name="Change address").click()
        page.get_by_text(f"Your address is {new} now").wait_for()

        page.get_by_role("link", name="Delete account").click()
        page.get_by_text("You are the only owner of these workspaces.").wait_for()
        keep(page, "account-delete-owner")
        page.get_by_role("link", name="Delete it").click()
        page.get_by_label("Type the workspace").fill(f"{email.partition('@')[0]}'s workspace")
        page.get_by_role("button", name="Delete workspace").click()
        page.get_by_text("The workspace is deleted.").wait_for()

        page.goto("/accounts/delete/")
        page.get_by_label("Type your address").fill(new)
        page.get_by_role("button", name="Delete account").click()

        page.get_by_text("Your account is deleted").wait_for()
        page.goto("/accounts/login/")
        fill(page, "Sign in", Email=new, Password=PASSWORD)
        page.get_by_text(
            "The email address and/or password you specified are not correct."
        ).wait_for()
