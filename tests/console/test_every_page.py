"""Every public page in a real browser, light, dark and on a phone."""

import pytest

from tests.console.browser import (
    LOOKS,
    faults,
    looking,
)
from tests.console.pages import public_paths
from tests.console.visits import broken_promises, broken_rules

SEEN_AGAIN = {"/", "/pricing/", "/docs/", "/accounts/login/"}
"""A page of each kind: pictures, a calculator, text, and a form."""


@pytest.mark.parametrize("path", public_paths())
def test_a_page_keeps_what_the_console_promises(session, stack, path):
    name = path.strip("/").replace("/", "-") or "landing"

    found = broken_promises(
        session.pages[0], path, base_url=stack.base_url, name=name, is_seen_again=path in SEEN_AGAIN
    )

    assert found == []


def test_an_address_that_leads_nowhere_keeps_the_shell(session):
    page = session.new_page()

    assert faults(page, "/nothing/", status=404) == []

    assert broken_rules(page, "404") == []
    assert page.get_by_role("heading", level=1).inner_text() == "Nothing is here"


def test_the_calculator_works_a_month_out_as_its_fields_change(browser, stack):
    with looking(browser, stack.base_url, LOOKS[0]) as context:
        page = context.new_page()
        page.goto("/pricing/")

        page.get_by_label("Size").select_option("1024x1024")
        page.get_by_label("Images a month").fill("250")
        page.get_by_label("Images a month").press("Tab")

        page.get_by_text("$13.17", exact=True).wait_for()
        assert "size=1024x1024" in page.url
        assert "images=250" in page.url
        reloaded = page.goto(page.url)
        assert reloaded is not None
        assert page.get_by_text("$13.17", exact=True).is_visible()


def test_the_chosen_colours_are_written_by_the_server(browser, stack):
    with looking(browser, stack.base_url, LOOKS[0]) as context:
        page = context.new_page()
        page.goto("/pricing/?images=7")

        page.get_by_role("button", name="Dark").click()

        page.wait_for_url("**/pricing/?images=7")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
