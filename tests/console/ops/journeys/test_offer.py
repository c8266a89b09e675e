"""The offer in a real browser: contracts changed, models that end, and alerts about it all."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect
from standardwebhooks import Webhook

from pictor.kit.database import lock_numbers
from tests.console.browser import keep
from tests.console.people import fill
from tests.console.visits import broken_rules
from tests.customers.customer import Operator
from tests.fakes.hooks import Hooks, listening
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

# --- a model's contract is changed, and the API keeps it from the next request on


MODEL = "dall-e-3"
ALIAS = "wide"


@pytest.fixture
def put_back(operator: Operator) -> Iterator[None]:
    """Put the model back for later tests."""
    yield
    operator("model", "set", MODEL, "--size", "1792x1024,preset=", "--yes")


@pytest.mark.usefixtures("put_back")
def test_a_size_gets_a_word_and_the_api_takes_it(signed_in, customer):
    refused = customer.generate(model=MODEL, size=ALIAS)
    page = signed_in.new_page()
    page.goto("/ops/models/")
    page.get_by_role("link", name=MODEL, exact=True).click()
    keep(page, "ops-model-journey")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Preset, row 3").fill(ALIAS)
    page.get_by_role("button", name="Add row").click()
    expect(page.get_by_label("Size, row 6")).to_be_focused()
    page.get_by_label("Size, row 6").fill("big")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_text("'big' is not a size such as 1536x1024")).to_be_visible()
    keep(page, "ops-model-mistake")
    page.get_by_role("button", name="Remove row 6, big").click()
    expect(page.get_by_label("Size, row 6")).to_have_count(0)
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("row", name=re.compile("Size 1792x1024"))).to_contain_text(ALIAS)
    assert broken_rules(page, "ops-model-review") == []
    page.get_by_role("button", name="Save changes").dblclick()
    page.get_by_text(f"{MODEL} is saved").wait_for()

    answer = customer.generate(model=MODEL, size=ALIAS)

    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert answer.status_code == httpx.codes.OK
    image = httpx.get(answer.json()["data"][0]["url"], trust_env=False)
    assert Image.open(io.BytesIO(image.content)).size == (1792, 1024)


# --- a model is added: its missing prices are typed, and stay when a slip beside them is put back


def added(page: Page, name: str) -> None:
    """Copy a model of three sizes."""
    page.goto("/ops/models/dall-e-2/")
    page.get_by_role("link", name="Copy", exact=True).click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create model").dblclick()
    page.get_by_text("3 of 3 cells have no price.").first.wait_for()


def typed(page: Page, cell: str, price: str) -> None:
    page.get_by_label(f"Price of {cell}, USD").fill(price)
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_role("button", name="Save 1 price").dblclick()
    page.get_by_text("1 price changed").wait_for()


def test_missing_prices_are_typed_and_stay_when_a_slip_is_put_back(signed_in, make_vendor):
    page, name = signed_in.new_page(), f"new-{uuid4().hex[:6]}"
    added(page, name)
    make_vendor("--models", name, "--cost", "0.02")
    page.get_by_role("button", name="Price it").dblclick()
    missing = page.get_by_label(f"Price of {name} 256x256 standard, USD, now none")
    expect(missing).to_have_accessible_description(re.compile(r"Cost in force \$0\.020"))
    assert broken_rules(page, "ops-price-missing") == []
    draft = page.url.split("?")[0]
    typed(page, f"{name} 256x256 standard", "0.03")
    expect(page.get_by_text("no price")).to_have_count(2)
    page.goto(f"{draft}markup/")
    expect(page).to_have_url(draft)

    page.goto("/ops/prices/new/")
    page.get_by_label("Or pasted").fill(
        f"model,size,quality,usd\n{name},256x256,standard,0.03\n{name},512x512,standard,0.04\n"
    )
    fill(page, "Upload as a draft", **{"Only this model": "dall-e-2"})
    page.get_by_text(f"The file has prices of {name}, not only of dall-e-2").wait_for()
    fill(page, "Upload as a draft", **{"Only this model": name})
    page.get_by_label(f"Price of {name} 512x512 standard, USD, now $0.040").wait_for()
    page.get_by_role("link", name=re.compile(r"^dall-e-2( \d|$)")).click()  # with images sold
    typed(page, "dall-e-2 256x256 standard", "0.0165")
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("button", name=re.compile("^Publish .* now$")).click()
    page.get_by_text("is in force").first.wait_for()

    page.goto("/ops/")
    page.get_by_role("link", name=re.compile("^Put list:.* back$")).click()
    back = page.get_by_role("button", name="Put back list")
    back.click()
    expect(page.get_by_label("Reason")).to_be_focused()
    expect(page.get_by_role("row", name="dall-e-2 256")).to_contain_text("$0.0165 $0.016")
    expect(page.get_by_label("Number of changed prices")).to_have_count(0)
    page.get_by_label("Reason").fill("A slip")
    back.dblclick()
    page.get_by_text("is in force again").first.wait_for()
    page.goto("/ops/")
    expect(page.get_by_role("link", name=re.compile("^Put list:.* back$"))).to_have_count(0)
    page.goto(f"/ops/prices/current/?model={name}")
    expect(page.get_by_role("group", name="$0.040, margin 50%")).to_be_visible()
    expect(page.get_by_role("group", name="no price", exact=True)).to_be_visible()
    page.goto("/ops/prices/current/?model=nothing")
    expect(page.get_by_text("No prices of “nothing” here")).to_be_visible()


def test_a_mistyped_model_is_deleted_once_its_name_is_typed(signed_in):
    page, name = signed_in.new_page(), f"typo-{uuid4().hex[:6]}"
    added(page, name)
    page.get_by_role("link", name="Delete").click()
    fill(page, "Delete", **{f"Type its name, {name}": "typo"})
    page.get_by_text(f"Type its name, {name}.").wait_for()
    assert broken_rules(page, "ops-model-delete") == []
    page.get_by_label("Type its name").fill(name)
    page.get_by_role("button", name="Delete").dblclick()
    page.get_by_text(f"{name} is deleted").wait_for()


# --- a model ends: announced in headers, by mail and above the console; then refused


OLD, NEW = "gpt-image-1", "gpt-image-2"
BODY = {"model": OLD, "prompt": "a fox", "quality": "low", "size": "1024x1024"}


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """A client with the demo workspace's key."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(
        base_url=stack.base_url, headers=headers, timeout=60, trust_env=False
    ) as client:
        yield client


