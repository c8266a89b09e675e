"""Edits in a browser: a mask painted by keys over the image and sent with it, and a variation."""

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import axe_of_look
from tests.console.people import begun_by, generate


@pytest.fixture
def editing(playground: Page) -> Page:
    """The form of an edit of the image that was made last."""
    page = playground
    generate(page).get_by_role("link", name="Use as reference").click()
    page.locator("#uses").get_by_role("checkbox").wait_for()
    page.get_by_label("Task").select_option("edit")
    page.get_by_role("button", name="Paint a mask").wait_for()
    return page


def test_a_mask_is_painted_by_keys_and_sent_with_the_edit(editing: Page) -> None:
    page = editing
    page.get_by_role("button", name="Paint a mask").press("Enter")
    brush = page.get_by_role("dialog", name="Paint what may change")
    expect(brush.locator("canvas")).to_be_focused()
    page.keyboard.press("Space")
    expect(brush.get_by_text("Painting", exact=True)).to_be_visible()
    page.keyboard.press("Shift+ArrowRight")
    assert axe_of_look(page) == []

    brush.get_by_role("button", name="Use this mask").click()
    page.get_by_text("A painted mask was chosen.").wait_for()
    card = begun_by(page, lambda: page.get_by_role("button", name="Generate").click())
    card.get_by_text("· charged").wait_for()

    card.get_by_role("link", name="Details").click()
    expect(page.locator("#asked")).to_contain_text('"mask": "input:1:')


def test_a_mask_is_painted_by_pointer(editing: Page) -> None:
    page = editing
    page.get_by_role("button", name="Paint a mask").click()
    brush = page.get_by_role("dialog", name="Paint what may change")
    box = brush.locator("canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    expect(brush.get_by_text("Painting", exact=True)).to_be_visible()
    page.mouse.up()
    page.mouse.move(box["x"] + 120, box["y"] + 60)
    expect(brush.get_by_text("Not painting")).to_be_visible()

    brush.get_by_role("button", name="Use this mask").click()

    page.get_by_text("A painted mask was chosen.").wait_for()
    assert page.locator("#mask").evaluate("field => field.files[0].type") == "image/png"


def test_nothing_painted_is_no_mask(editing: Page) -> None:
    page = editing
    page.get_by_role("button", name="Paint a mask").click()
    page.get_by_role("button", name="Use this mask").click()

    files = page.locator("#mask").evaluate("field => field.files.length")
    assert files == 0


def test_a_square_png_is_varied(playground: Page) -> None:
    page = playground
    generate(page).get_by_role("link", name="Vary").click()
    expect(page.get_by_label("Task")).to_have_value("variation")
    expect(page.locator("#uses").get_by_role("checkbox")).to_be_checked()

    card = generate(page)
    card.get_by_text("· charged").wait_for()
    assert axe_of_look(page) == []

    card.get_by_role("link", name="Details").click()
    expect(page.locator("#asked")).to_contain_text('"input:0:')
