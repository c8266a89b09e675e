"""Money that leaves a payment again: paid back, refunded elsewhere, disputed, reinstated."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Mail, Tenant
from billing.models import PaymentDispute, TenantBalance
from billing.payments.port import Movement, PayBack, ProviderAway, ProviderRefused
from billing.selectors.office.balances import available_to, statement
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.payments import left_of_payment
from billing.services.office.accounts import adjust
from billing.services.office.pay_backs import pay_back_whole, send_waiting
from billing.services.office.payments import follow
from pictor.kit.words import ids
from pictor.kit.words.money import Micros
from tests.billing.by_card.conftest import NOW, begin, paid, pay_back

pytestmark = pytest.mark.django_db


def spend(shop: Tenant, micros: int) -> None:
    adjust(tenant_id=shop.id, amount=Micros(-micros), reason="spent", actor="test")


def moves(shop: Tenant) -> list[tuple[str, int]]:
    return [(move.kind, move.amount) for move in statement(shop.id)]


def owed_by(shop: Tenant) -> int:
    return TenantBalance.objects.get(tenant_id=shop.id).owed


def test_a_pay_back_is_set_aside_asked_for_and_booked(cards, shop):
    payment = paid(cards, shop)

    pay_back(payment, 5_000_000)

    assert moves(shop)[1:] == [("pay_back", 5_000_000), ("paid_back", 5_000_000)]
    refund = payment.movements.get(kind="refund")
    assert (refund.state, refund.cents, refund.micros, refund.seqs) == (
        "done",
        500,
        5_000_000,
        [2, 3],
    )
    assert left_of_payment(payment) == available_to(shop.id) == 15_000_000
    subjects = sorted(mail.subject for mail in Mail.objects.all())
    assert subjects == ["shop: $20.00 was added", "shop: $5.00 was paid back"]
    assert ledger_findings() == []


def test_a_form_sent_twice_pays_back_once(cards, shop):
    payment, once = paid(cards, shop), ids.new_uuid()

    for _ in range(2):
        pay_back(payment, 5_000_000, once=once)

    assert cards.calls["pay_back"] == 1
    assert available_to(shop.id) == 15_000_000


def test_tax_goes_back_with_what_it_was_charged_for(cards, shop):
    payment = paid(cards, shop, cents=2000, tax=380)

    pay_back(payment, 10_000_000)
    with pytest.raises(ValidationError, match=r"\$1.226891 is the nearest amount"):
        pay_back(payment, 1_230_000)
    pay_back(payment, 1_226_891)
    pay_back(payment, 8_773_109)

    refunds = payment.movements.filter(kind="refund").order_by("at", "cents")
    assert sorted(refund.cents for refund in refunds) == [146, 1044, 1190]
    assert (left_of_payment(payment), available_to(shop.id)) == (0, 0)


def test_no_more_is_paid_back_than_is_left_and_available(cards, shop):
    payment = paid(cards, shop)
    spend(shop, 8_000_000)

    with pytest.raises(ValidationError, match=r"at most \$12.00 can be paid back now"):
        pay_back(payment, 12_010_000)
    payment.top_up_seq = 2
    with pytest.raises(ValidationError, match="transfer 2 was not paid by card"):
        pay_back(payment, 1_000_000)

    assert cards.calls["pay_back"] == 0


def test_while_the_provider_is_away_the_same_is_asked_again(cards, shop):
    payment = paid(cards, shop)
    cards.refuses["pay_back"] = [ProviderAway("429"), ProviderAway("reset")]

    pay_back(payment, 5_000_000)
    key = payment.movements.get(kind="refund").key
    for _ in range(2):
        send_waiting(NOW)

    refund = payment.movements.get(kind="refund")
    assert (refund.state, refund.key) == ("done", key)
    assert moves(shop)[1:] == [("pay_back", 5_000_000), ("paid_back", 5_000_000)]


def test_a_lost_answer_is_asked_for_again_by_the_same_key(cards, shop):
    payment = paid(cards, shop)
    cards.loses["pay_back"] = 1

    pay_back(payment, 5_000_000)
    first = payment.movements.get(kind="refund")
    send_waiting(NOW)

    refund = payment.movements.get(kind="refund")
    assert (first.state, refund.state, refund.key) == ("asked", "done", first.key)
    assert (cards.calls["pay_back"], cards.calls["paid_back"]) == (2, 0)
    assert len(cards.payments[payment.id].movements) == 1


def test_a_replayed_failure_is_asked_anew_once_it_is_looked_up(cards, shop):
    payment = paid(cards, shop)
    cards.breaks["pay_back"] = 1

    pay_back(payment, 5_000_000)
    first = payment.movements.get(kind="refund").key
    send_waiting(NOW)

    refund = payment.movements.get(kind="refund")
    assert refund.state == "done"
    assert refund.key != first
    assert cards.calls["paid_back"] == 1


def test_an_old_key_is_not_used_again(cards, shop):
    payment = paid(cards, shop)
    cards.refuses["pay_back"] = [ProviderAway("away")]
    pay_back(payment, 5_000_000)
    first = payment.movements.get(kind="refund").key

    send_waiting(NOW + timedelta(days=400))

    assert payment.movements.get(kind="refund").key != first
    assert cards.calls["paid_back"] == 1


def test_a_refused_pay_back_is_available_again_with_its_reason(cards, shop):
    payment = paid(cards, shop)
    cards.refuses["pay_back"] = [ProviderRefused("the charge is disputed", "charge_disputed")]

    pay_back(payment, 5_000_000)

    refund = payment.movements.get(kind="refund")
    assert (refund.state, refund.reason) == ("failed", "Refused: the charge is disputed")
    assert moves(shop)[1:] == [("pay_back", 5_000_000), ("pay_back_fail", 5_000_000)]
    assert available_to(shop.id) == left_of_payment(payment) == 20_000_000


def test_a_pay_back_may_fail_weeks_after_it_was_done(cards, shop):
    payment = paid(cards, shop)
    pay_back(payment, 5_000_000)
    refund = payment.movements.get(kind="refund")
    cards.settle(payment.id, refund.provider_id, "failed")

    for _ in range(2):
        follow(payment.id, now=NOW + timedelta(days=20))

    assert [kind for kind, _ in moves(shop)[1:]] == ["pay_back", "paid_back", "pay_back_fail"]
    assert available_to(shop.id) == left_of_payment(payment) == 20_000_000
    assert ledger_findings() == []


def test_an_answer_that_a_look_has_overtaken_moves_nothing(cards, shop, monkeypatch):
    payment, asked = paid(cards, shop), cards.pay_back

    def slow(wanted: PayBack) -> Movement:
        made: Movement = asked(wanted)
        cards.settle(payment.id, made.provider_id, "failed")
        follow(payment.id, now=NOW)
        return made

    monkeypatch.setattr(cards, "pay_back", slow)

    pay_back(payment, 5_000_000)

    assert payment.movements.get(kind="refund").state == "failed"
    assert available_to(shop.id) == 20_000_000


def test_a_refund_in_the_dashboard_takes_what_is_there_and_the_rest_is_owed(cards, shop):
    payment = paid(cards, shop)
    spend(shop, 15_000_000)
    refund = cards.refund(payment.id, 1200)
    follow(payment.id, now=NOW)
    assert (available_to(shop.id), owed_by(shop)) == (0, 7_000_000)
    subjects = sorted(mail.subject for mail in Mail.objects.all())
    assert subjects == [
        "shop: $12.00 was paid back",
        "shop: $20.00 was added",
        "shop: generations have stopped",
    ]

    cards.settle(payment.id, refund, "failed")
    follow(payment.id, now=NOW)

    assert (available_to(shop.id), owed_by(shop)) == (5_000_000, 0)
    assert left_of_payment(payment) == 20_000_000
    assert ledger_findings() == []


def test_a_won_dispute_gives_back_exactly_what_it_took(cards, shop):
    """elizaOS/eliza #10920, #10997, #11155, #31449: too little, or in the wrong unit."""
    payment = paid(cards, shop, cents=1000, tax=333)
    spend(shop, 9_000_000)
    dispute = cards.dispute(payment.id, 777)
    follow(payment.id, now=NOW)
    assert (available_to(shop.id), owed_by(shop)) == (0, 4_828_957)  # 5_828_957 of 10 USD

    cards.reinstate(payment.id, dispute, 777)
    for _ in range(2):
        follow(payment.id, now=NOW)

    assert (available_to(shop.id), owed_by(shop)) == (1_000_000, 0)
    assert left_of_payment(payment) == 10_000_000
    assert ledger_findings() == []


