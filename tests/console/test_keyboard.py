"""Everything by keyboard: the palette, shortcuts, and dialogs that return the focus."""

from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.console.browser import LOOKS, focused
from tests.console.pages import Place, new_key
from tests.console.visits import broken_rules

TIMERS_WITHOUT_DELAY_STAND_STILL = """
const { setTimeout: start } = window;
window.setTimeout = (f, ms, ...all) => ms === undefined ? 0 : start(f, ms, ...all);
"""
"""htmx starts from one of them, on a page that is still being read."""


@pytest.fixture
def overview(signed_in: BrowserContext, place: Place) -> Page:
    page = signed_in.new_page()
    page.goto(place.path("overview"))
    return page


def at(page: Page, place: Place, name: str) -> None:
    page.wait_for_url(f"**{place.path(name)}")


def test_the_palette_finds_pages_keys_and_a_generation(overview, place, stack):
    page = overview
    key, name = new_key(stack)

    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find")
    palette.get_by_role("link", name="Ledger").wait_for()
    assert broken_rules(page, "palette") == []
    page.keyboard.type("usa")
    palette.get_by_role("link", name="Playground").wait_for(state="hidden")  # it stays for "u"
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Usage"
    page.keyboard.press("Enter")
    at(page, place, "usage")

    page.keyboard.press("Control+k")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/keys/{key}/")

    page.keyboard.press("Control+k")
    page.keyboard.type(place.generation)
    page.keyboard.press("Enter")
    at(page, place, "generation")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    palette.wait_for(state="hidden")


def test_the_palette_is_full_however_early_its_keys_come(signed_in, place):
    page = signed_in.new_page()
    page.add_init_script(TIMERS_WITHOUT_DELAY_STAND_STILL)
    page.goto(place.path("overview"))

    page.keyboard.press("Control+k")

    page.get_by_role("dialog", name="Find").get_by_role("link", name="Ledger").wait_for()


def test_a_table_wider_than_a_phone_is_scrolled_by_keyboard(sessions):
    page = sessions(LOOKS[2]).new_page()
    page.goto("/pricing/")
    table = page.get_by_role("region", name="Prices of gpt-image-2-pro per image")

    table.focus()
    page.keyboard.press("ArrowRight")

    page.wait_for_function("table => table.scrollLeft > 0", arg=table.element_handle())


def test_the_palette_is_a_page_too(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("find"))

    page.get_by_role("search", name="Find").get_by_role("searchbox").fill("bill")
    page.get_by_role("button", name="Find").click()

    page.get_by_role("main").get_by_role("link", name="Billing").click()
    at(page, place, "billing")


def test_keys_lead_to_pages_rows_and_the_search(overview, place):
    page = overview
    for keys, name in (
        ("gu", "usage"), ("gr", "generations"), ("gk", "keys"), ("gp", "playground"),
        ("gb", "billing"), ("n", "key_new"),
    ):  # fmt: skip
        for key in keys:
            page.keyboard.press(key)
        at(page, place, name)
        page.evaluate("document.activeElement.blur()")

    page.goto(place.path("generations"))
    rows = page.locator("main tbody th a").all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert focused(page) == rows[1]
    page.keyboard.press("k")
    assert focused(page) == rows[0]
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("gu?")
    assert page.get_by_label("Id, tag or prompt").input_value() == "gu?"
    assert page.get_by_role("dialog").count() == 0

    page.goto(place.path("keys"))
    page.keyboard.press("/")
    page.keyboard.type("demo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/keys/?q=demo")


def test_control_and_enter_generate(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("playground"))
    name = f"A fox {uuid4().hex}"

    page.get_by_label("Prompt").fill(name)
    page.get_by_label("Quality").select_option("low")
    page.locator("#code-curl").get_by_text(name).wait_for()
    page.get_by_label("Prompt").press("Control+Enter")

    page.locator("#runs li").first.get_by_text(name).wait_for()


def test_the_list_of_keys_turns_them_off(overview, place):
    page = overview

    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    assert broken_rules(page, "shortcuts") == []
    page.get_by_label("Single-key shortcuts work").uncheck()
    page.keyboard.press("Escape")
    page.reload()

    for key in "gu?":
        page.keyboard.press(key)
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("Control+k")
    page.get_by_role("dialog", name="Find").wait_for()
    at(page, place, "overview")
    page.keyboard.press("Escape")
    page.context.clear_cookies(name="single-keys")
