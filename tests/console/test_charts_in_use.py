"""Charts as people use them: by pointer, keyboard, touch, and without a script."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.console.browser import LOOKS, PHONE, axe_of_look, looking
from tests.console.pages import Place

ON_PHONE = next(look for look in LOOKS if look.viewport == PHONE)

WIDE_CARDS = """
for (const bucket of document.querySelectorAll(".bucket"))
  bucket.dataset.total = "Total: a text that makes this card as wide as a card can be";
"""


def shown(day: datetime) -> str:
    return f"{day:%-d %b %Y}"


@pytest.fixture
def usage(signed_in: BrowserContext, place: Place) -> Page:
    page = signed_in.new_page()
    page.goto(place.path("usage"))
    return page


def card_of(page: Page) -> Locator:
    return page.locator(".chart-card").first


def test_a_chart_is_one_stop_whose_days_are_reached_by_arrows(usage, place):
    stop, card = usage.get_by_role("slider").first, card_of(usage)
    today = datetime.now(tz=UTC)

    stop.focus()
    expect(card).to_contain_text(f"{shown(today)}, so far")
    expect(card).to_contain_text("gpt-image-2: $")
    expect(card).to_contain_text("Total $")
    assert axe_of_look(usage) == []

    usage.keyboard.press("ArrowLeft")
    expect(card).to_contain_text(shown(today - timedelta(days=1)))
    expect(card).to_contain_text("Total $0")
    assert "Total $0" in (stop.get_attribute("aria-valuetext") or "")
    usage.keyboard.press("Home")
    expect(card).to_contain_text(shown(today - timedelta(days=29)))
    usage.keyboard.press("ArrowLeft")
    expect(card).to_contain_text(shown(today - timedelta(days=29)))
    usage.keyboard.press("Escape")
    expect(card).to_be_hidden()

    usage.keyboard.press("End")
    usage.keyboard.press("Enter")
    usage.wait_for_url(f"**{place.path('generations')}?day={today:%Y-%m-%d}")


def test_after_its_stop_the_focus_leaves_a_chart(usage):
    stop = usage.get_by_role("slider").first

    stop.focus()
    usage.keyboard.press("Tab")

    assert usage.evaluate("document.activeElement.textContent.trim()") == "Show as a table"
    expect(card_of(usage)).to_be_hidden()


def test_a_pointer_sees_a_days_card_and_follows_its_bar(usage, place):
    plot = usage.locator("p-chart svg").first
    box = plot.bounding_box()
    assert box is not None

    usage.mouse.move(box["x"] + box["width"] - 3, box["y"] + 3)
    expect(card_of(usage)).to_contain_text("so far")
    assert usage.locator("p-chart title").count() == 0
    usage.mouse.move(box["x"] + 3, box["y"] - 60)
    expect(card_of(usage)).to_be_hidden()
    usage.mouse.click(box["x"] + box["width"] - 3, box["y"] + 3)

    usage.wait_for_url(f"**{place.path('generations')}?day=*")


def test_a_tap_opens_the_card_whose_link_opens_the_rows(browser, stack, place):
    with looking(browser, stack.base_url, ON_PHONE, touch=True) as context:
        context.add_cookies(place.cookies)
        page = context.new_page()
        page.goto(place.path("usage"))
        plot = page.locator("p-chart svg").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box is not None

        page.evaluate(WIDE_CARDS)
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 3)
        expect(card_of(page)).to_contain_text("as wide as a card")
        card = card_of(page).bounding_box()
        assert card is not None
        assert box["x"] <= card["x"]
        assert card["x"] + card["width"] <= box["x"] + box["width"]
        page.touchscreen.tap(box["x"] + box["width"] - 3, box["y"] + 3)
        expect(card_of(page)).to_contain_text("so far")
        card_of(page).get_by_text("Open rows").tap()

        page.wait_for_url(f"**{place.path('generations')}?day=*")


def test_lines_tell_each_quantile_and_the_number_of_images(usage, place):
    usage.goto(f"{place.path('usage')}?show=p95&split=key")

    usage.get_by_role("slider").first.focus()

    expect(card_of(usage)).to_contain_text(" s")
    expect(card_of(usage)).to_contain_text("image")


def test_without_a_script_a_bar_is_a_link_with_a_title(browser, stack, place):
    with closing(
        browser.new_context(base_url=stack.base_url, java_script_enabled=False)
    ) as context:
        context.add_cookies(place.cookies)
        page = context.new_page()
        page.goto(place.path("usage"))

        page.locator("p-chart .segment", has_text="gpt-image-2: $").first.click()

        page.wait_for_url(f"**{place.path('generations')}?**")
