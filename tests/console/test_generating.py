"""The playground's run in a browser: right after a change, and what the frame does about it."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request

from tests.console.people import begun_by

FORBIDDEN = "Content Security Policy"


def by_click(page: Page) -> None:
    page.get_by_role("button", name="Generate").click()


def by_keys(page: Page) -> None:
    page.get_by_label("Images", exact=True).press("Control+Enter")


@pytest.mark.parametrize("press", [by_click, by_keys], ids=["click", "keys"])
def test_generate_waits_for_the_price_of_what_was_changed(
    playground: Page, press: Callable[[Page], None]
) -> None:
    """The run of two images would be refused at the price of one that was still shown."""
    page = playground
    refusals: list[int] = []
    page.on("response", lambda answer: refusals.append(answer.status))

    page.get_by_label("Images", exact=True).select_option("2")
    begun_by(page, lambda: press(page)).get_by_text("2 \N{MULTIPLICATION SIGN}").first.wait_for()

    assert 422 not in refusals
    assert page.locator("#refusal").inner_text() == ""


def test_why_a_run_was_refused_stays_after_the_next_price(playground: Page) -> None:
    page = playground
    page.route("**/quote/", lambda route: route.abort("connectionreset"), times=1)
    page.get_by_label("Quality").select_option("high")
    page.get_by_role("status").get_by_text("No answer came").wait_for()
    page.get_by_role("button", name="Generate 1 image").click()
    why = page.locator("#refusal").get_by_text("This costs more than the price that was shown.")
    why.wait_for()

    page.get_by_label("Images", exact=True).select_option("3")
    page.locator("#code-curl").get_by_text('"n": 3').wait_for()

    assert why.is_visible()


def test_a_run_leaves_the_pictures_and_moves_the_balance(playground: Page) -> None:
    page = playground
    begun_by(page, lambda: by_click(page)).get_by_text("charged $").wait_for()
    before, loaded, complaints = page.locator("#balance").inner_text(), [], []
    shown = page.locator("#runs img").evaluate_all("all => all.map((one) => one.src)")
    kept = {urlsplit(address).path for address in shown}

    def note(request: Request) -> None:
        if request.resource_type == "image" and urlsplit(request.url).path in kept:
            loaded.append(request.url)

    page.on("request", note)
    page.on(
        "console", lambda said: complaints.append(said.text) if FORBIDDEN in said.text else None
    )
    card = begun_by(page, lambda: by_click(page))
    card.get_by_text("charged $").wait_for()

    assert page.locator("#balance").inner_text() != before
    now = page.locator("#runs img").evaluate_all("all => all.map((one) => one.src)")[1:]
    assert now == shown[: len(now)]  # the oldest of a full page is gone
    assert now
    assert (loaded, complaints) == ([], [])