def test_a_dispute_may_withdraw_twice_and_come_back_at_once(cards, shop):
    payment = paid(cards, shop)
    dispute = cards.dispute(payment.id, 500)
    cards.withdraw(payment.id, dispute, 700)
    follow(payment.id, now=NOW)
    assert available_to(shop.id) == 8_000_000

    cards.reinstate(payment.id, dispute, 1200)
    follow(payment.id, now=NOW)

    assert available_to(shop.id) == left_of_payment(payment) == 20_000_000
    assert ledger_findings() == []


def test_a_pay_back_and_a_dispute_of_one_payment(cards, shop):
    payment = paid(cards, shop)
    pay_back(payment, 20_000_000)
    dispute = cards.dispute(payment.id, 2000)
    follow(payment.id, now=NOW)
    assert (owed_by(shop), left_of_payment(payment)) == (20_000_000, -20_000_000)

    cards.reinstate(payment.id, dispute, 2000)
    follow(payment.id, now=NOW)

    assert (owed_by(shop), available_to(shop.id), left_of_payment(payment)) == (0, 0, 0)
    assert ledger_findings() == []


def test_an_inquiry_moves_no_money(cards, shop):
    payment = paid(cards, shop)
    cards.dispute(payment.id, 2000, kind="inquiry")

    follow(payment.id, now=NOW)

    assert PaymentDispute.objects.get().kind == "inquiry"
    assert available_to(shop.id) == 20_000_000


