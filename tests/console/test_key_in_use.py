"""A key in use: rotated with an overlap, stopped by its budget, and its CSV."""

import csv
import re
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page

from tests.console.browser import axe_of_look, faults, keep
from tests.console.pages import Place
from tests.console.visits import broken_rules
from tests.stack.servers import Stack


class Program:
    """A program that calls the API with a new key."""

    def __init__(self, stack: Stack, **rules: Any) -> None:
        self._base_url = f"{stack.base_url}/v1"
        made = self._post("/api_keys", stack.api_key, name="production", **rules)
        self.key_id, self.text = str(made["id"]), str(made["api_key"])

    def may_still_ask(self, text: str) -> bool:
        """True if that secret opens the API."""
        headers = {"Authorization": f"Bearer {text}"}
        url = f"{self._base_url}/models"
        return httpx.get(url, headers=headers, trust_env=False).status_code == 200

    def draws(self, prompt: str) -> str:
        """Have an image made for $0.00588; return the generation's id."""
        body = {"model": "gpt-image-2", "size": "1024x1024", "quality": "low", "prompt": prompt}
        made = self._post("/images/generations", self.text, **body)
        return str(made["metadata"]["generation_id"])

    def _post(self, path: str, key: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        url = self._base_url + path
        answer = httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False)
        return answer.raise_for_status().json()


def page_of(signed_in: BrowserContext, place: Place, key_id: str) -> Page:
    page = signed_in.new_page()
    page.goto(f"{place.path('keys')}{key_id}/")
    return page


def test_a_rotated_key_works_by_its_old_text_and_by_its_new_one(signed_in, place, stack):
    program = Program(stack)
    page = page_of(signed_in, place, program.key_id)

    page.get_by_role("button", name="Rotate key").click()
    dialog = page.get_by_role("dialog", name="Rotate key?")
    dialog.get_by_label("The old secret ends").select_option("1h")
    dialog.get_by_role("button", name="Rotate key").click()
    new = page.locator("#new-key").inner_text().strip()

    assert new != program.text
    assert program.may_still_ask(program.text)
    assert program.may_still_ask(new)
    page.once("dialog", lambda asked: asked.accept())
    for name, path in (("key", f"{program.key_id}/"), ("keys", "")):
        shown = signed_in.new_page()
        assert faults(shown, place.path("keys") + path) == []
        assert broken_rules(shown, f"console-rotating-{name}") == []
        assert shown.get_by_text("Rotating").first.is_visible()
        assert shown.get_by_text(new).count() == 0


def test_a_used_up_budget_is_named_with_the_way_to_raise_it(signed_in, place, stack):
    program = Program(stack, budget_month="0.006000")
    program.draws("a heron")
    page = signed_in.new_page()
    page.goto(f"{place.path('playground')}?prompt=a+heron&quality=low&key={program.key_id}")

    page.get_by_role("button", name="Generate 1 image").click()
    page.get_by_role("status").get_by_text("key's monthly budget is too low").wait_for()
    keep(page, "console-stopped-by-a-key")
    assert axe_of_look(page) == []
    page.get_by_role("link", name="The key's budget").first.click()
    page.get_by_text("Near budget").first.wait_for()
    page.get_by_label("Budget per month, USD").fill("1")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("Changes saved").wait_for()

    assert program.draws("a heron, again")


def test_the_csv_has_the_rows_of_the_list(signed_in, place, stack):
    program = Program(stack)
    made = [program.draws(f"number {number}") for number in range(3)]
    page = signed_in.new_page()
    page.goto(f"{place.path('generations')}?key={program.key_id}&q=number")

    listed = page.locator("#results tbody tr").evaluate_all("rows => rows.map((row) => row.id)")
    sums = page.locator("#results").get_by_text("charged").first.inner_text()
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()

    with coming.value.path().open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert listed == made[::-1]
    assert [line["id"] for line in lines] == listed
    charged = sum(int(line["charged"].replace(".", "")) for line in lines)
    assert charged == 3 * 5_880
    assert re.match("3 generations, 3 images, \\$0.01764 charged", sums)
