"""Tables whose rows are all on the page are sorted by their headings."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.console.browser import LOOKS, looking
from tests.console.pages import Place, new_key
from tests.console.visits import broken_rules
from tests.stack.servers import Stack


@pytest.fixture
def keys(signed_in: BrowserContext, place: Place, stack: Stack) -> Page:
    """The page of the demo's key, which has spent, and two new ones."""
    for _ in range(2):
        new_key(stack)
    page = signed_in.new_page()
    page.goto(place.path("keys"))
    return page


def column(page: Page, number: int) -> list[str]:
    """The first words of the cells of that column, in the rows' order."""
    cells = page.locator(f"tbody tr > :nth-child({number})").all_inner_texts()
    return [cell.split("\n")[0].strip() for cell in cells]


def test_a_heading_sorts_by_its_words_and_then_the_other_way_round(keys):
    names = column(keys, 1)
    button = keys.get_by_role("button", name="Sort by Key")

    button.focus()
    keys.keyboard.press("Enter")
    up = column(keys, 1)
    said = keys.get_by_role("columnheader", name="Key", exact=False).first.get_attribute(
        "aria-sort"
    )
    keys.keyboard.press("Enter")

    assert len(names) > 2
    assert up == sorted(names)
    assert column(keys, 1) == sorted(names, reverse=True)
    assert said == "ascending"
    assert broken_rules(keys, "keys-sorted") == []


def test_a_heading_of_numbers_begins_with_the_largest(keys):
    keys.get_by_role("button", name="Sort by This month").click()
    largest = column(keys, 3)[0]
    keys.get_by_role("button", name="Sort by This month").click()
    keys.get_by_role("button", name="Sort by Status").click()

    assert largest.startswith("$")
    assert not largest.startswith("$0.00 ")
    assert [one.strip() for one in keys.locator("[aria-sort]").all_inner_texts()] == ["Status ↑"]


def test_on_a_phone_and_without_scripts_there_is_nothing_to_sort_by(browser, place, stack):
    with looking(browser, stack.base_url, LOOKS[3]) as phone:
        phone.add_cookies(place.cookies)
        page = phone.new_page()
        page.goto(place.path("keys"))
        assert page.locator(".sorts:visible").count() == 0

    plain = browser.new_context(base_url=stack.base_url, java_script_enabled=False)
    plain.add_cookies(place.cookies)
    page = plain.new_page()
    page.goto(place.path("keys"))
    assert (page.locator(".sorts").count(), page.locator("tbody tr").count() > 0) == (0, True)
    plain.close()