@pytest.fixture
def stays(database: "psycopg.Connection[Any]") -> Iterator[None]:
    """Remove every trace of the model's end afterwards."""
    yield
    database.execute("DELETE FROM generation_sunsetnotice")
    database.execute(
        "UPDATE generation_contract SET deprecated_at = NULL, sunset_at = NULL, successor = ''"
    )


def mailed(client: httpx.Client, subject: str) -> bool:
    return subject in client.get("/mailbox/").text


def announced(page: Page, day: str) -> None:
    """Announce the model's end in the browser, although the day is near."""
    page.goto("/ops/models/")
    page.get_by_role("link", name=OLD, exact=True).click()
    page.get_by_role("link", name="Announce its end").click()
    page.get_by_label("First day without it, UTC").fill(day)
    page.get_by_label("Successor").select_option(NEW)
    page.get_by_role("button", name="Review").click()
    page.get_by_label("An end within 60 days is meant").check()
    page.get_by_role("button", name="Review").click()
    page.get_by_text("What customers see").wait_for()
    assert broken_rules(page, "ops-model-end") == []
    page.get_by_role("button", name="Announce end").dblclick()
    page.get_by_text(f"{OLD} ends on").first.wait_for()


def words(page: Page, path: str) -> str:
    """The page's text."""
    page.goto(path)
    return page.locator("main").inner_text()


