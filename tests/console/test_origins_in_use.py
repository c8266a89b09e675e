"""What a picture says of its origin, in a browser: badges, who signed, the setting, a look-up."""

from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.pages import Place
from tests.console.visits import broken_rules
from tests.customers.customer import GENERATIONS, Operator
from tests.stack.servers import Stack

FILL = (
    "from generation.background.image_origins import fill_origins;"
    "from pictor.kit.words import clock; fill_origins(now=clock.now())"
)
SIGNED = "Signed by Pictor Sandbox with Pictor sandbox 1. Whole; signer not checked."


def asked(stack: Stack, prompt: str) -> Any:
    """The answer to a request of the demo workspace's program."""
    return httpx.post(
        f"{stack.base_url}{GENERATIONS}",
        json={"model": "gpt-image-2", "prompt": prompt, "response_format": "url"},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=60,
        trust_env=False,
    ).json()


def opened(signed_in: BrowserContext, path: str) -> Page:
    page = signed_in.new_page()
    page.goto(path)
    return page


def test_a_kept_picture_has_a_badge_and_says_who_signed_it(
    signed_in: BrowserContext, stack: Stack, place: Place
) -> None:
    made = asked(stack, "a fox [sandbox: signed]")["metadata"]["generation_id"]

    page = opened(signed_in, place.path("generations"))
    expect(page.get_by_role("row", name=made).get_by_text("Credentials")).to_be_visible()
    listed = broken_rules(page, "origins-list")
    page.goto(f"{place.path('generations')}{made}/")
    while not page.get_by_text(SIGNED).count():  # a page waits 2 s, and a slow machine takes longer
        page.reload()
    expect(page.get_by_text("Content Credentials kept")).to_be_visible()

    assert [listed, broken_rules(page, "origins-one")] == [[], []]


def test_a_workspace_that_may_chooses_images_without_marks(
    signed_in: BrowserContext, place: Place, operator: Operator
) -> None:
    operator("do", "tenant.limits", place.tenant, "--marks", "optional")

    page = opened(signed_in, place.path("settings"))
    page.get_by_label("Images without marks").check()
    page.get_by_role("button", name="Save settings").click()
    page.get_by_text("Settings saved").first.wait_for()
    expect(page.get_by_label("Images without marks")).to_be_checked()
    broken = broken_rules(page, "origins-setting")
    operator("do", "tenant.limits", place.tenant, "--marks", "required")

    assert broken == []


def test_staff_find_whose_picture_a_file_is(signed_in: BrowserContext, stack: Stack) -> None:
    answer = asked(stack, "a fox in a look-up")
    data = httpx.get(answer["data"][0]["url"], trust_env=False).content
    stack.manage("shell", "-c", FILL)

    page = opened(signed_in, "/ops/do/generation.look_up/")
    page.get_by_role("button", name="Whose picture?").click()
    page.get_by_text("Send a file or its SHA-256, one of the two.").wait_for()
    refused = broken_rules(page, "origins-look-up-refused")
    file: Any = {"name": "fox.png", "mimeType": "image/png", "buffer": data}
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Whose picture?").click()
    page.get_by_text("1 image made here").wait_for()
    expect(page.get_by_text(answer["metadata"]["generation_id"])).to_be_visible()

    assert [refused, broken_rules(page, "origins-found")] == [[], []]
