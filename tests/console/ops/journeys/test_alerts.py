"""A channel breaks: mail and webhook arrive once, a silence holds, and the end is reported."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page
from standardwebhooks import Webhook

from pictor.kit.database import lock_numbers
from tests.console.browser import keep
from tests.console.visits import broken_rules
from tests.customers.customer import Operator
from tests.fakes.hooks import Hooks, listening
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

if TYPE_CHECKING:
    import psycopg

TELL = """
from generation.oversight.alerts.alert_sending import send_due_alerts
from pictor.kit.words import clock
send_due_alerts(now=clock.now())
"""
"""A worker's sending of alerts, done each minute."""


@pytest.fixture
def hooks(stack: Stack) -> Iterator[Hooks]:
    with listening(stack.upstream_ports[3]) as hooks:
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
