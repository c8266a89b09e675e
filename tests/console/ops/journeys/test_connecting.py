"""An upstream is connected and its key changed, in a real browser and without a shell."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.browser import keep
from tests.console.visits import broken_rules
from tests.customers.customer import Operator
from tests.stack.servers import Stack

NAME, ROTATED = "acme-images", "acme-rotated"


@pytest.fixture
def cleared(operator: Operator) -> Iterator[None]:
    """Remove the channel, so that the stack's own sandbox serves later tests."""
    yield
    clear(operator, NAME)


@pytest.fixture
def rotated(stack: Stack, operator: Operator) -> Iterator[None]:
    """A channel that already serves."""
    account = ("--base-url", stack.env["SANDBOX_URL"], "--api-key", "sk-acme", "--priority", "1")
    operator("channel", "set", ROTATED, *account, "--models", "gpt-image-2,dall-e-3")
    operator("channel", "enable", ROTATED, "--untested")
    yield
    clear(operator, ROTATED)


def clear(operator: Operator, name: str) -> None:
    operator("channel", "disable", name, "--yes")
    operator("do", "channel.archive", name, "--confirm", name)


def served_by(operator: Operator, answer: httpx.Response) -> str:
    facts = json.loads(
        operator("generation", "show", answer.json()["metadata"]["generation_id"], "--json")
    )
    return str(facts["attempts"][-1]["channel"])


def line_of(page: Page, model: str) -> Locator:
    return page.locator("#tried li").filter(has=page.get_by_text(model, exact=True))


@pytest.mark.usefixtures("cleared")
def test_an_upstream_is_connected_and_draws_its_first_image(signed_in, stack, customer, operator):
    page = signed_in.new_page()
    page.goto("/ops/channels/")
    page.get_by_role("link", name="Connect an upstream").click()
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Address").fill(stack.env["SANDBOX_URL"])
    page.get_by_label("API key").fill("sk-acme")
    page.get_by_label("Priority").fill("1")
    for model in ("gpt-image-2", "dall-e-3"):
        page.get_by_label(f"Serve of {model}", exact=True).check()
    page.get_by_label("Cost of an image, USD of gpt-image-2", exact=True).fill("0.002")
    page.get_by_role("button", name="Save channel").dblclick()
    page.get_by_role("heading", name=f"Edit {NAME}").wait_for()
    keep(page, "ops-edit-untested")

    page.get_by_role("button", name="Test 2 routes, about $0.002, and 1 of unknown cost").click()
    for model in ("gpt-image-2", "dall-e-3"):
        expect(line_of(page, model).get_by_text("Passed")).to_be_visible()
        expect(line_of(page, model)).to_contain_text("1024\N{MULTIPLICATION SIGN}1024 png")
        width = "image => image.decode().then(() => image.naturalWidth)"
        assert line_of(page, model).get_by_role("img").evaluate(width) == 1024
    assert page.locator("[data-poll]").count() == 0
    assert broken_rules(page, "ops-edit-tested") == []
    page.get_by_role("link", name="Enable").click()
    split = page.get_by_role("row").filter(has_text=NAME).filter(has_text="gpt-image-2")
    expect(split).to_contain_text(re.compile(r"0%\s+100%"))
    page.get_by_role("button", name="Enable").click()
    page.get_by_text(f"{NAME} serves").wait_for()

    assert served_by(operator, customer.generate(model="gpt-image-2")) == NAME


@pytest.mark.usefixtures("rotated")
def test_a_wrong_key_fails_its_test_and_the_old_one_goes_on(signed_in, customer, operator):
    page = signed_in.new_page()
    page.goto("/ops/channels/")
    page.get_by_role("link", name=ROTATED).click()
    page.get_by_role("link", name="Edit and test").click()
    page.get_by_label("API key").fill("wrong-one")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("Saved as a pending revision").wait_for()

    page.get_by_role("button", name=re.compile("^Test 2 routes")).click()
    line = line_of(page, "gpt-image-2")
    expect(line).to_contain_text("The vendor refuses the key (HTTP 401)")
    expect(line_of(page, "dall-e-3").get_by_text("Failed")).to_be_visible()
    keep(page, "ops-edit-wrong-key")
    page.get_by_role("link", name="Swap", exact=True).click()
    page.get_by_role("button", name="Swap").click()
    page.get_by_text(f"Type its name, {ROTATED}.").wait_for()

    assert served_by(operator, customer.generate(model="gpt-image-2")) == ROTATED

    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Test and swap").click()
    page.get_by_role("link", name="Discard revision").click()
    page.get_by_role("button", name="Discard revision").click()
    page.get_by_text("Pending revision discarded").wait_for()
    assert served_by(operator, customer.generate(model="gpt-image-2")) == ROTATED
