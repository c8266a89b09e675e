"""Events that Stripe lists, and those that it posts."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from billing.payments.port import Event
from pictor.kit.words import clock
from tests.billing.payments.asking import PAYMENT, checkout, paid, provider
from tests.fakes.card_provider import SECRET
from tests.fakes.stripe_calls import signed

MINUTE = timedelta(minutes=1)


def listed() -> list[Event]:
    return list(provider().events(clock.now() - MINUTE))


def posted(**changed: Any) -> str:
    """An event as it is posted, about a refund."""
    refund = {"object": "refund", "id": "re_1", "payment_intent": "pi_1", "charge": "ch_1"}
    facts = {
        "id": "evt_1",
        "object": "event",
        "type": "refund.updated",
        "created": 1_790_000_000,
        "livemode": False,
        "data": {"object": refund},
    }
    return json.dumps(facts | changed)


def test_events_are_listed_oldest_first_with_what_they_are_about(cards):
    payment = paid(cards)
    cards.door("refund", charge=payment.charge_id, amount=100)
    cards.door("dispute", charge=payment.charge_id, amount=100)
    cards.door("warn", charge=payment.charge_id)

    events = listed()

    about = {event.type: event for event in events}
    session, invoice = about["checkout.session.completed"], about["invoice.paid"]
    assert (session.session_id, session.payment_id) == (payment.session_id, PAYMENT)
    assert (invoice.invoice_id, invoice.payment_id) == (payment.invoice_id, PAYMENT)
    for kind in ("refund.created", "charge.dispute.created", "radar.early_fraud_warning.created"):
        assert about[kind].charge_id == payment.charge_id
        assert about[kind].payment_intent_id == payment.payment_intent_id
    assert [event.created_at for event in events] == sorted(event.created_at for event in events)
    assert not any(event.live for event in events)
    assert events[-1].type == "radar.early_fraud_warning.created"


def test_more_than_a_page_of_events_is_listed(cards):
    payment = paid(cards)
    for _ in range(102):
        cards.door("refund", charge=payment.charge_id, amount=1)

    events = [event for event in listed() if event.type == "refund.created"]

    assert len({event.id for event in events}) == 102


def test_an_expired_page_is_told(cards):
    page = provider().begin(checkout())
    provider().end(page.session_id)

    told = [event for event in listed() if event.type == "checkout.session.expired"]

    assert [(event.session_id, event.payment_id) for event in told] == [(page.session_id, PAYMENT)]


def test_a_posted_event_is_read(cards):
    body = posted()

    event = provider().event_of(body.encode(), signed(body, secret=SECRET))

    assert event is not None
    assert (event.id, event.type, event.live) == ("evt_1", "refund.updated", False)
    assert (event.payment_intent_id, event.charge_id) == ("pi_1", "ch_1")
    assert event.payment_id is None


def test_each_secret_of_a_rotation_is_accepted(cards, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_" + "new" * 8, SECRET]
    body = posted()

    assert provider().event_of(body.encode(), signed(body, secret=SECRET)) is not None


def test_an_event_of_another_kind_is_none_of_ours(cards):
    body = posted(type="payout.paid")

    assert provider().event_of(body.encode(), signed(body, secret=SECRET)) is None


@pytest.mark.parametrize(
    "changed", [{"stripe-signature": "t=1,v1=é"}, {"stripe-signature": "v1=2"}, {}]
)
def test_a_bad_signature_is_refused(cards, changed):
    with pytest.raises(ValueError, match="no event of the provider's"):
        provider().event_of(posted().encode(), changed)


def test_an_event_signed_with_another_secret_is_refused(cards):
    body = posted()

    with pytest.raises(ValueError, match="SignatureVerificationError"):
        provider().event_of(body.encode(), signed(body, secret="whsec_" + "other" * 5))


def test_an_old_event_is_refused(cards):
    body = posted()
    stale = signed(body, secret=SECRET, at=int(time.time()) - 301)

    with pytest.raises(ValueError, match="SignatureVerificationError"):
        provider().event_of(body.encode(), stale)


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        "[]",
        "null",
        "{}",
        '{"object": "v2.core.event"}',
        posted(data={"object": None}),
        posted(created="soon"),
    ],
)
def test_a_body_that_is_no_event_is_refused_though_it_is_signed(cards, body):
    with pytest.raises(ValueError, match="no event of the provider's"):
        provider().event_of(body.encode(), signed(body, secret=SECRET))


def test_a_body_that_is_no_text_is_refused(cards):
    with pytest.raises(ValueError, match="UnicodeDecodeError"):
        provider().event_of(b"\xff\xfe", {"stripe-signature": "t=1,v1=2"})


def test_without_a_secret_no_event_is_believed(cards, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    body = posted()

    with pytest.raises(ValueError, match="no secret"):
        provider().event_of(body.encode(), signed(body, secret=SECRET))
