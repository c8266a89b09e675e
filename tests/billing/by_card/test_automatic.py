"""Automatic top-ups: when the card is charged, and why it is not."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent, Mail, Membership, Tenant
from billing.models import Payment, PaymentCustomer
from billing.payments.port import NO_CARD, Present, ProviderAway, ProviderRefused
from billing.selectors.office.balances import available_to
from billing.services.office import card_money
from billing.services.office.accounts import adjust, top_up
from billing.services.office.automatic import agree, stop, top_up_due
from billing.services.office.payments import follow
from pictor.kit.words.money import Micros
from tests.billing.by_card.conftest import NOW, new_shop, paid, pay_back
from webhooks.models import Event, WebhookEndpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def on(cards, shop, payer):
    """Below 10 USD add 20 USD, at most 50 USD a month; a card is saved."""
    agree(
        tenant_id=shop.id, below_micros=Micros(10_000_000), add_cents=2000, most_cents=5000,
        now=NOW, actor=payer,
    )  # fmt: skip
    return shop


def states() -> list[str]:
    return list(Payment.objects.order_by("begun_at").values_list("state", flat=True))


def paused() -> str:
    return PaymentCustomer.objects.get().paused_for


def spend_all(shop: Tenant) -> None:
    if available := available_to(shop.id):
        adjust(tenant_id=shop.id, amount=Micros(-available), reason="spent", actor="test")


def in_hours(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def test_below_the_threshold_the_card_is_charged_once(cards, on):
    top_up_due(NOW)
    top_up_due(in_hours(2))  # 20 USD are available now

    assert states() == ["paid"]
    assert available_to(on.id) == 20_000_000
    (mail,) = Mail.objects.all()
    assert "An automatic top-up of $20.00 was made" in mail.text


def test_it_is_made_once_an_hour_and_so_much_a_month(cards, on):
    for hours in (0, 0.99, 1.01, 2.1, 31 * 24):
        top_up_due(in_hours(hours))
        spend_all(on)

    begun = Payment.objects.order_by("begun_at").values_list("begun_at", flat=True)
    assert list(begun) == [NOW, in_hours(1.01), in_hours(31 * 24)]


def test_a_lost_answer_is_no_second_charge(cards, on):
    """akash-network/console #3449: a slow charge is tried again, and charged two or three times."""
    cards.loses["charge_saved_card"] = 2

    for minute in range(4):
        top_up_due(NOW + timedelta(minutes=minute))

    assert states() == ["paid"]
    assert len(cards.payments) == 1
    assert available_to(on.id) == 20_000_000


def test_a_charge_that_the_bank_wants_confirmed_waits_for_the_customer(cards, on):
    """akash-network/console #3809: it was tried again every hour."""
    cards.declines = ["authentication_required"]

    for hours in range(5):
        top_up_due(in_hours(hours))

    assert (states(), paused()) == (["begun"], "confirm")
    assert cards.calls["charge_saved_card"] == 1
    (mail,) = Mail.objects.all()
    assert "Automatic top-ups have stopped: the bank asks you to confirm." in mail.text
    assert "https://cards.example/invoice" in mail.text


def test_a_confirmed_invoice_is_credited(cards, on):
    cards.declines = ["authentication_required"]
    top_up_due(NOW)
    payment = Payment.objects.get()
    cards.pay(payment.id)

    follow(payment.id, now=in_hours(3))

    assert (states(), available_to(on.id)) == (["paid"], 20_000_000)


def test_a_card_that_fails_on_the_invoices_page_does_not_end_it(cards, on):
    cards.declines = ["authentication_required"]
    top_up_due(NOW)
    payment = Payment.objects.get()
    kept = cards.payments[payment.id]
    kept.present = replace(kept.present, declined="insufficient_funds", needs_customer=False)

    follow(payment.id, now=NOW)

    assert (states(), cards.calls["void"]) == (["begun"], 0)
    assert PaymentCustomer.objects.get().tries == 0


def test_an_invoice_that_nobody_pays_is_void_after_seven_days(cards, on):
    cards.declines = ["do_not_try_again"]
    top_up_due(NOW)
    payment = Payment.objects.get()
    assert (states(), paused()) == (["begun"], "declined")

    follow(payment.id, now=in_hours(7 * 24 - 1))
    assert cards.calls["void"] == 0
    follow(payment.id, now=in_hours(7 * 24))

    assert cards.payments[payment.id].present.state == "expired"
    assert states() == ["expired"]


def test_three_declines_pause_on_day_0_1_and_3(cards, on):
    cards.declines = ["insufficient_funds"] * 9

    for hours in range(0, 24 * 8, 2):
        top_up_due(in_hours(hours))

    begun = list(Payment.objects.order_by("begun_at").values_list("begun_at", flat=True))
    assert begun == [NOW, in_hours(24), in_hours(72)]
    assert (states(), paused()) == (["failed"] * 3, "declined")
    assert cards.calls["void"] == 3
    assert Mail.objects.count() == 3


