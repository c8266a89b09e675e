"""A new user in a browser, from signing up to an image's cost; and an invitation."""

import re
from uuid import uuid4

import pytest

from tests.console.browser import LOOKS, axe_of_look, faults, keep, looking
from tests.console.people import PASSWORD, generate, sign_up
from tests.console.visits import FIRST_VISIT, too_heavy, weighed
from tests.stack.stack_processes import until

CLICKS = """
// Not captured: what Playwright takes back, and tries again, is no click.
addEventListener("click", (event) => {
  if (event.isTrusted && event.detail) clicked(event.target.textContent.trim().slice(0, 40));
});
"""


@pytest.fixture
def newcomer(browser, stack, look):
    with looking(browser, stack.base_url, look) as context:
        yield context


def test_a_newcomer_signs_up_makes_an_image_and_sees_its_cost(newcomer):
    email = f"ann-{uuid4().hex[:8]}@example.com"
    clicks: list[str] = []

    def clicked(words: str) -> None:
        clicks.append(words)

    newcomer.expose_function("clicked", clicked)
    newcomer.add_init_script(CLICKS)

    page = sign_up(newcomer, email)

    waiting = newcomer.new_page()
    waiting.goto(page.url)
    waiting.get_by_text("Waiting for your first request").wait_for()
    keep(waiting, "console-overview-waiting")
    assert axe_of_look(waiting) == []
    page.bring_to_front()
    page.get_by_role("link", name="Playground").first.click()
    page.get_by_label("Prompt").fill("A heron at dawn")
    page.locator("#code-curl").get_by_text("A heron at dawn").wait_for()  # it is priced, too
    page.get_by_role("button", name="Generate 1 image").click()
    page.locator("#runs li").first.get_by_text("charged $0.00588").wait_for()
    assert len(clicks) == 6, clicks
    waiting.get_by_text("Your first image is here").wait_for()
    waiting.locator("#balance").get_by_text("$4.99412").wait_for()
    keep(waiting, "console-overview-first-image")
    assert axe_of_look(waiting) == []
    page.get_by_role("link", name="Ledger").click()
    page.get_by_role("cell", name="$0.00588").first.wait_for()
    assert page.get_by_text("credit for signing up").first.is_visible()
    page.get_by_role("link", name="Usage").click()
    page.get_by_role("heading", name="Usage", exact=True).wait_for()
    page.get_by_text("$0.00588").first.wait_for()


def test_the_printed_address_leads_to_an_image_and_its_price_by_one_click(newcomer, stack):
    """The address printed at start opens without a password or anything to fill in."""
    output, words = stack.run_dir.parent / "run.out", re.compile(r"console +(http://\S+/open/\S+)")
    # It is printed after the stack's record is there.
    until(lambda: bool(words.search(output.read_text(encoding="utf-8"))))
    (printed,) = words.findall(output.read_text(encoding="utf-8"))
    page = newcomer.new_page()
    page.goto(printed)
    page.wait_for_url("**/playground/**")
    assert page.get_by_label("Prompt").input_value() != ""

    card = generate(page)

    card.get_by_text(re.compile(r"charged \$0\.\d+")).wait_for()
    assert card.locator("img").is_visible()
    keep(page, "playground-of-the-printed-address")


def test_a_colleague_joins_by_the_link_in_the_mail(newcomer, browser, stack):
    owner = f"ann-{uuid4().hex[:8]}@example.com"
    colleague = f"bob-{uuid4().hex[:8]}@example.com"
    page = sign_up(newcomer, owner)
    page.get_by_role("link", name="Members").click()
    page.get_by_label("E-mail address").fill(colleague)
    page.get_by_label("Role", exact=True).select_option("viewer")
    page.get_by_role("button", name="Send invitation").click()
    page.get_by_text(colleague).first.wait_for()
    keep(page, "console-members-invited")
    assert axe_of_look(page) == []

    with looking(browser, stack.base_url, LOOKS[0]) as theirs:
        box = theirs.new_page()
        box.goto("/mailbox/")
        mail = box.locator("li", has_text=f"To {colleague}").first
        link = mail.locator("a[href*='/invite/']").get_attribute("href")
        assert link is not None
        invitation = theirs.new_page()
        with weighed(invitation, is_first=True) as bytes_of:
            assert faults(invitation, link) + axe_of_look(invitation) == []
        assert too_heavy(bytes_of, FIRST_VISIT) == []
        keep(invitation, "invitation")
        invitation.get_by_role("link", name="Create an account").click()
        invitation.wait_for_url("**/signup/**")
        joined = sign_up(theirs, colleague, invitation.url)
        joined.get_by_role("button", name="Join workspace").click()
        joined.get_by_role("link", name="Generations").first.wait_for()
        assert joined.get_by_role("link", name="Playground").count() == 0


def test_a_workspace_is_deleted_by_its_name_and_the_password(newcomer):
    page = sign_up(newcomer, f"ann-{uuid4().hex[:8]}@example.com")
    page.get_by_role("link", name="Settings").click()
    zone = page.locator("#delete")
    zone.get_by_text("The remaining balance of $5.00 is lost.").wait_for()

    zone.get_by_role("textbox").fill("somebody else's workspace")
    zone.get_by_role("button", name="Delete workspace").click()
    zone.get_by_text("Nothing was deleted.").wait_for()
    keep(page, "console-settings-not-deleted")
    assert axe_of_look(page) == []
    name = page.get_by_label("Name", exact=True).input_value()
    zone.get_by_role("textbox").fill(name)
    zone.get_by_role("button", name="Delete workspace").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()

    page.get_by_text("The workspace is deleted.").wait_for()
    assert page.get_by_text("You are in no workspace").is_visible()
    keep(page, "console-deleted")
    assert axe_of_look(page) == []
    assert page.get_by_role("button", name="Sign out").is_visible()
    page.get_by_role("button", name="Create a workspace").click()
    page.get_by_role("link", name="Playground").first.wait_for()
