"""Journeys of operators in a real browser, on the stack."""

import json
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest

from tests.console.ops.journeys.every_page import Found, name_of
from tests.console.ops.links import pages_found
from tests.console.pages import Place
from tests.customers.customer import Operator
from tests.stack.servers import Stack

COUNTED_AND_LOOKED_FOR = """
from billing.selectors.office import sold
from generation.oversight.conditions.detection import look
from generation.oversight.daily_sales import add_sold
from pictor.kit.words import clock

sold.TRAIL_SECONDS = 0.0
add_sold()
while not look(now=clock.now()):
    pass
"""
MakeVendor = Callable[..., str]


@pytest.fixture(autouse=True)
def pages() -> None:
    """The stack's pages, with its database."""


@pytest.fixture
def count_sales(stack: Stack) -> Callable[[], None]:
    """Count all sales until now, and look for conditions."""

    def counted() -> None:
        done = stack.manage("shell", "-c", COUNTED_AND_LOOKED_FOR)
        assert done.returncode == 0, done.stderr

    return counted


@pytest.fixture
def make_vendor(stack: Stack, operator: Operator) -> Iterator[MakeVendor]:
    """Make channels at the sandbox that are called first for gpt-image-2; return their names."""
    made: list[str] = []

    def make(*options: str) -> str:
        name, url = f"vendor-{uuid4().hex[:6]}", stack.env["SANDBOX_URL"]
        operator(
            *("channel", "set", name, "--base-url", url, "--api-key", "k", "--priority", "1"),
            *("--models", "gpt-image-2", *options),
        )
        made.append(name)
        operator("channel", "enable", name, "--untested")
        return name

    yield make
    for name in made:
        operator("channel", "disable", name)
        operator("do", "channel.archive", name, "--confirm", name)


@pytest.fixture(scope="module")
def found(
    stack: Stack, operator: Operator, place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Found:
    """Paths found by links, by page name, with a resolved incident among them.

    Also with a vendor's bill that has an unknown line, a shared price list and an alert rule.
    """
    bill = tmp_path_factory.mktemp("bills") / "bill.csv"
    bill.write_text(f"id,time,model,cost\n{uuid4()},2026-11-20T12:00:00Z,gpt-image-2,0.05\n")
    operator("reconcile", str(bill), "--channel", "sandbox", "--accept")
    operator("price", "list-create", f"Partners {uuid4().hex[:8]}")
    operator("alert", "set", f"Every page {uuid4().hex[:8]}", "--mails", "ann@example.com")
    words = ("Slow images", "--parts", "API", "--words", "We look into it.")
    begun = json.loads(operator("incident", "start", *words, "--json"))
    operator("incident", "resolve", str(begun["id"]), "--words", "All is well.")
    cookies = {str(cookie["name"]): str(cookie["value"]) for cookie in place.cookies}
    with httpx.Client(base_url=stack.base_url, cookies=cookies, trust_env=False) as client:
        return {name_of(path): path for path in pages_found(client).values()}
