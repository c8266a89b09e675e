"""Results in a browser: one large, a strip of all, and each at full size by mouse and keyboard."""

from playwright.sync_api import Page, expect

from tests.console.browser import axe_of_look
from tests.console.pages import Place
from tests.console.people import begun_by


def test_a_picture_is_seen_at_full_size_by_keys_alone(playground: Page) -> None:
    page = playground
    page.get_by_label("Images", exact=True).select_option("2")
    card = begun_by(page, lambda: page.get_by_role("button", name="Generate").click())
    card.get_by_text("charged $").wait_for()

    card.locator("[data-loads=viewer]").first.press("Enter")
    viewer = page.get_by_role("dialog", name="Full size")
    expect(viewer.locator("[data-scale]")).not_to_be_empty()
    place, scale = viewer.locator("[data-place]"), viewer.locator("[data-scale]")
    first = viewer.locator("img").get_attribute("src")
    fitting = int(scale.inner_text().split()[0])
    page.keyboard.press("+")

    expect(place).to_contain_text("1 of ")
    expect(scale).to_have_text(f"{2 * fitting} %")
    assert axe_of_look(page) == []

    page.keyboard.press("0")
    expect(scale).to_have_text(f"{fitting} %")
    page.keyboard.press("ArrowRight")
    expect(place).to_contain_text("2 of ")
    assert viewer.locator("img").get_attribute("src") != first
    saved = viewer.get_by_role("link", name="Download").get_attribute("href") or ""
    assert "attachment" in saved
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(card.locator("[data-loads=viewer]").first).to_be_focused()


def test_the_strip_shows_an_earlier_run_and_a_new_one_comes_first(playground: Page) -> None:
    page = playground
    for _ in range(2):
        card = begun_by(page, lambda: page.get_by_role("button", name="Generate").click())
        card.get_by_text("charged $").wait_for()

    page.locator("#strip a").nth(1).click()
    expect(page.locator("#runs li").nth(1)).to_be_in_viewport(ratio=0.5)
    card = begun_by(page, lambda: page.get_by_role("button", name="Generate").click())
    card.get_by_text("charged $").wait_for()

    expect(page.locator("#runs li").first).to_be_in_viewport(ratio=0.5)
    assert axe_of_look(page) == []


def test_three_models_are_compared(playground: Page, place: Place) -> None:
    page = playground
    page.goto(place.path("compare"))
    page.get_by_label("Prompt").fill("A kite over the sea")
    for number, kind in enumerate(("gpt-image-2|low", "gpt-image-1|low", "dall-e-3|standard"), 1):
        page.get_by_label(f"Image {number}").select_option(kind)
    page.get_by_role("button", name="Generate 3 images").click()

    runs = page.get_by_role("region", name="Results").get_by_role("listitem")
    expect(runs).to_have_count(3)
    for place_of in range(3):
        runs.nth(place_of).get_by_text("· charged").wait_for()
    assert axe_of_look(page) == []


COVERED = """
(all) => all.filter((one) => {
  one.scrollIntoView({ block: "nearest" });
  const { x, y, width, height } = one.getBoundingClientRect();
  return !one.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}).map((one) => one.name)
"""


def test_nothing_covers_a_field_of_the_form(playground: Page) -> None:
    """The tab is 900 pixels high."""
    page = playground
    for drawer in page.locator("#draft details").all():
        drawer.evaluate("drawer => { drawer.open = true; }")

    fields = page.locator("#draft .control:visible")

    assert fields.count() > 5
    assert fields.evaluate_all(COVERED) == []
