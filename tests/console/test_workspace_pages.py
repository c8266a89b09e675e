"""Every page of a workspace in a real browser, in every look; and its main journeys."""

from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import httpx
import pytest
from playwright.sync_api import Dialog, Page, Route

from console.workspace import urls
from tests.console.browser import LOOKS, SHOWN, axe, choose_theme, faults, keep, looking
from tests.console.people import begun_by, generate
from tests.console.visits import broken_promises
from tests.servers import Stack

EVERY_LOOK = pytest.mark.parametrize("look", SHOWN, ids=lambda look: look.name)
ACTIONS = {
    "playground_quote", "playground_run", "generation_cancel", "generation_delete", "key_rotate",
    "key_revoke", "thumbnail", "member_invite", "member_role", "member_remove",
    "member_factor",
    "invitation_cancel", "settings_limits", "billing_alert", "export_ask", "export", "delete",
    "webhook_switch", "webhook_rotate", "webhook_delete", "webhook_test",
    "webhook_resend", "delivery_resend", "list_ask",
}  # fmt: skip
"""What answers with no page of its own."""
PAGES = [str(entry.name) for entry in urls.urlpatterns if entry.name not in ACTIONS]
VARIANTS = {
    "generations": ("?view=gallery", "?q=nothing+like+it&source=api&over=0.10&day=2026-01-31"),
    "usage": (
        "?period=24h&split=status&show=failed",
        "?period=month&split=key&show=images",
        "?period=90d&split=model&show=p50",
    ),
    "keys": ("?status=ended&q=nothing+like+it",),
    "webhook": ("?status=delivered",),
    "exports": ("?list=generations&status=failed",),
    "find": ("?q=demo", "?q=nothing+of+that+name"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_what_the_console_promises(signed_in, place, stack, name):
    page = signed_in.new_page()
    for number, query in enumerate(("", *VARIANTS.get(name, ()))):
        path, picture = place.path(name) + query, f"console-{name}{number or ''}"

        found = broken_promises(page, path, base_url=stack.base_url, name=picture)

        assert found == [], query


def test_fields_suit_a_finger(browser, place, stack):
    """On iOS a field whose text is below 16 px makes the whole page grow."""
    with looking(browser, stack.base_url, LOOKS[3], touch=True) as touched:
        touched.add_cookies(place.cookies)
        page = touched.new_page()
        for name in ("playground", "keys", "key_new"):
            page.goto(place.path(name))
            sizes = page.locator(".control:not([type=file]):visible").evaluate_all(
                "all => all.map((one) => [getComputedStyle(one).fontSize, one.offsetHeight])"
            )
            assert sizes, name
            assert [one for one in sizes if one[0] != "16px" or one[1] < 44] == [], name
            keep(page, f"touch-{name}")


def test_a_statement_is_printed_dark_on_white_with_nothing_round_it(signed_in, place, stack):
    choose_theme(signed_in, stack.base_url, LOOKS[1])
    page = signed_in.new_page()
    page.goto(place.path("statement"))
    ink = "getComputedStyle(document.body).color"
    on_screen = page.evaluate(ink)

    page.emulate_media(media="print")
    keep(page, "console-statement-printed")

    assert (on_screen, page.evaluate(ink)) == ("rgb(242, 239, 233)", "rgb(27, 26, 24)")
    assert page.get_by_role("heading", level=1).is_visible()
    assert page.get_by_text("Closing balance").is_visible()
    assert not page.get_by_role("navigation").first.is_visible()
    assert not page.get_by_text("Download CSV").is_visible()


@EVERY_LOOK
def test_a_test_and_its_key_are_marked_on_their_pages(signed_in, place, stack, look):
    key, made = a_test(stack)
    pages = {
        "keys": "keys/?status=test",
        "key": f"keys/{key}/",
        "generations": "generations/?mode=test",
        "generation": f"generations/{made}/",
    }
    page = signed_in.new_page()
    for name, path in pages.items():
        found = faults(page, f"{place.path('overview')}{path}")

        keep(page, f"console-test-{name}-{look.name}")
        assert page.get_by_text("○Test", exact=True).first.is_visible()
        assert found + axe(page) == []


def a_test(stack: Stack) -> tuple[str, str]:
    """The ids of a new test key and of a generation made with it."""
    with httpx.Client(base_url=stack.base_url, timeout=60, trust_env=False) as client:

        def post(path: str, key: str, **body: object) -> Any:
            headers = {"Authorization": f"Bearer {key}"}
            return client.post(path, json=body, headers=headers).json()

        key = post("/v1/api_keys", stack.api_key, name="ci", livemode=False)
        made = post(
            "/v1/images/generations", key["api_key"], model="gpt-image-2", prompt="a stoat on trial"
        )
        return key["id"], made["metadata"]["generation_id"]


def shown(page: Page, text: str) -> None:
    page.get_by_text(text).first.wait_for()


def test_a_key_is_made_by_keyboard_alone_and_shown_once(signed_in, place, stack):
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

    card.get_by_text("charged $0.00588").wait_for(timeout=30_000)
    assert card.locator("img").is_visible()
    card.get_by_role("link", name="Details").click()
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


def test_what_is_clicked_twice_or_held_down_is_asked_for_once(signed_in, place):
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
    page.reload()

    assert page.get_by_label("Status").input_value() == "failed"
    assert failed
    assert rows.evaluate_all(listed) == failed
    assert all("Failed" in row for row in rows.all_inner_texts())


def test_everything_is_exported_as_one_file(signed_in, place):
    page = signed_in.new_page()
    page.goto(place.path("settings"))

    page.get_by_role("button", name="Export everything").click()
    ready = page.locator("#export").get_by_role("link", name="Download")
    ready.wait_for(timeout=60_000)
    keep(page, "console-settings-export")
    assert axe(page) == []
    with page.expect_download() as coming:
        ready.click()

    assert coming.value.suggested_filename.startswith("pictor-export-")
    with ZipFile(coming.value.path()) as archive:
        assert b"a heron at dawn" in archive.read("generations.jsonl")
        assert any(name.startswith("files/") for name in archive.namelist())