def test_a_decline_counts_if_the_worker_dies_once_its_invoice_is_void(cards, on):
    cards.declines = ["insufficient_funds"]
    top_up_due(NOW)
    Payment.objects.update(state="begun", declined="", applied=0)
    PaymentCustomer.objects.update(tries=0, next_at=None)

    payment = follow(Payment.objects.get().id, now=NOW)

    assert cards.payments[payment.id].present.state == "expired"
    assert (payment.state, PaymentCustomer.objects.get().tries) == ("failed", 1)


def test_a_declined_card_is_not_tried_again_while_its_invoice_cannot_be_void(cards, on):
    cards.declines = ["insufficient_funds"]
    cards.refuses["void"] = [ProviderAway("503")] * 2

    for minute in range(3):
        top_up_due(NOW + timedelta(minutes=minute))

    assert (states(), cards.calls["charge_saved_card"]) == (["failed"], 1)
    with pytest.raises(ProviderAway):  # so its event comes again
        follow(Payment.objects.get().id, now=NOW)
    payment = follow(Payment.objects.get().id, now=NOW)
    assert cards.payments[payment.id].present.state == "expired"


def test_a_decline_after_it_was_stopped_promises_no_other_try(cards, on, payer):
    cards.loses["charge_saved_card"] = 1
    cards.declines = ["insufficient_funds"]
    top_up_due(NOW)
    stop(tenant_id=on.id, actor=payer)

    follow(Payment.objects.get().id, now=NOW)

    (mail,) = Mail.objects.all()
    assert "Nothing was charged." in mail.text
    assert "tried again" not in mail.text


def test_a_charge_that_waits_for_a_person_is_not_followed_by_another(cards, on):
    cards.loses["charge_saved_card"] = 1
    top_up_due(NOW)
    payment = Payment.objects.get()
    kept = cards.payments[payment.id]
    kept.present = replace(kept.present, currency="eur")
    follow(payment.id, now=NOW)

    top_up_due(in_hours(2))

    assert states() == ["person"]


def test_a_refusal_changes_nothing_once_a_look_has_found_it_paid(cards, on, monkeypatch):
    cards.loses["charge_saved_card"] = 1
    top_up_due(NOW)

    def card_is_gone(payment_id: UUID, **_: Any) -> Present:
        follow(payment_id, now=NOW)
        raise ProviderRefused("There is no saved card.", NO_CARD)

    monkeypatch.setattr(cards, "charge_saved_card", card_is_gone)
    top_up_due(NOW)

    assert (states(), paused()) == (["paid"], "")


def test_a_workspace_whose_charge_cannot_be_booked_keeps_no_other_waiting(cards, on, payer):
    other = new_shop(payer, "other")
    agree(
        tenant_id=other.id, below_micros=Micros(10_000_000), add_cents=2000, most_cents=5000,
        now=NOW, actor=payer,
    )  # fmt: skip
    cards.refuses["charge_saved_card"] = [ValueError("an answer that nobody foresaw")]

    top_up_due(NOW)

    assert sorted(states()) == ["begun", "paid"]


def test_webhooks_and_the_audit_log_say_why_it_failed(cards, on):
    endpoint = {"url": "https://shop.example/hook", "secret": "x", "livemode": True}
    WebhookEndpoint.objects.create(tenant=on, **endpoint)
    cards.declines = ["do_not_try_again"]

    top_up_due(NOW)

    (event,) = Event.objects.all()
    assert event.type == "balance.top_up_failed"
    assert '"reason":"declined"' in event.body
    (audit,) = AuditEvent.objects.filter(action="automatic.pause")
    assert (audit.actor_name, audit.after) == ("automatic top-ups", {"why": "declined"})


def test_without_a_card_it_rests(cards, on):
    cards.without_cards = True

    top_up_due(NOW)

    assert (states(), paused()) == (["failed"], "no_card")


def test_it_ends_with_the_member_who_agreed_also_while_enough_is_there(cards, on, payer):
    paid(cards, on)
    Membership.objects.filter(user=payer).update(role=Membership.Role.VIEWER)

    top_up_due(NOW)

    assert (states(), paused()) == (["paid"], "member_left")


def test_a_suspended_or_owing_workspace_is_not_charged(cards, on):
    Tenant.objects.filter(id=on.id).update(status="suspended")
    top_up_due(NOW)
    assert paused() == "suspended"
    Tenant.objects.filter(id=on.id).update(status="active")
    PaymentCustomer.objects.update(paused_for="")
    card = card_money.top_up(tenant_id=on.id, amount=Micros(1), line="a", reason="card")
    card_money.charge_back(
        tenant_id=on.id, top_up_seq=card.seq or 0, amount=Micros(5), line="b", reason="bank"
    )

    top_up_due(NOW)

    assert (states(), paused()) == ([], "owed")


@pytest.mark.parametrize(("kind", "why"), [("dispute", "disputed"), ("warning", "disputed")])
def test_a_dispute_pauses_it(cards, on, kind, why):
    payment = paid(cards, on)
    cards.dispute(payment.id, 100, kind=kind)

    follow(payment.id, now=NOW)

    assert paused() == why


