"""The main journeys of a workspace's member in a real browser."""

from uuid import uuid4
from zipfile import ZipFile

import httpx
from playwright.sync_api import Dialog, Page, Route

from tests.console.browser import axe_of_look, keep
from tests.console.people import begun_by, generate


def shown(page: Page, text: str) -> None:
    page.get_by_text(text).first.wait_for()


def test_a_key_is_made_with_only_the_keyboard_and_shown_once(signed_in, place, stack):
    page = signed_in.new_page()
    page.goto(place.path("key_new"))

    page.get_by_label("Name").focus()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    shown(page, "Copy your key now")

    text = page.locator("#new-key").inner_text().strip()
    answer = httpx.get(
        f"{stack.base_url}/v1/models",
        headers={"Authorization": f"Bearer {text}"},
        trust_env=False,
    )
    assert answer.status_code == 200
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("heading", name="Copy your key now").click()
    page.get_by_role("link", name="Keys", exact=True).click(no_wait_after=True)
    page.get_by_role("link", name="I have stored this key").click()
    page.wait_for_url("**/keys/key_*/")
    assert asked == ["beforeunload"]
    page.goto(place.path("keys"))
    assert page.get_by_role("link", name="by keyboard").is_visible()
    assert text not in page.content()


def test_the_playground_says_the_price_makes_the_image_and_books_it(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("playground"))

    page.get_by_label("Prompt").fill("A brass astrolabe on linen")
    page.get_by_label("Quality").select_option("low")
    page.locator("#code").get_by_text('"quality": "low"').wait_for()
    shown(page, "1 \N{MULTIPLICATION SIGN} $0.00588")
    card = generate(page)

    card.get_by_text("charged $0.00588").wait_for()
    assert card.locator("img").is_visible()
    card.get_by_role("link", name="Details").click()
    page.wait_for_url("**/generations/gen_*/")  # the card says "charged", too
    shown(page, "Charged $0.00588")
    page.goto(place.path("ledger"))
    assert page.get_by_role("cell", name="$0.00588").first.is_visible()


def test_a_press_counts_though_a_price_comes_meanwhile(signed_in, place):
    page, held = signed_in.new_page(), list[Route]()
    page.goto(place.path("playground"))
    name = f"A fox {uuid4().hex}"
    page.route("**/quote/", lambda route: held.append(route), times=1)  # noqa: PLW0108 - Playwright takes no method of a list
    with page.expect_request("**/quote/"):
        page.get_by_label("Prompt").fill(name)

    page.get_by_role("button", name="Generate 1 image").hover()
    page.mouse.down()
    held[0].continue_()
    page.locator("#code-curl").get_by_text(name).wait_for()
    page.mouse.up()

    page.locator("#runs li").first.get_by_text(name).wait_for()


def test_a_double_click_or_a_held_key_asks_once(signed_in, place):
    page, sent = signed_in.new_page(), list[str]()
    page.goto(place.path("playground"))
    page.get_by_label("Prompt").fill(f"A fox {uuid4().hex}")
    page.on("request", lambda one: sent.append(one.url) if "/run/" in one.url else None)
    button = page.locator("#generate")

    def hold_enter() -> None:
        for _ in range(3):  # all but the first of them repeat
            page.keyboard.down("Enter")
        page.keyboard.up("Enter")

    generate(page).wait_for()
    button.dispatch_event("click", {"detail": 2})
    page.get_by_label("Prompt").focus()
    page.keyboard.down("Control")
    begun_by(page, hold_enter).wait_for()
    page.keyboard.up("Control")
    button.focus()
    begun_by(page, hold_enter).wait_for()

    assert len(sent) == 3


def test_a_retry_after_an_answer_that_was_lost_makes_no_second_one(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("playground"))
    name = f"A fox {uuid4().hex}"
    page.get_by_label("Prompt").fill(name)
    page.locator("#code-curl").get_by_text(name).wait_for()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/run/", lose, times=1)
    page.get_by_role("button", name="Generate 1 image").click()
    page.get_by_role("status").get_by_text("No answer came").wait_for()
    page.evaluate(
        "() => new Promise((done) => {"
        " document.addEventListener('htmx:after:settle', () => done(), { once: true });"
        " document.getElementById('prompt').dispatchEvent(new Event('input', { bubbles: true }));"
        "})"
    )
    page.get_by_role("button", name="Retry").click()
    page.locator("#runs li").get_by_text(name).wait_for()

    page.reload()
    assert page.locator("#runs li").filter(has_text=name).count() == 1


def test_a_filter_is_in_the_address_and_outlives_a_reload(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("generations"))

    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Status").select_option("failed")
    page.wait_for_url("**status=failed**")
    rows = page.locator("#results tbody tr")
    rows.filter(has_not_text="Failed").first.wait_for(state="detached")
    listed = "rows => rows.map((row) => row.id)"
    failed = rows.evaluate_all(listed)
    download = page.get_by_role("link", name="Download CSV").get_attribute("href")
    page.reload()

    assert page.get_by_label("Status").input_value() == "failed"
    assert failed
    assert "status=failed" in download
    assert rows.evaluate_all(listed) == failed
    assert all("Failed" in row for row in rows.all_inner_texts())


def test_everything_is_exported_as_one_file(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("settings"))

    page.get_by_role("button", name="Export everything").click()
    ready = page.locator("#export").get_by_role("link", name="Download")
    ready.wait_for()
    keep(page, "console-settings-export")
    assert axe_of_look(page) == []
    with page.expect_download() as coming:
        ready.click()

    assert coming.value.suggested_filename.startswith("pictor-export-")
    with ZipFile(coming.value.path()) as archive:
        assert b"a heron at dawn" in archive.read("generations.jsonl")
        assert any(name.startswith("files/") for name in archive.namelist())
