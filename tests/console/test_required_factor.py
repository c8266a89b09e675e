"""A workspace that requires a second factor, in a browser: set up, not yet shown, missing."""

from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, Page

from tests.console.browser import Look, keep, looking
from tests.console.people import PASSWORD, fill, sign_up, switch_factor_on
from tests.console.visits import broken_promises
from tests.stack.servers import Stack


def looks_right(page: Page, stack: Stack, path: str, name: str, status: int = 200) -> None:
    assert broken_promises(page, path, base_url=stack.base_url, name=name, status=status) == []


def set_up(page: Page) -> str:
    """Set a factor up; return its first recovery code."""
    page.get_by_role("link", name="set one up").click()
    fill(page, "Continue", Password=PASSWORD)
    return switch_factor_on(page)


def signed_in_elsewhere(session: BrowserContext, email: str) -> Page:
    page = session.new_page()
    page.goto("/accounts/login/")
    fill(page, "Sign in", Email=email, Password=PASSWORD)
    page.wait_for_url("**/console/ten_*/")
    page.goto("about:blank")  # the overview polls, and reloads when refused
    return page


def test_a_second_factor_is_required_shown_and_set_up_anew(
    browser: Browser, stack: Stack, look: Look
) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    with (
        looking(browser, stack.base_url, look) as session,
        looking(browser, stack.base_url, look) as another,
    ):
        page = sign_up(session, email)
        page.wait_for_url("**/console/ten_*/**")
        home = page.url.partition("/console/")[2].split("/")[0]
        overview, members = f"/console/{home}/", f"/console/{home}/members/"
        elsewhere = signed_in_elsewhere(another, email)
        looks_right(page, stack, members, "members-no-factor")

        recovery_code = set_up(page)
        page.goto(members)
        page.get_by_role("button", name="Require a second factor").click()
        keep(page, "members-require")
        page.get_by_role("button", name="Require it").click()
        page.get_by_text("Second factor required").wait_for()
        looks_right(page, stack, members, "members-required")

        elsewhere.goto(f"{members}?x=1")  # the set-up signed it out
        fill(elsewhere, "Sign in", Email=email, Password=PASSWORD)
        fill(elsewhere, "Sign in", Code=recovery_code)
        elsewhere.get_by_role("heading", name="Members", exact=True).wait_for()
        assert elsewhere.url.endswith(f"{members}?x=1")

        page.goto("/accounts/2fa/totp/deactivate/")
        page.get_by_role("button", name="Switch off", exact=True).click()
        page.wait_for_url("**/accounts/2fa/")
        looks_right(page, stack, overview, "shut", status=403)
        page.get_by_role("link", name="Set up a second factor").click()
        page.get_by_role("img", name="QR code").wait_for()
