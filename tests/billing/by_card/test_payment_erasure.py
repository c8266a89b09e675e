"""A workspace's end: its payments end at the provider first, and then nobody is named."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Tenant
from billing import holdings
from billing.models import Payment, PaymentCustomer
from billing.payments.port import ProviderAway, ProviderRefused
from billing.selectors.office.balances import statement
from billing.selectors.office.payments import refused_refunds
from billing.services.office.accounts import adjust
from billing.services.office.automatic import agree, top_up_due
from billing.services.office.payments import BillingDetails, follow, keep_details
from pictor.kit.words.money import Micros
from tests.billing.by_card.conftest import NOW, begin, paid, pay_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(cards, shop, payer):
    """A workspace with details, one paid payment and one open page, which is being erased."""
    details = BillingDetails(legal_name="Shop Ltd", tax_id="X1")
    keep_details(tenant_id=shop.id, details=details, actor=payer)
    paid(cards, shop)
    begin(shop, payer)
    Tenant.objects.filter(id=shop.id).update(erasure_due_at=NOW)
    return shop


def test_pages_expire_before_the_customer_and_the_names_go(cards, ended):
    (customer,) = cards.customers
    assert cards.customers[customer].name == "Shop Ltd"

    for _ in range(2):
        holdings.erase(tenant_id=ended.id, now=NOW)

    assert cards.customers == {}
    kept = PaymentCustomer.objects.values().get()
    assert (kept["legal_name"], kept["tax_id"], kept["provider_id"]) == ("", "", None)
    columns = ("state", "card_last4", "page_url", "begun_by", "asked_cents")
    payments: list[Any] = sorted(Payment.objects.values_list(*columns))
    assert payments == [("expired", "", "", None, 2000), ("paid", "", "", None, 2000)]


def test_who_pays_at_the_last_moment_is_paid_back(cards, ended):
    late = Payment.objects.get(state="begun")
    cards.pay(late.id)

    holdings.erase(tenant_id=ended.id, now=NOW)

    assert [move.kind for move in statement(ended.id)] == ["top_up", "top_up", "chargeback"]
    assert cards.calls["pay_back"] == 1


def test_while_the_provider_is_away_nothing_is_erased(cards, ended):
    cards.refuses["forget_customer"] = [ProviderAway("503")]

    with pytest.raises(ValidationError, match="did not do its part: 503"):
        holdings.erase(tenant_id=ended.id, now=NOW)
    assert PaymentCustomer.objects.get().legal_name == "Shop Ltd"
    holdings.erase(tenant_id=ended.id, now=NOW)

    assert PaymentCustomer.objects.get().legal_name == ""


def test_a_later_look_brings_no_digits_back(cards, ended):
    holdings.erase(tenant_id=ended.id, now=NOW)

    payment = follow(Payment.objects.get(state="paid").id, now=NOW)

    assert (payment.card_last4, payment.amount_cents) == ("", 2000)


def test_an_export_has_the_payments(cards, ended):
    tables = {name: list(rows) for name, rows in holdings.tables(ended.id)}

    assert [row["state"] for row in tables["payments"]] == ["paid", "begun"]
    assert [row["kind"] for row in tables["payment_movements"]] == ["charge"]
    assert tables["payment_disputes"] == []
    assert tables["billing_details"][0]["legal_name"] == "Shop Ltd"


def test_who_never_paid_by_card_has_no_such_tables(shop):
    holdings.erase(tenant_id=shop.id, now=NOW)

    assert "payments" not in dict(holdings.tables(shop.id))


def test_an_invoice_that_a_decline_left_open_is_void(cards, shop, payer):
    agree(
        tenant_id=shop.id, below_micros=Micros(10_000_000), add_cents=2000, most_cents=5000,
        now=NOW, actor=payer,
    )  # fmt: skip
    cards.declines, cards.refuses["void"] = ["insufficient_funds"], [ProviderAway("503")]
    top_up_due(NOW)
    payment = Payment.objects.get()
    open_before = cards.payments[payment.id].present.state
    Tenant.objects.filter(id=shop.id).update(erasure_due_at=NOW)

    holdings.erase(tenant_id=shop.id, now=NOW)

    assert (payment.state, open_before) == ("failed", "failed")
    assert cards.payments[payment.id].present.state == "expired"


def test_a_refund_that_is_refused_waits_for_a_person(cards, ended):
    late = Payment.objects.get(state="begun")
    cards.pay(late.id)
    cards.refuses["pay_back"] = [ProviderRefused("The charge is disputed.")]

    holdings.erase(tenant_id=ended.id, now=NOW)

    (refused,) = refused_refunds()
    assert (refused.payment, refused.reason) == (late, "Refused: The charge is disputed.")
    cards.refund(late.id, 2000)  # staff do it in the dashboard
    follow(late.id, now=NOW)
    assert refused_refunds() == []


def test_a_refund_that_was_refused_before_needs_nobody_once_the_money_is_spent(cards, shop):
    payment = paid(cards, shop)
    cards.refuses["pay_back"] = [ProviderRefused("The charge is disputed.")]
    pay_back(payment, 5_000_000)
    adjust(tenant_id=shop.id, amount=Micros(-20_000_000), reason="spent", actor="test")

    Tenant.objects.filter(id=shop.id).update(erasure_due_at=NOW)

    assert refused_refunds() == []
