"""Reference images in a browser: chosen, viewed, removed, and sent only with the request."""

from io import BytesIO
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page

from tests.console.browser import axe_of_look
from tests.console.pages import Place
from tests.console.visits import broken_rules
from tests.fakes.recorder import drawn


def large() -> bytes:
    """A real PNG that is larger than a form may be elsewhere."""
    noise = Image.frombytes("RGB", (2000, 1600), Random(1).randbytes(2000 * 1600 * 3))  # noqa: S311 - noise, not a secret
    kept = BytesIO()
    noise.save(kept, "PNG", compress_level=0)
    return kept.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {
        "fox.png": drawn((320, 200)),
        "heron.png": drawn((200, 320)),
        "notes.png": b"these are words",
        "noise.png": large(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


@pytest.fixture
def playground(signed_in: BrowserContext, place: Place) -> Page:
    page = signed_in.new_page()
    page.goto(place.path("playground"))
    page.get_by_label("Prompt").fill("A fox and a heron")
    page.get_by_label("Quality").select_option("low")
    page.locator("#code-curl").get_by_text('"quality": "low"').wait_for()
    return page


def chosen(page: Page) -> list[str]:
    return page.locator("[data-chosen] li span:first-of-type").all_inner_texts()


def test_two_files_are_looked_at_sent_and_charged(playground, files):
    page = playground
    prompt = f"A fox and a heron {uuid4().hex}"
    page.get_by_label("Prompt").fill(prompt)
    sizes: list[int] = []
    page.on("request", lambda sent: sizes.append(len(sent.post_data_buffer or b"")))

    page.get_by_label("Reference images").set_input_files([files["noise.png"], files["fox.png"]])
    page.get_by_label("Reference images").set_input_files([files["heron.png"]])
    page.locator("#code-curl").get_by_text("heron.png").wait_for()
    assert chosen(page) == ["noise.png", "fox.png", "heron.png"]
    assert page.locator("[data-chosen] img").evaluate_all(
        "(all) => Promise.all(all.map((one) => one.decode())).then(() => true)"
    )
    page.get_by_role("tab", name="Python").click()
    page.get_by_role("button", name="Remove fox.png").click()
    page.locator("#code-python").filter(has_not_text="fox.png").wait_for()
    assert chosen(page) == ["noise.png", "heron.png"]
    assert max(sizes, default=0) < 10_000  # no price is requested with files
    assert broken_rules(page, "playground-references") == []

    page.get_by_role("button", name="Generate 1 image").click()
    card = page.locator("#runs li", has_text=prompt)
    card.get_by_text("charged $0.009976").wait_for()
    assert chosen(page) == ["noise.png", "heron.png"]
    card.get_by_role("link", name="Details").click()
    page.wait_for_url("**/generations/gen_*/")  # the card says "charged", too
    page.get_by_text("Charged $0.009976").first.wait_for()
    asked = page.locator("#asked").inner_text()
    assert "input:1:" in asked
    assert "input:2:" not in asked


def test_a_bad_file_is_named_and_everything_is_kept(playground, files):
    page = playground
    page.get_by_label("Reference images").set_input_files([files["fox.png"], files["notes.png"]])
    page.locator("#code-curl").get_by_text("notes.png").wait_for()
    runs = page.locator("#runs li").count()

    page.get_by_role("button", name="Generate 1 image").click()
    page.get_by_text("notes.png is not a PNG, JPEG or WebP").wait_for()

    assert page.get_by_label("Prompt").input_value() == "A fox and a heron"
    assert page.get_by_label("Quality").input_value() == "low"
    assert chosen(page) == ["fox.png", "notes.png"]
    assert page.locator("#runs li").count() == runs
    assert axe_of_look(page) == []


def test_more_than_may_be_sent_is_said_before_it_is(playground, files):
    page = playground
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if "/run/" in one.url else None)

    page.get_by_label("Reference images").set_input_files([files["noise.png"]] * 3)
    page.get_by_text("These are 27.5 MB, of at most 23.0 MB: take some out.").wait_for()
    page.get_by_role("button", name="Generate 1 image").click()

    assert sent == []
    page.get_by_role("button", name="Remove noise.png").first.click()
    page.get_by_text("take some out").wait_for(state="hidden")
