"""Vendors in a real browser: channels connected, weighed and paused, and their bills matched."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import openai
import psycopg
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.console.browser import keep
from tests.console.ops.journeys.conftest import MakeVendor
from tests.console.people import fill
from tests.console.visits import broken_rules
from tests.customers.customer import Customer, Operator
from tests.stack.servers import Stack

# --- a channel: found, weighed, paused and enabled, its costs written


COSTS = "model,size,quality,usd\ngpt-image-2,any,any,0.002"


@pytest.fixture
def second(stack: Stack, operator: Callable[..., Any]) -> Iterator[str]:
    """A second channel at the same sandbox, with half of the stack's requests."""
    name, url = f"second-{uuid4().hex[:6]}", stack.env["SANDBOX_URL"]
    operator(
        *("channel", "set", name, "--base-url", url, "--api-key", "k", "--models", "gpt-image-2"),
        *("--priority", "100"),
    )
    operator("channel", "enable", name, "--untested")
    yield name
    operator("channel", "disable", name)
    operator("do", "channel.archive", name, "--confirm", name)


def test_a_channel_is_weighed_paused_and_enabled(
    signed_in: BrowserContext, second: str, stack: Stack
) -> None:
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="Channels", exact=True).click()
    page.get_by_role("button", name=f"Actions for {second}").click()
    assert broken_rules(page, "ops-channels-menu") == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name=second, exact=True).click()

    page.get_by_role("link", name="Priority and weight").click()
    fill(page, "Show before and after", Priority="-9", Weight="3")
    page.get_by_text("greater than or equal to 0").wait_for()
    fill(page, "Show before and after", Priority="100", Weight="3")
    page.get_by_role("row", name=f"gpt-image-2 {second} 50% 75%").wait_for()
    page.get_by_role("button", name="Priority and weight").click()
    page.get_by_text(f"{second} has priority 100, weight 3").first.wait_for()

    page.get_by_role("link", name="Pause").click()
    page.get_by_role("row", name=f"gpt-image-2 {second} 75% 0%").wait_for()
    assert broken_rules(page, "ops-pause") == []
    page.get_by_label("Reason").fill("Grey images")
    page.get_by_role("button", name="Pause").dblclick()
    page.get_by_text(f"{second} is paused").wait_for()
    page.get_by_role("link", name="Enable").click()
    page.get_by_role("button", name="Enable").click()
    page.get_by_text(f"{second} serves").wait_for()

    page.get_by_role("link", name="History").click()
    page.get_by_text("Paused by").wait_for()
    page.get_by_text("Configuration changed by demo@").first.wait_for()


def test_costs_are_seen_and_then_written(
    signed_in: BrowserContext, second: str, stack: Stack
) -> None:
    page = signed_in.new_page()
    page.goto("/ops/channels/")
    page.get_by_role("link", name=second, exact=True).click()
    page.get_by_role("link", name="Cost", exact=True).click()

    page.get_by_label("Or pasted").fill(COSTS)
    page.get_by_role("button", name="Show changes").first.click()
    page.get_by_role("row", name="gpt-image-2 any any none $0.002").wait_for()
    assert broken_rules(page, "ops-channel-costs") == []
    page.get_by_role("button", name="Write costs").click()
    page.get_by_text("Costs written").wait_for()
    page.get_by_role("row", name="gpt-image-2 any any $0.002 an image").wait_for()

    page.get_by_role("link", name="Explain").click()
    page.get_by_text(f"{second} would be called.").wait_for()
    page.get_by_label("Size").fill("7x7")
    page.get_by_role("button", name="Explain").click()
    page.get_by_text("has no size '7x7'").wait_for()


