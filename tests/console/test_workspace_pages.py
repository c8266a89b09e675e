"""Every page of a workspace in a real browser, in every look."""

from typing import Any

import httpx
import pytest

from console.workspace import urls
from tests.console.browser import LOOKS, choose_theme, faults, keep, looking
from tests.console.visits import broken_promises, broken_rules
from tests.stack.servers import Stack

ACTIONS = {
    "compare_run",
    "playground_quote", "playground_run", "generation_cancel", "generation_delete", "key_rotate",
    "key_open", "key_revoke", "member_change", "thumbnail", "generation_zip",
    "member_invite", "member_role",
    "member_remove", "member_factor",
    "invitation_cancel", "settings_limits", "settings_support", "billing_alert", "export_ask",
    "export", "delete",
    "webhook_switch", "webhook_rotate", "webhook_delete", "webhook_test",
    "webhook_resend", "delivery_resend", "list_ask",
    "pay", "payments", "payment", "payments_portal", "automatic", "automatic_stop",
    "billing_details",
}  # fmt: skip
"""Addresses without a page of their own, or only while cards are taken."""
PAGES = ["choose", *(str(entry.name) for entry in urls.pages if entry.name not in ACTIONS)]
SEEN_AGAIN = {"overview", "generations", "playground", "settings"}
"""A page of each kind: what is new, a list, a page that works, and forms."""
VARIANTS = {
    "generations": ("?view=gallery", "?q=nothing+like+it&source=api&over=0.10&day=2026-01-31"),
    "refused": ("?mode=test&code=rate_limit_exceeded",),
    "customers": ("?period=today",),
    "usage": (
        "?period=24h&split=status&show=failed",
        "?period=yesterday&split=error&by=key&show=why",
        "?first=2026-01-01&last=2026-01-03&model=dall-e-3&status=failed&per=hour",
        "?period=month&split=key&show=images",
        "?period=90d&split=model&show=p50",
    ),
    "key": ("?tab=rules", "?tab=history"),
    "keys": ("?status=ended&q=nothing+like+it",),
    "webhook": ("?status=delivered",),
    "exports": ("?list=generations&status=failed",),
    "find": ("?q=demo", "?q=nothing+of+that+name"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_what_the_console_promises(signed_in, place, stack, name):
    page = signed_in.pages[0]
    queries = ("", *VARIANTS.get(name, ()))

    broken = {
        query: broken_promises(
            page,
            place.path(name) + query,
            base_url=stack.base_url,
            name=f"console-{name}{number or ''}",
            is_seen_again=not number and name in SEEN_AGAIN,
        )
        for number, query in enumerate(queries)
    }

    assert broken == {query: [] for query in queries}


def test_fields_suit_a_finger(browser, place, stack):
    """On iOS a field with text below 16 px makes the whole page zoom."""
    with looking(browser, stack.base_url, LOOKS[3], touch=True) as touched:
        touched.add_cookies(place.cookies)
        page = touched.new_page()
        for name in ("playground", "keys", "key_new"):
            page.goto(place.path(name))
            sizes = page.locator(".control:not([type=file]):visible").evaluate_all(
                "all => all.map((one) => [getComputedStyle(one).fontSize, one.offsetHeight])"
            )
            assert sizes, name
            assert [size for size in sizes if size[0] != "16px" or size[1] < 44] == [], name
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


def test_a_test_and_its_key_are_marked_on_their_pages(signed_in, place, stack):
    key, made = a_test(stack)
    pages = {
        "keys": "keys/?status=test",
        "key": f"keys/{key}/",
        "generations": "generations/?mode=test",
        "generation": f"generations/{made}/",
    }
    page = signed_in.new_page()
    wrong: list[str] = []
    marked: list[bool] = []

    for name, path in pages.items():
        wrong += faults(page, f"{place.path('overview')}{path}")
        marked.append(page.get_by_text("○Test", exact=True).first.is_visible())
        wrong += broken_rules(page, f"console-test-{name}")

    assert wrong == []
    assert marked == [True] * 4


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