def test_a_pay_back_that_waits_for_the_provider_is_not_topped_up_again(cards, on):
    payment = paid(cards, on)
    cards.refuses["pay_back"] = [ProviderAway("away")]
    pay_back(payment, 20_000_000)

    top_up_due(in_hours(2))

    assert (states(), paused()) == (["paid"], "paid_back")


def test_while_the_provider_is_away_nothing_is_lost(cards, on):
    cards.refuses["charge_saved_card"] = [ProviderAway("503")]

    top_up_due(NOW)
    assert states() == ["begun"]
    top_up_due(NOW + timedelta(minutes=1))

    assert states() == ["paid"]


def test_a_charge_without_an_answer_is_not_repeated_for_a_suspended_workspace(cards, on):
    cards.refuses["charge_saved_card"] = [ProviderAway("503")]
    top_up_due(NOW)
    Tenant.objects.filter(id=on.id).update(status="suspended")

    top_up_due(NOW + timedelta(minutes=1))

    assert (states(), paused()) == (["begun"], "suspended")


def test_a_charge_without_an_answer_is_not_repeated_once_another_amount_is_agreed(cards, on, payer):
    cards.refuses["charge_saved_card"] = [ProviderAway("503")]
    top_up_due(NOW)
    stop(tenant_id=on.id, actor=payer)
    agree(
        tenant_id=on.id, below_micros=Micros(5_000_000), add_cents=500, most_cents=500,
        now=NOW, actor=payer,
    )  # fmt: skip

    top_up_due(NOW + timedelta(minutes=1))

    assert (states(), available_to(on.id)) == (["begun"], 0)


def test_a_call_that_is_refused_is_a_declined_try(cards, on):
    cards.refuses["charge_saved_card"] = [ProviderRefused("too small", "amount_too_small")]

    top_up_due(NOW)

    payment = Payment.objects.get()
    assert (payment.state, payment.declined) == ("failed", "amount_too_small")
    assert PaymentCustomer.objects.get().tries == 1


def test_a_charge_without_an_answer_for_a_day_is_given_up(cards, on):
    cards.refuses["charge_saved_card"] = [ProviderAway("503")] * 3
    top_up_due(NOW)
    top_up_due(in_hours(22))
    payment = Payment.objects.get()

    top_up_due(in_hours(23))
    follow(payment.id, now=in_hours(23))

    assert cards.calls["charge_saved_card"] == 2
    assert states() == ["expired"]


def test_automatic_ones_count_in_the_first_week(cards, on):
    Tenant.objects.filter(id=on.id).update(created_at=NOW)
    paid(cards, on, cents=19_000)
    spend_all(on)

    top_up_due(NOW)

    assert states() == ["paid"]


def test_stopped_is_off(cards, on, payer):
    stop(tenant_id=on.id, actor=payer)

    top_up_due(NOW)

    assert states() == []
    agreed = AuditEvent.objects.get(action="automatic.agree").after or {}
    assert agreed["text"] == (
        "Whenever less than $10.00 is available, charge $20.00 to the saved card, at most $50.00 in"
        " a calendar month (UTC) and once an hour, until a member stops it. Tax may be added."
    )
    assert AuditEvent.objects.filter(action="automatic.stop").exists()


@pytest.mark.parametrize(
    ("below_add_most", "why"),
    [
        ((0, 2000, 5000), "at least as much"),
        ((20_010_000, 2000, 5000), "at least as much"),
        ((10_000_000, 2000, 1999), "at least one top-up"),
        ((1, 499, 5000), r"from \$5.00"),
    ],
)
@pytest.mark.usefixtures("cards")
def test_what_makes_no_sense_is_not_agreed_to(shop, payer, below_add_most, why):
    below, add, most = below_add_most

    with pytest.raises(ValidationError, match=why):
        agree(
            tenant_id=shop.id,
            below_micros=Micros(below),
            add_cents=add,
            most_cents=most,
            now=NOW,
            actor=payer,
        )


def test_a_month_allows_no_more_than_a_number_holds(cards, shop, payer):
    terms: Any = {"below_micros": Micros(1), "add_cents": 500, "now": NOW, "actor": payer}

    with pytest.raises(ValidationError, match=r"A month allows at most \$1,000,000.00"):
        agree(tenant_id=shop.id, most_cents=100_000_001, **terms)


def test_others_and_unconfirmed_members_cannot_agree(cards, shop, payer):
    terms: Any = {"below_micros": Micros(1), "add_cents": 500, "most_cents": 500, "now": NOW}
    with pytest.raises(ValidationError, match="A member who may pay"):
        agree(tenant_id=shop.id, actor="ann", **terms)
    payer.email_verified_at = None

    with pytest.raises(ValidationError, match="Confirm your e-mail"):
        agree(tenant_id=shop.id, actor=payer, **terms)


def test_enough_is_not_topped_up(cards, on):
    top_up(tenant_id=on.id, amount=Micros(10_000_000), reason="bank", actor="test")

    top_up_due(NOW)

    assert states() == []