@pytest.mark.usefixtures("stays")
def test_a_model_that_ends_is_announced_told_of_and_refused(
    signed_in, place, client, operator, database
):
    before = client.post("/v1/images/generations", json=BODY)
    now, page = datetime.now(tz=UTC), signed_in.new_page()
    end, sunset = now + timedelta(days=5), ("model", "sunset", OLD)
    on, at = f"{end:%-d %B %Y}", f"{end:%-d %B %Y}, 00:00"

    announced(page, f"{end:%Y-%m-%d}")
    after = client.post("/v1/images/generations", json=BODY)

    assert [before.status_code, after.status_code] == [200, 200]
    assert {"deprecation", "sunset"} & before.headers.keys() == set()
    since = int(after.headers["deprecation"].removeprefix("@"))
    assert int(now.timestamp()) <= since <= datetime.now(tz=UTC).timestamp()
    assert after.headers["sunset"] == f"{end:%a, %d %b %Y} 00:00:00 GMT"
    until(lambda: mailed(client, f"{OLD} ends on {on}"))
    home = f"/console/{place.tenant}/"
    assert f"{OLD} ends on {at} UTC." in words(page, home)
    assert f"{OLD} ends on {at} UTC. {NEW} follows." in words(
        page, f"{home}playground/?model={OLD}"
    )
    assert broken_rules(page, "playground-sunset") == []
    assert f"on {at} UTC. {NEW} follows." in words(page, "/pricing/")
    assert broken_rules(page, "pricing-sunset") == []

    operator(*sunset, "--withdraw")
    until(lambda: mailed(client, f"{OLD} stays"))
    assert f"{OLD} ends" not in words(page, home)

    operator(*sunset, "--on", end.isoformat(), "--successor", NEW, "--soon")
    database.execute(  # its day has come, and no command can hasten it
        "UPDATE generation_contract SET deprecated_at = now() - interval '2 minutes',"
        " sunset_at = now() - interval '1 minute' WHERE model = %s",
        [OLD],
    )
    refused = client.post("/v1/images/generations", json=BODY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (410, "model_sunset")
    assert f"Use {NEW} instead." in refused.json()["error"]["message"]
    over = words(page, home)
    assert f"{OLD} ended on" in over
    assert "requests for it are refused" in over


# --- a channel breaks: mail and webhook arrive once, a silence holds, and the end is reported


TELL = """
from generation.oversight.alerts.alert_sending import send_due_alerts
from pictor.kit.words import clock
send_due_alerts(now=clock.now())
"""
"""A worker's sending of alerts, done each minute."""


@pytest.fixture
def hooks(stack: Stack) -> Iterator[Hooks]:
    with listening(stack.hook_ports[0]) as hooks:
        yield hooks


@pytest.fixture
def database_of_conditions(
    database: "psycopg.Connection[Any]",
) -> Iterator["psycopg.Connection[Any]"]:
    """The stack's database, while a lock keeps workers from looking for conditions."""
    database.execute("SELECT pg_advisory_lock(%s)", [lock_numbers.CONDITIONS])
    yield database
    database.execute("SELECT pg_advisory_unlock(%s)", [lock_numbers.CONDITIONS])


def occasions(hooks: Hooks, name: str) -> list[str]:
    """Occasions reported of the condition, in order."""
    return [
        one["occasion"]
        for told in hooks.told
        for one in told.event["data"].get("conditions", ())
        if one["about"] == name
    ]


def test_a_broken_channel_is_told_once_silenced_and_over(
    signed_in: BrowserContext,
    stack: Stack,
    operator: Operator,
    hooks: Hooks,
    database_of_conditions: "psycopg.Connection[Any]",
) -> None:
    page, name, rule = signed_in.new_page(), f"acme-{uuid4().hex[:8]}", f"Night {uuid4().hex[:6]}"
    secret = _made(page, rule, hooks.url)
    _switched_on(page, rule, hooks)

    database_of_conditions.execute(
        "INSERT INTO generation_condition (kind, object, words, micros, since, assigned_to, why)"
        " VALUES ('calls_fail', %s, '3 of 12 calls in 10 minutes brought images', 630000,"
        " now(), '', '')",
        [name],
    )
    operator("shell", "-v0", "-c", TELL)
    until(lambda: occasions(hooks, name) == ["fired"])
    Webhook(secret).verify(hooks.told[-1].body, hooks.told[-1].headers)
    box = signed_in.new_page()
    box.goto("/mailbox/")
    letter = box.locator("li", has_text=f"Calls fail: {name}").first.inner_text()
    assert "3 of 12 calls in 10 minutes brought images" in letter
    assert f"{stack.base_url}/ops/conditions/" in letter
    box.close()

    page.goto("/ops/")
    page.get_by_role("button", name=f"Actions for Calls fail, {name}").click()
    page.get_by_role("button", name=f"Silence 4 h Calls fail, {name}").click()
    page.get_by_label("Why").locator("visible=true").fill("the vendor knows")
    page.get_by_role("button", name="Silence 4 h", exact=True).click()
    page.get_by_text("Silenced for 4 hours").wait_for()
    operator("shell", "-v0", "-c", TELL)
    database_of_conditions.execute(
        "UPDATE generation_condition SET resolved_at = now() WHERE object = %s", [name]
    )
    operator("shell", "-v0", "-c", TELL)
    until(lambda: len(occasions(hooks, name)) == 2)

    assert occasions(hooks, name) == ["fired", "resolved"]
    page.goto("/ops/alerts/")
    assert broken_rules(page, "ops-alerts") == []
    page.get_by_role("link", name=rule).click()
    page.get_by_text("Over:").first.wait_for()
    assert broken_rules(page, "ops-alert") == []
    page.get_by_role("button", name=f"Actions for {rule}").click()
    page.get_by_role("link", name=f"Remove rule {rule}").click()
    page.get_by_role("button", name="Remove rule", exact=True).click()
    page.get_by_text(f"{rule} removed").wait_for()


def _made(page: Page, rule: str, url: str) -> str:
    """Make a rule of one kind for its author and the webhook; return its secret."""
    page.goto("/ops/alerts/")
    page.get_by_role("link", name="Add rule").first.click()
    page.get_by_label("Name").fill(rule)
    page.get_by_label("Every kind").uncheck()
    page.get_by_text("Or only these").click()
    page.get_by_label("Calls fail").check()
    page.get_by_label("Webhook URL").fill(url)
    assert broken_rules(page, "ops-alert-new") == []
    page.get_by_role("button", name="Add rule").click()
    page.get_by_text("Copy the signing secret now").wait_for()
    secret = page.locator("#new-secret").inner_text().strip()
    page.get_by_role("link", name="I have stored this secret").click()
    page.get_by_text("It is off and sends nothing.").wait_for()
    return secret


def _switched_on(page: Page, rule: str, hooks: Hooks) -> None:
    """Switch the rule on after its test reached every receiver."""
    page.get_by_role("link", name="Send test").first.click()
    page.get_by_role("button", name="Send test").click()
    page.get_by_text("Test sent").wait_for()
    until(lambda: len(hooks.told) == 1)

    def is_through() -> bool:
        page.reload()
        return bool(page.get_by_text("Its test got through").count())

    until(is_through)
    keep(page, "ops-alert-tested")
    page.get_by_role("link", name="Switch on").first.click()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_text(f"{rule} is on").wait_for()