# --- an upstream is connected and its key changed


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
    page.get_by_text("Limits and abilities of the account").click()
    page.get_by_label("quality", exact=True).check()
    for model in ("gpt-image-2", "dall-e-3"):
        page.get_by_label(f"Serve of {model}", exact=True).check()
    page.get_by_label("Cost of an image, USD of gpt-image-2", exact=True).fill("0.002")
    page.get_by_role("button", name="Save channel").dblclick()
    page.get_by_role("heading", name=f"Edit {NAME}").wait_for()
    keep(page, "ops-edit-untested")

    page.get_by_role("button", name="Test 2 routes, about $0.002, and 1 of unknown cost").click()
    for model, height in (("gpt-image-2", 768), ("dall-e-3", 1024)):
        expect(line_of(page, model).get_by_text("Passed")).to_be_visible()
        expect(line_of(page, model)).to_contain_text(f"1024\N{MULTIPLICATION SIGN}{height} png")
        width = "image => image.decode().then(() => image.naturalWidth)"
        assert line_of(page, model).get_by_role("img").evaluate(width) == 1024
    assert page.locator("[data-poll]").count() == 0
    assert broken_rules(page, "ops-edit-tested") == []
    page.get_by_role("link", name="Enable").click()
    split = page.get_by_role("row").filter(has_text=NAME).filter(has_text="gpt-image-2")
    expect(split).to_contain_text(re.compile(r"0%\s+100%"))
    page.get_by_role("button", name="Enable").click()
    page.get_by_text(f"{NAME} serves").wait_for()

    answer = customer.generate(model="gpt-image-2", quality="high")
    assert served_by(operator, answer) == NAME
    assert answer.json()["metadata"]["ignored"] == ["quality"]


@pytest.mark.usefixtures("rotated")
def test_a_wrong_key_fails_its_test_and_the_old_one_goes_on(signed_in, customer, operator):
    page = signed_in.new_page()
    page.goto("/ops/channels/")
    page.get_by_role("link", name=ROTATED).click()
    page.get_by_role("link", name="Edit and test").click()
    page.get_by_label("API key").fill("wrong-one")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("Saved as a pending revision").wait_for()
    page.get_by_text("It changes API key from the present one to another one.").wait_for()

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


# --- a vendor's bill: a line too many, one missing, one different; one is taken


CALLS = """
UPDATE generation_attempt AS a SET upstream_request_id = 'up-' || a.id
  FROM generation_channel AS c WHERE c.id = a.channel_id AND c.name = %s
RETURNING upstream_request_id, to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
"""
"""The sandbox gives its calls no ids, unlike a vendor."""


@pytest.fixture
def vendor(make_vendor: MakeVendor) -> str:
    """A channel at 0.03 USD an image."""
    return make_vendor("--cost-of", "gpt-image-2:0.03")


