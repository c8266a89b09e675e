"""Payments by hand: begun once for each form, and booked once by what the provider says."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Mail, Tenant
from billing.models import Payment, PaymentMovement
from billing.payments.port import ProviderAway, ProviderUnsure
from billing.selectors.office.balances import available_to, statement
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.payments import top_up_room
from billing.services.office.payments import NotCharged, follow, follow_begun
from billing.tasks import follow_all
from pictor.kit.words import ids
from tests.billing.by_card.conftest import NOW, begin, paid

pytestmark = pytest.mark.django_db


def test_what_is_paid_is_credited_once(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)

    looks = [follow(payment.id, now=NOW) for _ in range(3)]

    assert [look.state for look in looks] == ["paid", "paid", "paid"]
    assert available_to(shop.id) == 20_000_000
    assert [(move.kind, move.amount) for move in statement(shop.id)] == [("top_up", 20_000_000)]
    charge = PaymentMovement.objects.get()
    assert (charge.kind, charge.cents, charge.micros, charge.seqs) == (
        "charge",
        2000,
        20_000_000,
        [1],
    )
    assert ledger_findings() == []


def test_payers_are_mailed_what_was_added(cards, shop):
    paid(cards, shop)

    mail = Mail.objects.get()

    assert (mail.to, mail.subject) == ("pia@shop.example", "shop: $20.00 was added")
    assert f"https://pictor.example/console/{shop.public_id}/billing/" in mail.text


def test_the_same_form_twice_is_one_payment_with_one_page(cards, shop):
    once = ids.new_uuid()

    payments = [begin(shop, once=once) for _ in range(2)]

    assert payments[0].id == payments[1].id
    assert payments[0].page_url == payments[1].page_url == "https://cards.example/pay/cs_2"
    assert cards.calls["begin"] == 1


def test_a_lost_answer_gets_the_same_page_by_the_same_form(cards, shop):
    """akash-network/console #3449: a slow charge that is tried again is no second one."""
    once = ids.new_uuid()
    cards.loses["begin"] = 1

    with pytest.raises(NotCharged, match="You were not charged"):
        begin(shop, once=once)
    payment = begin(shop, once=once)

    assert payment.page_url == "https://cards.example/pay/cs_2"
    assert len(cards.payments) == Payment.objects.count() == 1


def test_a_form_without_a_page_is_a_new_payment_after_five_minutes(cards, shop):
    once = ids.new_uuid()
    cards.refuses["begin"] = [ProviderAway("away")]
    with pytest.raises(NotCharged):
        begin(shop, once=once)

    begin(shop, once=once, now=NOW + timedelta(minutes=6))

    old, new = Payment.objects.order_by("begun_at")
    assert (old.id, old.page_url) == (once, "")
    assert new.page_url
    assert new.expires_at == NOW + timedelta(minutes=41)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"subtotal_cents": 1999}, "$19.99 was paid, and $20.00 was asked for."),
        ({"currency": "eur"}, "It was paid in EUR, and asked for in USD."),
        ({"live": True}, "It was paid in the provider's other mode, test or live."),
    ],
)
def test_what_was_not_asked_for_credits_nothing_and_waits_for_a_person(cards, shop, facts, why):
    payment = begin(shop)
    cards.pay(payment.id, **facts)

    payment = follow(payment.id, now=NOW)

    assert (payment.state, payment.person_why) == ("person", why)
    assert available_to(shop.id) == 0


def test_a_suspended_workspace_is_credited(cards, shop):
    """purelymail #86: charged, and then refused by a cap."""
    payment = begin(shop)
    Tenant.objects.filter(id=shop.id).update(status="suspended")
    cards.pay(payment.id)

    follow(payment.id, now=NOW)

    assert available_to(shop.id) == 20_000_000


def test_an_overtaken_look_changes_nothing(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)
    follow(payment.id, now=NOW)
    cards.meanwhile["present"] = lambda: (
        cards.refund(payment.id, 500),
        follow(payment.id, now=NOW),
        None,
    )[-1]

    late = follow(payment.id, now=NOW)  # its answer has no refund

    assert late.movements.get(kind="refund").state == "done"
    assert (late.looks, late.applied) == (3, 3)
    assert available_to(shop.id) == 15_000_000


