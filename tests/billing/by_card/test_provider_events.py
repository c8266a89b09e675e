"""Events of the provider: kept once, and handled once the payment is booked."""

from datetime import timedelta

import pytest

from billing.models import Payment, ProviderEvent
from billing.payments.port import Event, ProviderAway
from billing.selectors.office.balances import available_to
from billing.selectors.office.payments import unhandled_events
from billing.services.office import provider_events
from billing.services.office.payments import follow
from billing.services.office.provider_events import PULLED
from pictor.kit.words import ids
from tests.billing.by_card.conftest import NOW, begin, new_payer, new_shop

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("pooled_connections"),
]

SIGNED = {"signature": "right"}


@pytest.fixture
def shop():
    return new_shop(new_payer())


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(provider_events, "SECONDS_BETWEEN_LOOKS", 0)


def events() -> list[tuple[str, bool, bool]]:
    rows = ProviderEvent.objects.exclude(id=PULLED).order_by("created_at", "id")
    return [(event.type, event.rang, event.handled_at is not None) for event in rows]


def test_what_is_paid_is_credited_by_a_pulled_event(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)

    provider_events.pull(NOW)
    provider_events.handle(NOW)

    assert available_to(shop.id) == 20_000_000
    assert events() == [("checkout.session.completed", False, True)]


def test_an_event_that_rang_and_is_pulled_is_one(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)

    for _ in range(2):
        provider_events.ring(cards.happened[0].id.encode(), SIGNED)
        provider_events.pull(NOW)

    assert events() == [("checkout.session.completed", True, False)]


def test_a_bad_signature_keeps_nothing(cards, shop):
    begin(shop)

    with pytest.raises(ValueError, match="bad signature"):
        provider_events.ring(b"evt_1", {"signature": "wrong"})

    assert events() == []


def test_an_event_is_handled_only_once_its_payment_is_booked(cards, shop):
    """danny-avila/LibreChat #13812, frappe/payments #240: recorded first, and never credited."""
    payment = begin(shop)
    cards.pay(payment.id)
    provider_events.pull(NOW)
    cards.refuses["present"] = [ProviderAway("503")]
    provider_events.handle(NOW)
    event = ProviderEvent.objects.get(payment=payment)
    assert (event.handled_at, event.tries, event.trouble) == (None, 1, "ProviderAway: 503")
    assert unhandled_events(event.received_at + timedelta(minutes=6)) == [event]

    provider_events.handle(NOW + timedelta(seconds=9))
    assert available_to(shop.id) == 0
    provider_events.handle(NOW + timedelta(seconds=11))

    assert available_to(shop.id) == 20_000_000
    assert events() == [("checkout.session.completed", False, True)]


def test_a_payment_that_cannot_be_booked_does_not_stop_the_others(cards, shop):
    bad, good, other = begin(shop), begin(shop), begin(shop)
    for payment in (bad, good):
        cards.pay(payment.id)
    Payment.objects.filter(id=other.id).update(charge_id="ch_x")
    cards.payments[bad.id].present = cards.payments[bad.id].present.__class__(
        state="paid", live=False, subtotal_cents=2000, currency="usd", charge_id="ch_x"
    )
    provider_events.pull(NOW)

    provider_events.handle(NOW)

    assert available_to(shop.id) == 20_000_000
    assert [handled for _, _, handled in events()].count(True) == 1


def test_events_of_others_objects_and_of_the_other_mode_change_nothing(cards, shop):
    begin(shop)
    cards.happened += [
        Event("evt_a", "charge.refunded", NOW, live=False, payment_id=ids.new_uuid()),
        Event("evt_b", "charge.refunded", NOW, live=False, payment_intent_id="pi_theirs"),
        Event("evt_c", "charge.refunded", NOW, live=True),
    ]
    provider_events.pull(NOW)

    provider_events.handle(NOW)
    assert [handled for *_, handled in events()] == [False, False]
    provider_events.handle(NOW + timedelta(minutes=1))

    assert events() == [("charge.refunded", False, True), ("charge.refunded", False, True)]
    assert cards.calls["present"] == 0


def test_a_dispute_finds_its_payment_by_the_stored_id(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)
    stored = follow(payment.id, now=NOW).payment_intent_id or ""
    cards.happened.clear()
    cards.dispute(payment.id, 500)
    cards.happened[:] = [
        Event("evt_d", "charge.dispute.created", NOW, live=False, payment_intent_id=stored)
    ]

    provider_events.pull(NOW)
    provider_events.handle(NOW)

    assert available_to(shop.id) == 15_000_000


def test_an_event_that_comes_during_the_look_that_learns_its_payment_is_handled(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)

    def meanwhile() -> None:
        cards.dispute(payment.id, 500)
        intent = cards.payments[payment.id].present.payment_intent_id
        cards.happened[:] = [Event("evt_d", "x", NOW, live=False, payment_intent_id=intent)]
        provider_events.pull(NOW)

    cards.meanwhile["present"] = meanwhile
    follow(payment.id, now=NOW)
    assert available_to(shop.id) == 20_000_000

    provider_events.handle(NOW)

    assert available_to(shop.id) == 15_000_000
    assert ProviderEvent.objects.get(id="evt_d").payment == payment


def test_one_that_rings_after_a_pause_does_not_hide_those_before_it(cards, shop):
    payment = begin(shop)
    provider_events.pull(NOW)
    hours = [NOW + timedelta(hours=hour) for hour in range(4)]
    cards.happened += [
        Event("evt_missed", "x", hours[1], live=False, payment_id=payment.id),
        Event("evt_rings", "x", hours[3], live=False, payment_id=payment.id),
    ]
    provider_events.ring(b"evt_rings", SIGNED)

    provider_events.pull(hours[3])

    kept = ProviderEvent.objects.filter(payment=payment).order_by("id")
    assert list(kept.values_list("id", flat=True)) == ["evt_missed", "evt_rings"]


def test_the_first_pull_begins_with_the_first_payment(cards, shop):
    begin(shop)
    old, new = NOW - timedelta(minutes=11), NOW - timedelta(minutes=9)
    cards.happened += [
        Event("evt_old", "charge.refunded", old, live=False),
        Event("evt_new", "charge.refunded", new, live=False),
    ]

    provider_events.pull(NOW)

    kept = ProviderEvent.objects.exclude(id=PULLED)
    assert list(kept.values_list("id", flat=True)) == ["evt_new"]


def test_a_page_whose_answer_was_lost_is_learned_from_its_event(cards, shop):
    payment = begin(shop)
    Payment.objects.filter(id=payment.id).update(session_id=None)
    cards.happened.append(
        Event("evt_s", "x", NOW, live=False, payment_id=payment.id, session_id="cs_9")
    )
    provider_events.pull(NOW)

    provider_events.handle(NOW)

    assert Payment.objects.get().session_id == "cs_2"  # what the provider says comes last


def test_handled_events_are_forgotten_after_35_days(cards, shop):
    begin(shop)
    cards.happened.append(Event("evt_1", "x", NOW, live=False))
    provider_events.pull(NOW)
    provider_events.handle(NOW + timedelta(minutes=1))

    provider_events.forget(NOW + timedelta(days=35))
    assert len(events()) == 1
    provider_events.forget(NOW + timedelta(days=35, seconds=1))

    assert events() == []
