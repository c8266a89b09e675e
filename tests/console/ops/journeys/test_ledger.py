"""The ledger in a real browser: checked by the running worker, followed back to a request."""

from playwright.sync_api import BrowserContext, expect

from tests.console.pages import Place
from tests.console.visits import broken_rules


def test_the_ledger_is_checked_now_and_a_charge_is_followed(
    signed_in: BrowserContext, place: Place
) -> None:
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="Ledger").click()

    for title in ("Since the last check", "The whole ledger"):
        card = page.locator("section", has=page.get_by_role("heading", name=title))
        card.get_by_role("button", name="Check now").click()
        expect(card.get_by_text("Proved")).to_be_visible()
        expect(card.get_by_role("button", name="Check now")).to_be_visible()
    page.get_by_role("link", name="Download the heads of").click(trial=True)
    assert broken_rules(page, "ops-ledger-checked") == []

    page.get_by_label("Any id").fill(place.generation)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("row", name="Charge").get_by_role("link").first.click()
    expect(page.get_by_text("Seal intact")).to_be_visible()

    page.get_by_role("link", name="all its transfers").first.click()
    page.get_by_label("Kind").select_option("Top-up")
    expect(page.get_by_role("row", name="opening balance")).to_be_visible()
    expect(page.get_by_role("row", name="Charge")).to_have_count(0)
    assert "kind=top_up" in page.url