def test_a_payment_that_nobody_paid_expires(cards, shop):
    payment = begin(shop)
    cards.end(payment.session_id)

    assert follow(payment.id, now=NOW).state == "expired"


def test_what_the_provider_never_knew_expires(cards, shop):
    once = ids.new_uuid()
    cards.refuses["begin"] = [ProviderUnsure("500")]
    with pytest.raises(NotCharged):
        begin(shop, once=once)

    states = [follow(once, now=NOW + timedelta(minutes=minutes)).state for minutes in (34, 35)]

    assert states == ["begun", "expired"]


@pytest.mark.parametrize(("cents", "most"), [(499, "1,000"), (100_001, "1,000")])
def test_amounts_have_limits(cards, shop, cents, most):
    with pytest.raises(ValidationError, match=rf"from \$5.00 to \${most}.00"):
        begin(shop, cents=cents)


def test_a_new_workspace_pays_so_much_in_its_first_week(cards, shop):
    Tenant.objects.filter(id=shop.id).update(created_at=NOW - timedelta(days=6))
    begin(shop, cents=15_000)

    with pytest.raises(ValidationError, match=r"\$200 by card in all; \$50 of it is left"):
        begin(shop, cents=5_001)

    begin(shop, cents=5_000)
    with pytest.raises(ValidationError, match="Until 2 December this workspace"):
        begin(shop, cents=500)


def test_five_pages_are_open_at_most(cards, shop):
    for _ in range(5):
        begin(shop)

    with pytest.raises(ValidationError, match="Five payments are open"):
        begin(shop)

    begin(shop, now=NOW + timedelta(minutes=36))


def test_an_unconfirmed_address_cannot_pay(cards, shop, payer):
    payer.email_verified_at = None

    with pytest.raises(ValidationError, match="Confirm your e-mail address"):
        begin(shop, payer)


def test_a_network_begins_ten_payments_an_hour(cards, shop, payer):
    for number in range(10):
        at = NOW + timedelta(hours=number)
        begin(shop, payer, ip="2001:db8::1", now=at)

    with pytest.raises(ValidationError, match="from your network"):
        begin(shop, payer, ip="2001:db8::2", now=NOW + timedelta(hours=10))


def test_a_payment_that_cannot_be_looked_at_keeps_no_other_waiting(cards, shop):
    bad, good = begin(shop), begin(shop)
    for payment in (bad, good):
        cards.pay(payment.id)
    cards.refuses["present"] = [ValueError("an answer that nobody foresaw")]

    follow_begun(NOW + timedelta(minutes=11))

    states = Payment.objects.order_by("state").values_list("state", flat=True)
    assert list(states) == ["begun", "paid"]


def test_a_look_without_an_answer_is_logged_by_its_name(cards, shop, caplog):
    payment = begin(shop)
    cards.refuses["present"] = [ProviderAway("503")]

    follow_begun(NOW + timedelta(minutes=11))

    assert caplog.messages == [f"follow {payment.id} waits: ProviderAway: 503"]


def test_a_step_of_the_minutes_work_that_fails_stops_none_after_it(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)
    cards.refuses["events"] = [ValueError("an answer that nobody foresaw")]

    follow_all(now=NOW + timedelta(minutes=11))

    assert Payment.objects.get().state == "paid"


def test_a_page_that_failed_to_open_counts_as_none(cards, shop):
    cards.refuses["begin"] = [ProviderAway("503") for _ in range(10)]
    for minutes in range(10):
        with pytest.raises(NotCharged):
            begin(shop, now=NOW + timedelta(minutes=minutes))

    payment = begin(shop, now=NOW + timedelta(minutes=10))

    assert payment.page_url == "https://cards.example/pay/cs_2"


def test_a_page_that_failed_to_open_takes_nothing_of_the_first_week(cards, shop):
    Tenant.objects.filter(id=shop.id).update(created_at=NOW)
    cards.refuses["begin"] = [ProviderAway("503")]
    with pytest.raises(NotCharged):
        begin(shop, cents=20_000)

    assert top_up_room(shop.id, NOW).most == 0  # it may be opening
    assert top_up_room(shop.id, NOW + timedelta(minutes=1)).most == 20_000
