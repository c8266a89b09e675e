"""One payment's page: facts, money with its transfers, disputes and events."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import Payment, PaymentCustomer, Transfer
from billing.services.office.accounts import top_up
from pictor.kit.words.money import Micros
from tests.console.answers import said_by, words_of
from tests.making.factories import PayingCustomer
from tests.making.payment_rows import make_dispute, make_event, make_movement, make_payment

PAID_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def page_of(payment: Payment) -> str:
    return f"/ops/payments/{payment.pk}/"


@pytest.fixture
def payment(acme):
    return make_payment(
        acme.id, state="paid", begun_at=PAID_AT, paid_at=PAID_AT, amount_cents=2_380,
        tax_cents=380, fee_cents=99, fee_currency="eur", currency="usd", card_brand="visa",
        card_last4="4242", payment_intent_id="pi_1", charge_id="ch_1", invoice_id="in_1",
        invoice_number="A-7", invoice_url="https://invoice.example/7", top_up_seq=1,
    )  # fmt: skip


def test_the_facts_are_the_providers(owner, payment):
    page = owner.get(page_of(payment))
    words = said_by(page)

    assert str(payment.pk) in words
    for fact in (
        "Buys $20.00", "Charged $23.80", "Of that, tax $3.80", "fee 0.99 EUR", "Visa …4242",
        "Made by a member", "Begun 20 Nov 2026, 12:00:00 UTC", "for the customer A-7",
    ):  # fmt: skip
        assert fact in words
    html = words_of(page)
    assert 'href="https://dashboard.stripe.com/test/payments/pi_1">pi_1</a>' in html
    assert 'href="https://dashboard.stripe.com/test/invoices/in_1">in_1</a>' in html


def test_a_movement_leads_to_its_transfers(owner, acme, payment):
    booked = top_up(tenant_id=acme.id, amount=Micros(20_000_000), reason="card", actor="test")
    make_movement(payment, "charge", cents=2_380, seqs=[booked.seq], provider_id="ch_1")

    page = owner.get(page_of(payment))

    assert f"Charge ch_1 ● Done $23.80 $23.80 of balance Top-up {booked.seq}" in said_by(page)
    assert f'href="/ops/ledger/{Transfer.objects.get(seq=booked.seq).pk}/"' in words_of(page)


def test_a_dispute_leads_to_its_answer_and_to_what_was_made(owner, acme, payment):
    make_dispute(
        payment, reason="fraudulent", fee_cents=1_500, due_at=PAID_AT + timedelta(days=20),
        opened_at=PAID_AT + timedelta(days=9), link="https://provider.example/answer",
    )  # fmt: skip

    page = owner.get(page_of(payment))

    assert "Reason fraudulent Amount $20.00, fee $15.00" in said_by(page)
    assert "To be answered by 10 Dec 2026, 12:00 UTC" in said_by(page)
    assert 'href="https://provider.example/answer"' in words_of(page)
    made = f"?tenant={acme.tenant.public_id}&amp;period=2026-11-20..2026-11-29&amp;format=csv"
    assert f'href="/ops/generations/{made}"' in words_of(page)


def test_events_say_how_they_came_and_what_is_wrong(owner, payment):
    make_event(payment, "evt_1", age=timedelta(minutes=9), rang=False, trouble="away")

    words = said_by(owner.get(page_of(payment)))

    assert "charge.succeeded evt_1 a look each minute ◆ Not yet away" in words


def test_a_payment_for_a_person_says_why(owner, acme):
    payment = make_payment(acme.id, state="person", person_why="1 EUR was paid")

    assert "Nothing is credited: 1 EUR was paid." in said_by(owner.get(page_of(payment)))


def test_the_tenants_page_has_its_last_payments(owner, acme, payment):
    make_payment(PayingCustomer("zoo").id, cents=7_700)

    words = said_by(owner.get(f"/ops/tenants/{acme.tenant.public_id}/"))

    assert "Payments by card $20.00 ● Paid 20 Nov 2026, 12:00:00 UTC All its payments" in words
    assert "$77.00" not in words


def test_the_tenants_page_says_why_automatic_top_ups_rest(owner, acme, payment):
    page = f"/ops/tenants/{acme.tenant.public_id}/"
    off = said_by(owner.get(page))
    PaymentCustomer.objects.create(
        tenant=acme.tenant, consented_at=PAID_AT, paused_for=PaymentCustomer.Pause.DECLINED
    )

    assert "Automatic top-ups are off." in off
    assert "Automatic top-ups are paused: The card was declined." in said_by(owner.get(page))