@pytest.mark.parametrize(("below", "left"), [(20_000_001, 0), (20_000_000, 20_000_000)])
def test_a_warned_payment_below_an_amount_is_paid_back_whole(cards, shop, settings, below, left):
    settings.STRIPE_REFUND_WARNED_BELOW = below
    payment = paid(cards, shop)
    spend(shop, 3_000_000)
    cards.dispute(payment.id, 2000, kind="warning")

    for _ in range(2):
        follow(payment.id, now=NOW)
        send_waiting(NOW)

    assert left_of_payment(payment) == left
    assert owed_by(shop) == (0 if left else 3_000_000)
    assert ledger_findings() == []


def test_staff_pay_a_warned_payment_back_whole_once(cards, shop):
    payment = paid(cards, shop)
    pay_back_whole(payment_id=payment.id, reason="warned", now=NOW, actor="ann")

    with pytest.raises(ValidationError, match="Nothing is left"):
        pay_back_whole(payment_id=payment.id, reason="warned", now=NOW, actor="ann")
    send_waiting(NOW)

    assert (available_to(shop.id), left_of_payment(payment)) == (0, 0)


def test_an_erased_workspaces_payment_goes_back_by_itself(cards, shop):
    payment = begin(shop)
    Tenant.objects.filter(id=shop.id).update(erasure_due_at=NOW)
    cards.pay(payment.id)

    for _ in range(2):
        follow(payment.id, now=NOW)
        send_waiting(NOW)

    assert moves(shop) == [("top_up", 20_000_000), ("chargeback", 20_000_000)]
    assert cards.calls["pay_back"] == 1


def test_a_payment_for_a_person_is_over_once_it_is_paid_back_whole(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id, subtotal_cents=5)
    cards.refund(payment.id, 500)
    payment = follow(payment.id, now=NOW)
    assert (payment.state, moves(shop)) == ("person", [])

    pay_back_whole(payment_id=payment.id, reason="not what was asked", now=NOW, actor="ann")
    send_waiting(NOW)

    assert sorted(one.cents for one in payment.movements.all()) == [500, 1500]
    assert follow(payment.id, now=NOW).state == "failed"
    assert moves(shop) == []


def test_a_refused_pay_back_of_a_payment_for_a_person_is_not_asked_for_again(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id, subtotal_cents=5)
    follow(payment.id, now=NOW)
    cards.refuses["pay_back"] = [ProviderRefused("the charge is disputed", "charge_disputed")]
    pay_back_whole(payment_id=payment.id, reason="not what was asked", now=NOW, actor="ann")

    for _ in range(2):
        send_waiting(NOW)

    refund = payment.movements.get()
    assert (refund.state, refund.reason) == ("failed", "Refused: the charge is disputed")
    assert cards.calls["pay_back"] == 1


def test_a_payment_waits_for_a_person_again_if_its_pay_back_fails_late(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id, subtotal_cents=5)
    refund = cards.refund(payment.id, 2000)
    assert follow(payment.id, now=NOW).state == "failed"

    cards.settle(payment.id, refund, "failed")

    assert follow(payment.id, now=NOW).state == "person"
    assert follow(payment.id, now=NOW).state == "person"


def test_a_pay_back_that_cannot_be_booked_keeps_no_other_waiting(cards, shop):
    one, two = paid(cards, shop), paid(cards, shop)
    cards.refuses["pay_back"] = [ProviderAway("away"), ProviderAway("away"), ProviderAway("away")]
    for payment in (one, two):
        pay_back(payment, 20_000_000)
    cards.refuses["pay_back"] = [ValueError("an answer that nobody foresaw")]

    send_waiting(NOW)

    states = sorted(payment.movements.get(kind="refund").state for payment in (one, two))
    assert states == ["asked", "done"]


def test_an_inquiry_that_becomes_a_dispute_is_mailed(cards, shop):
    payment = paid(cards, shop)
    name = cards.dispute(payment.id, 500, kind="inquiry")
    follow(payment.id, now=NOW)
    disputes = cards.payments[payment.id].disputes
    disputes[name] = replace(disputes[name], kind="dispute")

    for _ in range(2):
        follow(payment.id, now=NOW)

    subjects = [mail.subject for mail in Mail.objects.all()]
    assert subjects.count("shop: a payment was disputed") == 1


def test_a_round_ends_once_three_calls_went_unanswered(cards, shop):
    """Each takes half a minute while the provider hangs, and events wait for the round's end."""
    payments = [paid(cards, shop) for _ in range(5)]
    cards.refuses["pay_back"] = [ProviderAway("away")] * 30
    for payment in payments:
        pay_back(payment, 20_000_000)
    before = cards.calls["pay_back"]

    send_waiting(NOW)

    assert cards.calls["pay_back"] - before == 3
