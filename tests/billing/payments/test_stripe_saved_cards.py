"""Charges of a saved card while nobody is there: an invoice, paid once or not at all."""

from typing import Any
from uuid import UUID

import pytest

from billing.payments.port import NO_CARD, Present, ProviderAway, ProviderRefused, ProviderUnsure
from tests.billing.payments.asking import PAYMENT, checkout, details, present, provider
from tests.fakes.card_provider import Cards

FIRST = UUID(int=7)


@pytest.fixture
def customer(cards: Cards) -> str:
    """A customer whose card was saved at a first payment."""
    found = provider().keep_customer(details(), customer=None)
    page = provider().begin(checkout(payment_id=FIRST, customer=found, keeps_card=True))
    cards.door("pay", session=page.session_id, way="paid")
    cards.asked.clear()
    return found


def behave(cards: Cards, customer: str, behaviour: str, **more: str) -> None:
    """Let the customer's saved card behave so."""
    cards.door("card", payment_method=card_of(customer), behaviour=behaviour, **more)


def card_of(customer: str) -> str:
    stripe: Any = provider()
    return str(stripe._card(customer))  # noqa: SLF001 - its id


def charge(customer: str) -> Present:
    return provider().charge_saved_card(PAYMENT, customer=customer, cents=5_000)


def test_a_saved_card_is_charged_once(cards, customer):
    first = charge(customer)
    again = charge(customer)

    assert provider().has_card(customer)
    assert (first.state, first.subtotal_cents, first.card_last4) == ("paid", 5_000, "4242")
    assert first.invoice_number
    assert again == first


def test_the_invoice_is_never_tried_again_by_the_provider(cards, customer):
    charge(customer)

    sent = dict(cards.asked)
    assert sent["post /v1/invoices"]["auto_advance"] is False
    assert sent["post /v1/invoices/ID/finalize"] == {"auto_advance": False}
    assert sent["post /v1/invoices/ID/pay"]["off_session"] is True


def test_tax_comes_on_top_of_it(cards, customer, settings):
    settings.STRIPE_TAX_CODE = "txcd_10103001"

    made = charge(customer)

    assert (made.subtotal_cents, made.tax_cents, made.amount_cents) == (5_000, 1_000, 6_000)


def test_a_declined_card_is_no_money(cards, customer):
    behave(cards, customer, "insufficient_funds")

    made = charge(customer)

    assert (made.state, made.declined) == ("failed", "insufficient_funds")
    assert (made.stops, made.needs_customer) == (False, False)
    assert made.movements == ()


def test_the_advice_never_to_try_again_is_told(cards, customer):
    behave(cards, customer, "stolen_card", advice_code="do_not_try_again")

    assert charge(customer).stops


def test_a_bank_that_asks_its_customer_is_told_and_answered_on_the_invoice(cards, customer):
    """akash-network/console #3809: such a charge was tried again each hour."""
    behave(cards, customer, "requires_action")

    made = charge(customer)

    assert (made.state, made.needs_customer) == ("failed", True)
    assert made.invoice_url.startswith(cards.url)


def test_an_open_invoice_is_voided_once(cards, customer):
    behave(cards, customer, "insufficient_funds")
    made = charge(customer)

    provider().void(made.invoice_id)
    provider().void(made.invoice_id)
    provider().void("in_unknown")

    assert present(invoice_id=made.invoice_id).state == "expired"


def test_a_paid_invoice_is_not_voided(cards, customer):
    made = charge(customer)

    provider().void(made.invoice_id)

    assert present(invoice_id=made.invoice_id).state == "paid"


def test_the_default_card_is_charged(cards, customer):
    cards.door(
        "pay",
        session=provider()
        .begin(checkout(payment_id=UUID(int=8), customer=customer, keeps_card=True))
        .session_id,
        way="paid",
    )
    stripe: Any = provider()
    newest, oldest = (card.id for card in stripe._v1.customers.payment_methods.list(customer).data)  # noqa: SLF001 - another card

    stripe._v1.customers.update(customer, {"invoice_settings": {"default_payment_method": oldest}})  # noqa: SLF001 - as the portal does

    assert newest != oldest
    assert card_of(customer) == oldest


def test_a_call_that_is_refused_leaves_no_open_invoice(cards, customer, monkeypatch):
    monkeypatch.setattr(provider(), "_card", lambda _: "pm_unknown")

    with pytest.raises(ProviderRefused) as refused:
        charge(customer)

    statuses = [each["status"] for each in cards.listed("invoices") if each["total"] == 5_000]
    assert refused.value.code == "resource_missing"
    assert statuses == ["void"]


def test_an_invoice_that_cannot_be_read_after_the_call_may_be_paid(cards, customer, monkeypatch):
    monkeypatch.setattr(provider(), "present", lambda _: None)

    with pytest.raises(ProviderUnsure):
        charge(customer)


def test_a_draft_that_cannot_be_issued_is_deleted(cards, customer):
    cards.door("trouble", kind="500", path="POST /v1/invoiceitems")

    with pytest.raises(ProviderUnsure):
        charge(customer)

    assert [each for each in cards.listed("invoices") if each["status"] == "draft"] == []


def test_a_draft_is_deleted_as_it_cannot_be_voided(cards, customer):
    stripe: Any = provider()
    draft = stripe._invoice_for(PAYMENT, customer)  # noqa: SLF001 - as a killed process leaves it

    provider().void(draft.id)

    assert draft.id not in {each["id"] for each in cards.listed("invoices")}


def test_a_customer_without_a_card_is_refused(cards):
    nobody = provider().keep_customer(details(), customer=None)

    with pytest.raises(ProviderRefused) as refused:
        charge(nobody)

    assert refused.value.code == NO_CARD
    assert not provider().has_card(nobody)
    assert not provider().has_card("cus_unknown")


@pytest.mark.parametrize("kind", ["429", "500", "500_after", "lost", "lost_after"])
@pytest.mark.parametrize("calls", [1, 2, 3])
@pytest.mark.parametrize("path", ["POST /v1/invoices", "POST /v1/invoiceitems"])
def test_a_lost_answer_is_looked_up_and_charges_once(cards, customer, kind, calls, path):
    """akash-network/console #3449: a slow charge was tried again, for two or three charges."""
    cards.door("trouble", kind=kind, path=path, next=calls)

    states: list[str] = []
    for _ in range(6):
        try:
            states.append(charge(customer).state)
        except (ProviderAway, ProviderUnsure) as error:
            states.append(type(error).__name__)

    assert states[-1] == "paid"
    assert len(cards.charges(5_000)) == 1


@pytest.mark.parametrize("kind", ["429", "500", "500_after", "lost", "lost_after"])
def test_a_lost_answer_to_the_payment_itself_charges_once(cards, customer, kind):
    stripe: Any = provider()
    invoice = stripe._invoice_for(PAYMENT, customer)  # noqa: SLF001 - as far as before it is paid
    stripe._issue(invoice.id, customer, 5_000)  # noqa: SLF001 - as above
    cards.door("trouble", kind=kind, path=f"POST /v1/invoices/{invoice.id}/pay")

    first, second = charge(customer), charge(customer)

    assert first.state == ("paid" if kind.endswith("after") else "open")
    assert (second.state, second.invoice_id) == ("paid", invoice.id)
    assert len(cards.charges(5_000)) == 1
