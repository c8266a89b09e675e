"""A model ends: announced in headers, by mail and above the console; then refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Page

from tests.console.visits import broken_rules
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

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
