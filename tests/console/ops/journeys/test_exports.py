"""Data that leaves by the operator's hand, in a real browser: a list, and all of a customer."""

import csv
from zipfile import ZipFile

from playwright.sync_api import BrowserContext, expect

from tests.console.pages import Place


def test_a_list_is_downloaded_as_it_is_filtered(signed_in: BrowserContext, place: Place) -> None:
    page = signed_in.new_page()
    page.goto(f"/ops/generations/?tenant={place.tenant}")
    page.get_by_label("Status").select_option("failed")
    page.wait_for_url("**state=failed**")
    rows = page.locator("#results tbody tr")
    rows.filter(has_not_text="Failed").first.wait_for(state="detached")
    listed = rows.evaluate_all("rows => rows.map((row) => row.id)")

    with page.expect_download() as coming:
        page.get_by_role("link", name="Download CSV").click()

    with coming.value.path().open(encoding="utf-8-sig", newline="") as file:
        downloaded = list(csv.DictReader(file))
    assert listed
    assert [row["id"] for row in downloaded] == listed
    assert {row["state"] for row in downloaded} == {"failed"}


def test_all_of_a_customer_goes_to_its_owner(signed_in: BrowserContext, place: Place) -> None:
    page = signed_in.new_page()
    page.goto(f"/ops/tenants/{place.tenant}/")

    page.get_by_role("link", name="Export everything").click()
    page.get_by_role("button", name="Export everything").click()
    page.get_by_text("The export is being made").wait_for()
    ready = page.locator("#export").get_by_text("Ready")
    expect(ready).to_be_visible()

    page.goto(f"/console/{place.tenant}/settings/")
    with page.expect_download() as coming:
        page.locator("#export").get_by_role("link", name="Download").first.click()
    with ZipFile(coming.value.path()) as archive:
        assert b"a heron at dawn" in archive.read("generations.jsonl")
