"""Every page of signing up and in, in a browser, as a stranger and as a member."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.urls import resolve
from playwright.sync_api import Browser, BrowserContext, Page

from accounts.sign_in.urls import urlpatterns
from tests.console.browser import WEAR, Look, looking
from tests.console.people import PASSWORD, code_for, fill, register, switch_factor_on
from tests.console.visits import broken_promises, broken_rules
from tests.stack.servers import Stack

PAPER = "(code) => getComputedStyle(code.parentElement).backgroundColor"
NO_PAGE = {
    *("mfa_download_recovery_codes", "sign_out_everywhere"),
    *("mfa_remove_webauthn", "account_name", "account_end_session", "account_end_others"),
}
"""A file, forms' addresses, and what test_passkeys_in_use.py looks at."""


class Tour:
    """One person's way through pages, each checked in every look."""

    def __init__(self, session: BrowserContext, base_url: str) -> None:
        self.session, self._base_url = session, base_url
        self.seen: set[str] = set()
        self.email = f"ann-{uuid4().hex[:8]}@example.com"

    def see(self, path: str) -> Page:
        """Check a page, which stays open."""
        page = self.session.new_page()
        name = str(resolve(path).url_name)
        self.seen.add(name)
        picture = name.replace("_", "-")
        found = broken_promises(page, path, base_url=self._base_url, name=picture)
        assert (found, urlsplit(page.url).path) == ([], path)
        return page

    def look_at(self, page: Page) -> None:
        """Check an open page that may not come again."""
        name = str(resolve(urlsplit(page.url).path).url_name)
        self.seen.add(name)
        assert broken_rules(page, name.replace("_", "-")) == [], name

    def leave(self) -> None:
        """Sign out."""
        self.session.clear_cookies(name="sessionid")


@pytest.fixture
def tour(browser: Browser, stack: Stack, look: Look) -> Iterator[Tour]:
    with looking(browser, stack.base_url, look) as session:
        yield Tour(session, stack.base_url)


def test_every_page_of_signing_in_keeps_the_promises(tour: Tour) -> None:
    sign_up(tour)
    recovery_code = switch_second_factor_on(tour)
    tour.leave()
    sign_in(tour, recovery_code)
    tour.leave()
    reset_password(tour)

    assert tour.seen >= {str(urlpattern.name) for urlpattern in urlpatterns} - NO_PAGE


def sign_up(tour: Tour) -> None:
    for path in ("login/", "signup/", "inactive/"):
        tour.see(f"/accounts/{path}")
    page = register(tour.session, tour.email)
    tour.look_at(page)
    fill(page, "Continue", Code=code_for(tour.session, tour.email))
    page.get_by_role("link", name="Playground").first.wait_for()
    for path in ("logout/", "password/change/", "reauthenticate/"):
        tour.see(f"/accounts/{path}")


def switch_second_factor_on(tour: Tour) -> str:
    """Switch the second factor on; return one of its recovery codes."""
    page = tour.see("/accounts/2fa/")
    page.get_by_role("link", name="Set up an authenticator app").click()
    fill(page, "Continue", Password=PASSWORD)
    page.wait_for_url("**/2fa/totp/activate/**")
    tour.look_at(page)
    page.evaluate(WEAR, "dark")
    assert page.get_by_role("img", name="QR code").evaluate(PAPER) == "rgb(255, 255, 255)"
    recovery_code = switch_factor_on(page)
    tour.look_at(page)
    apps = ("totp/address/", "totp/activate/", "totp/deactivate/", "passkeys/add/")
    for path in ("", "reauthenticate/", *apps, "recovery-codes/generate/"):
        tour.see(f"/accounts/2fa/{path}")
    for path in ("email/", "delete/"):
        tour.see(f"/accounts/{path}")
    return recovery_code


def sign_in(tour: Tour, recovery_code: str) -> None:
    page = tour.see("/accounts/login/")
    fill(page, "Sign in", Email=tour.email, Password=PASSWORD)
    page.wait_for_url("**/2fa/authenticate/**")
    tour.look_at(page)
    fill(page, "Sign in", Code=recovery_code)
    page.wait_for_url("**/console/ten_*/")


def reset_password(tour: Tour) -> None:
    page = tour.see("/accounts/password/reset/")
    fill(page, "Send code", Email=tour.email)
    page.wait_for_url("**/password/reset/confirm/**")
    tour.look_at(page)
    fill(page, "Continue", Code=code_for(tour.session, tour.email))
    page.wait_for_url("**/password/reset/complete/**")
    tour.look_at(page)
    tour.see("/accounts/password/reset/done/")
