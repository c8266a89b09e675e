"""Actions of people in a browser before and while they sign up."""

import re
from collections.abc import Callable

from allauth.mfa.totp.internal import auth as totp
from playwright.sync_api import BrowserContext, Locator, Page

PASSWORD = "correct-horse-battery"


def code_for(session: BrowserContext, email: str) -> str:
    """The latest code mailed to that address, from the mailbox page."""
    box = session.new_page()
    box.goto("/mailbox/")
    mail = box.locator("li", has_text=f"To {email}").first
    code = re.findall(r"(?:Your code|a new password):\s+(\S+)", mail.inner_text())[0]
    box.close()
    return str(code)


def generate(page: Page) -> Locator:
    """Press the playground's button; return the card of the new run."""
    return begun_by(page, page.get_by_role("button", name="Generate 1 image").click)


def begun_by(page: Page, press: Callable[[], None]) -> Locator:
    """Press, and return the card of the run that begins, not of an earlier one."""
    known = page.locator("#runs li").evaluate_all("runs => runs.map((run) => `:not(#${run.id})`)")
    press()
    return page.locator(f"#runs li{''.join(known)}").first


def sign_up(session: BrowserContext, email: str, path: str = "/") -> Page:
    """Sign up with a verified address; return the page reached."""
    page = register(session, email, path)
    page.get_by_label("Code").fill(code_for(session, email))
    page.get_by_role("button", name="Continue").click()
    return page


def register(session: BrowserContext, email: str, path: str = "/") -> Page:
    """Sign up with an address that is not verified yet."""
    page = session.new_page()
    page.goto(path)
    if path == "/":
        page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("I accept the terms").check()
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("Code").wait_for()
    return page


def fill(page: Page, button: str, **words: str) -> None:
    """Fill fields by their labels, and go on."""
    for label, text in words.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name=button, exact=True).click()


def switch_factor_on(page: Page) -> str:
    """Type the app's code, again if it had just changed; return the first recovery code."""
    for _ in range(2):
        with page.expect_navigation():
            fill(page, "Switch on", Code=_code_of_app(page))
        if "/recovery-codes/" in page.url:
            break
    return page.get_by_role("main").get_by_role("listitem").first.inner_text().strip()


def _code_of_app(page: Page) -> str:
    """The present code of an app set up with the secret on the page."""
    secret = page.locator("p.font-mono").inner_text().strip()
    (counter, *_) = totp.yield_hotp_counters_from_time()
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))