def sent(page: Page, vendor: str, content: str) -> None:
    page.goto("/ops/")
    page.get_by_role("link", name="Reconciliation").click()
    page.get_by_role("link", name="Match a bill").first.click()
    page.get_by_label("Channel", exact=True).select_option(vendor)
    page.get_by_label("The vendor\N{RIGHT SINGLE QUOTATION MARK}s file").set_input_files(
        {"name": f"{'november' * 24}.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Read the file").click()


def test_a_bill_is_matched_a_line_taken_and_the_file_again_changes_nothing(
    signed_in: BrowserContext,
    stack: Stack,
    customer: Customer,
    vendor: str,
    database: "psycopg.Connection[Any]",
) -> None:
    for _ in range(3):
        customer.generate(model="gpt-image-2", size="1024x1024", quality="low")
    (first, at), (second, later), _ = database.execute(CALLS, [vendor]).fetchall()
    content = (
        "ref,when,item,charged\n"
        f"{first},{at},gpt-image-2,0.03\n"
        f"{second},{later},gpt-image-2,0.0455\n"
        f"nobody-{uuid4()},{later},gpt-image-2,0.05\n"
    )
    page = signed_in.new_page()
    sent(page, vendor, content)

    page.get_by_text("Which columns are the time and the amount?").wait_for()
    for label, column in (
        ("Request id", "ref"),
        ("Time", "when"),
        ("Model or line item", "item"),
        ("Amount", "charged"),
    ):
        page.get_by_label(label, exact=True).select_option(column)
    page.get_by_role("row", name="gpt-image-2").filter(has_text="$0.0455").wait_for()
    assert broken_rules(page, "ops-bill-columns") == []
    page.get_by_role("button", name="Match the bill").click()

    page.get_by_text("Different 1").wait_for()
    for words in ("Theirs without ours 1", "Ours without theirs 1", "Equal 1"):
        expect(page.get_by_role("link", name=words)).to_be_visible()
    expect(page.get_by_text("3 lines; difference when matched $0.0355")).to_be_visible()
    assert broken_rules(page, "ops-bill") == []
    bill = page.url
    page.get_by_label("Choose line 2").check()
    page.get_by_role("button", name="Take selected").click()
    page.get_by_text("a change of $0.0155").wait_for()
    page.get_by_label("Reason").fill("the bill of November")
    assert broken_rules(page, "ops-bill-take") == []
    page.get_by_role("button", name="Take $0.0155").dblclick()
    page.get_by_role("row", name="Taken").wait_for()
    expect(page.get_by_text("2 lines; difference when matched $0.0355")).to_be_visible()
    assert broken_rules(page, "ops-bill-taken") == []

    page.get_by_role("link", name="Theirs without ours 1").click()
    page.get_by_label("Choose line 3").check()
    page.get_by_role("button", name="Dispute selected").click()
    page.get_by_label("Words for the vendor").fill("We sent no such request.")
    page.get_by_role("button", name="Dispute lines", exact=True).click()
    page.get_by_role("link", name="Disputed 1").click()
    page.get_by_text("We sent no such request.").wait_for()

    sent(page, vendor, content)
    page.get_by_text("Nothing was changed.").first.wait_for()
    assert page.url.split("?")[0] == bill.split("?")[0]
    corrections = "SELECT count(*), sum(amount) FROM billing_transfer WHERE line LIKE %s"
    assert database.execute(corrections, [f"%{second}%"]).fetchone() == (1, 15_500)


@pytest.mark.usefixtures("vendor")
def test_what_a_failed_call_may_have_cost_is_shown_apart(signed_in, customer):
    customer.generate("a fox [sandbox: fail=reset]", model="gpt-image-2", size="1024x1024")
    page = signed_in.new_page()
    page.goto(f"/ops/generations/?state=failed&tenant={customer.name}")

    expect(page.get_by_role("row", name="upstream_error")).to_contain_text("$0.030 maybe billed")


# --- a model is stopped: callers and readers of /status/ see it at once


MODEL = "dall-e-2"


@pytest.fixture
def paths() -> list[str]:
    """Paths of the SDK's requests, growing as it sends them."""
    return []


@pytest.fixture
def sdk(customer: Customer, paths: list[str]) -> Iterator[openai.OpenAI]:
    http_client = openai.DefaultHttpxClient(trust_env=False)
    http_client.event_hooks = {"request": [lambda request: paths.append(request.url.path)]}
    base_url = f"{customer.stack.base_url}/v1"
    with openai.OpenAI(
        base_url=base_url, api_key=customer.api_key, http_client=http_client
    ) as client:
        yield client


def test_a_stopped_model_is_told_of_once_and_is_on_again(signed_in, customer, operator, sdk, paths):
    page = signed_in.new_page()
    page.goto("/ops/")
    page.get_by_role("link", name="System", exact=True).click()
    page.get_by_role("link", name="Stop…").click()
    page.get_by_label("What", exact=True).fill(MODEL)
    page.get_by_label("Reason").fill("Wrong colours since noon")
    page.get_by_label("Words for customers").fill("Its colours are wrong. We look into it.")
    assert broken_rules(page, "ops-stop") == []

    try:
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("Wrong colours since noon").wait_for()
        with pytest.raises(openai.InternalServerError) as refused:
            sdk.images.generate(model=MODEL, prompt="a fox", size="256x256")

        assert (refused.value.status_code, refused.value.code) == (503, "paused")
        assert "Its colours are wrong. We look into it." in refused.value.message
        assert paths == ["/v1/images/generations"]
        assert customer.client.get("/v1/balance").json()["held"] == "0.000000"
        assert broken_rules(page, "ops-system-stopped") == []
        status = signed_in.new_page()
        status.goto("/status/")
        status.get_by_text(f"{MODEL} is paused").wait_for()
        keep(status, "status-paused")
        status.close()
        page.get_by_role("button", name=f"Start {MODEL}").click()
        page.get_by_text(f"{MODEL} has resumed").wait_for()
        sdk.images.generate(model=MODEL, prompt="a fox", size="256x256")
    finally:
        if MODEL in operator("stop"):
            operator("start", MODEL)
