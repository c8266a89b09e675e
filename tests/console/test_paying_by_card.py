"""A customer pays by card in a browser, at the sandbox's Stripe, until a dispute is won."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.console.browser import LOOKS, faults, looking
from tests.console.conftest import signed_in_without_a_browser
from tests.console.visits import broken_rules
from tests.fakes.card_provider import KEY, SECRET, Cards, sandbox_thread
from tests.stack.servers import Stack, start_stack, stop_stack
from tests.stack.stack_processes import until

OPERATOR = """
from accounts.ledger import RequestedMove
from billing.models import Payment
from billing.services.office.accounts import adjust
from billing.services.office.moves import move_money
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros

paid = Payment.objects.get(state="paid", asked_cents=2000)
move_money(
    once=ids.new_uuid(), now=clock.now(), actor="test",
    requested=RequestedMove(
        tenant_id=paid.tenant_id, kind="pay_back", amount=Micros(15_000_000), seq=paid.top_up_seq,
        reason="asked for",
    ),
)
from billing.selectors.office.balances import available_to
spent = available_to(paid.tenant_id) - 2_000_000
adjust(tenant_id=paid.tenant_id, amount=Micros(-spent), reason="spent elsewhere", actor="test")
"""
"""Pays 15 USD back, and leaves 2 USD of the rest."""
WORKED = "from billing import tasks; tasks.follow_payments()"


@pytest.fixture(scope="module")
def cards() -> Iterator[Cards]:
    with sandbox_thread() as url:
        yield Cards(url)


@pytest.fixture(scope="module")
def shop(cards: Cards, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, which takes cards at the sandbox."""
    stack = start_stack(
        Path(tmp_path_factory.mktemp("shop")),
        PICTOR_STRIPE_SECRET_KEY=KEY,
        PICTOR_STRIPE_WEBHOOK_SECRET=SECRET,
        PICTOR_STRIPE_API=cards.url,
        PICTOR_CARD_PAGES=cards.url,
    )
    cards.door("webhook", url=f"{stack.base_url}/payments/stripe", secret=SECRET)
    yield stack
    stop_stack(stack)


@pytest.fixture
def payer(browser: Browser, shop: Stack) -> Iterator[tuple[BrowserContext, str]]:
    """The demo's owner in a browser, and the path of the workspace."""
    tenant, cookies = signed_in_without_a_browser(shop)
    with looking(browser, shop.base_url, LOOKS[0]) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]  # as they were given
        yield context, f"/console/{tenant}"


def image(shop: Stack) -> httpx.Response:
    return httpx.post(
        f"{shop.base_url}/v1/images/generations",
        headers={"Authorization": f"Bearer {shop.api_key}"},
        json={"model": "gpt-image-2", "prompt": "a heron", "size": "1024x1024", "quality": "low"},
        timeout=60,
        trust_env=False,
    )


def sound(page: Page, path: str, name: str) -> list[str]:
    """Open the page; return its faults in every look, of which pictures are kept."""
    return faults(page, path) + broken_rules(page, f"cards-{name}")


@pytest.mark.timeout(400)
def test_a_customer_pays_gets_money_back_and_wins_a_dispute(payer, shop, cards):
    context, home = payer
    page = context.new_page()
    assert sound(page, f"{home}/billing/", "billing") == []
    before = balance(shop)

    page.get_by_text("$20", exact=True).click()
    page.get_by_role("button", name="Pay by card").click()
    page.wait_for_url(f"{cards.url}/stripe/pay/**")
    page.get_by_role("button", name="Pay by card 4242").click()
    page.get_by_text("$20.00 was added").wait_for()
    assert broken_rules(page, "cards-paid") == []
    assert balance(shop) == before + 20_000_000
    assert image(shop).status_code == 200

    operate(shop, OPERATOR)
    operate(shop, WORKED)
    assert sound(page, f"{home}/billing/payments/", "payments") == []
    assert page.get_by_role("cell", name="$15.00").is_visible()
    (charge,) = cards.charges(2000)
    dispute = cards.door("dispute", charge=charge["id"], amount=500, reason="fraudulent")
    until(lambda: image(shop).status_code == 429)
    refused = image(shop).json()["error"]
    assert refused["code"] == "insufficient_quota"
    assert refused["message"].startswith("You owe $")
    assert sound(page, f"{home}/billing/", "owed") == []
    assert page.get_by_text(re.compile(r"You owe \$\d\.\d+ because a payment was")).is_visible()

    cards.door("win", dispute=dispute["id"])
    until(lambda: image(shop).status_code == 200)
    page.goto(f"{home}/billing/")
    assert page.get_by_text("You owe").count() == 0


def test_somebody_who_leaves_the_page_is_not_charged(payer, shop, cards):
    context, home = payer
    page = context.new_page()
    page.goto(f"{home}/billing/")
    before = balance(shop)

    page.get_by_label("Another amount").fill("7.50")
    page.get_by_role("button", name="Pay by card").click()
    page.get_by_role("button", name="Back").click()

    page.get_by_text("You left the payment page. Nothing was charged.").wait_for()
    assert broken_rules(page, "cards-left") == []
    page.get_by_role("link", name="Pay now").click()
    page.get_by_role("button", name="Pay by a declined card").click()
    page.get_by_text("Your card was declined").wait_for()
    assert balance(shop) == before


def test_the_first_payment_saves_the_card_of_automatic_top_ups(payer, shop, cards):
    context, home = payer
    page = context.new_page()
    assert sound(page, f"{home}/billing/automatic/", "automatic") == []

    page.get_by_label("When less is left than").fill("5")
    page.get_by_label("Add (USD)").fill("10")
    page.get_by_label("At most a month").fill("50")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Agree to automatic top-ups").click()
    page.get_by_role("button", name="Pay by card 4242").click()
    page.get_by_text("$10.00 was added").wait_for()

    assert sound(page, f"{home}/billing/automatic/", "automatic-on") == []
    assert page.get_by_text("Whenever less than $5.00 is available").is_visible()
    page.get_by_role("button", name="Stop automatic top-ups").click()
    page.get_by_text("Nobody has agreed to automatic top-ups.").wait_for()


def test_billing_details_stand_on_statements(payer, shop):
    context, home = payer
    page = context.new_page()
    assert sound(page, f"{home}/billing/details/", "details") == []

    page.get_by_label("Legal name").fill("Acme Pictures GmbH")
    page.get_by_label("Address").fill("Kanalstr. 1\n10997 Berlin")
    page.get_by_label("Tax id").fill("DE123456789")
    page.get_by_role("button", name="Save billing details").click()
    page.get_by_text("Billing details saved").wait_for()
    page.goto(f"{home}/billing/statements/")
    page.get_by_role("link", name=re.compile(r"^\d{4}-\d\d$")).click()

    page.get_by_text("Acme Pictures GmbH").wait_for()
    assert broken_rules(page, "cards-statement") == []
    assert sound(page, f"{home}/settings/", "settings") == []


def balance(shop: Stack) -> int:
    answer = httpx.get(
        f"{shop.base_url}/v1/balance",
        headers={"Authorization": f"Bearer {shop.api_key}"},
        trust_env=False,
    )
    dollars, _, micros = answer.json()["available"].partition(".")
    return int(dollars) * 1_000_000 + int(micros)


def operate(shop: Stack, code: str) -> None:
    done = shop.manage("shell", "--command", code)
    assert done.returncode == 0, done.stderr
