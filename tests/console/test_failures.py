"""Failures between page and server are shown, and the page keeps its content."""

import pytest
from playwright.sync_api import Page, Route

from tests.console.people import generate
from tests.console.visits import broken_rules


def breaks(page: Page, what: str = "**/quote/", **how: object) -> None:
    """Fail the next request of that path in this way; later ones are answered."""

    def once(route: Route) -> None:
        if how:
            route.fulfill(**how)  # type: ignore[arg-type]  # as the test says it
        else:
            route.abort("connectionreset")

    page.route(what, once, times=1)


def test_a_server_that_fails_changes_nothing_and_can_be_asked_again(playground):
    page = playground
    price = page.locator("#cost").inner_text()
    breaks(page, status=500, body="<p>broken</p>", headers={"x-request-id": "req_1"})

    page.get_by_label("Quality").select_option("high")
    toast = page.get_by_role("status").get_by_text("tell us req_1")
    toast.wait_for()

    assert page.locator("#cost").inner_text() == price
    assert page.get_by_label("Prompt").input_value() == "A fox"
    assert broken_rules(page, "toast-failure") == []
    page.get_by_role("button", name="Retry").click()
    page.locator("#code-curl").get_by_text('"quality": "high"').wait_for()
    assert not toast.is_visible()


def test_a_failure_in_a_dialog_is_said_above_it(playground, place):
    page = playground
    breaks(page, "**/find/**", status=503, body="busy")

    palette = page.get_by_role("dialog", name="Find")
    with page.expect_request("**/find/**"):
        page.keyboard.press("Control+k")
        palette.wait_for()
    palette.get_by_text("That did not work").wait_for()
    assert broken_rules(page, "toast-palette") == []
    palette.get_by_role("button", name="Retry").click()
    palette.get_by_role("link", name="Ledger").wait_for()

    breaks(page, "**/find/**", status=503, body="busy")
    page.keyboard.type("usage")
    palette.get_by_text("That did not work").wait_for()
    page.keyboard.press("Escape")  # empties the field
    page.keyboard.press("Escape")
    palette.wait_for(state="hidden")
    page.get_by_role("status").get_by_text("That did not work").wait_for()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "No answer came"),
        ({"status": 429, "body": "429", "headers": {"Retry-After": "7"}}, "try again in 7 s"),
        ({"status": 404, "body": "<main>404</main>"}, "That no longer exists"),
        ({"status": 413, "body": '{"error": {}}'}, "Those files are too large"),
    ],
    ids=["no answer", "too many", "gone", "too large"],
)
def test_an_answer_without_the_part_that_was_asked_for_is_not_shown(playground, how, words):
    page = playground
    price = page.locator("#cost").inner_text()
    breaks(page, **how)

    page.get_by_label("Quality").select_option("high")
    page.get_by_role("status").get_by_text(words).wait_for()

    assert page.locator("#cost").inner_text() == price
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_text(words).wait_for(state="hidden")


def test_no_more_is_charged_than_was_shown_though_no_price_came(playground):
    page = playground
    breaks(page)
    page.get_by_label("Quality").select_option("high")
    page.get_by_role("status").get_by_text("No answer came").wait_for()
    runs = page.locator("#runs li").count()

    page.get_by_role("button", name="Generate 1 image").click()
    page.get_by_text("This costs more than the price that was shown.").wait_for()
    assert page.locator("#runs li").count() == runs
    assert page.get_by_label("Quality").input_value() == "high"
    price = page.locator("#cost").get_by_text("$").last.inner_text()

    generate(page).get_by_text(f"charged {price}").wait_for()


def test_a_visitor_signed_out_signs_in_and_comes_back(browser, place, stack):
    context = browser.new_context(base_url=stack.base_url)
    context.add_cookies(place.cookies)
    page = context.new_page()
    page.goto(place.path("generations") + "?status=failed")

    context.clear_cookies(name="sessionid")
    page.get_by_label("Status").select_option("succeeded")
    page.wait_for_url("**/accounts/login/**")
    page.fill("input[name=login]", stack.env["PICTOR_DEMO_EMAIL"])
    page.fill("input[name=password]", stack.env["PICTOR_DEMO_PASSWORD"])
    page.click("button[type=submit]")

    page.wait_for_url("**/generations/?status=failed")
    context.close()
