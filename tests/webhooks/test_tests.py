"""Events for test endpoints count in a test key's bytes of the day."""

from datetime import timedelta

import pytest

from accounts.rates.daily_bytes import count_test_command
from generation.lifecycle.settlement import cancel
from pictor.kit.redis.client import send
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer
from tests.webhooks.conftest import Receiver, endpoint_of
from webhooks.models import Delivery, DeliveryAttempt

pytestmark = pytest.mark.usefixtures("pooled_connections")
MIDNIGHT = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
NOON = MIDNIGHT + timedelta(hours=12)


@pytest.fixture
def at_noon(monkeypatch, receiver):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    receiver.now = NOON + timedelta(minutes=2)


def deliver_event(customer: PayingCustomer, receiver: Receiver) -> None:
    """Make an event about a new generation of the customer's, and try to deliver it once."""
    cancel(generation=customer.generation(), now=clock.now())
    (delivery,) = receiver.claimed()
    receiver.carried(delivery)


def test_once_the_day_of_tests_is_used_up_their_events_wait_for_the_next(
    acme, receiver, settings, at_noon
):
    endpoint_of(acme, receiver.url, livemode=False)
    tester = acme.tester()
    settings.TEST_BYTES_PER_DAY = 8 * 1024 + 2 * 1024
    deliver_event(tester, receiver)
    # the second is admitted, and its event not delivered
    send(count_test_command(acme.id, -8 * 1024, now=NOON))

    deliver_event(tester, receiver)

    assert len(receiver.received) == 1
    assert DeliveryAttempt.objects.count() == 1
    (waiting,) = Delivery.objects.filter(state="pending")
    assert waiting.due_at == MIDNIGHT + timedelta(days=1)
    assert waiting.tries == 0


def test_live_events_are_told_all_the_same(acme, receiver, settings, at_noon):
    endpoint_of(acme, receiver.url)
    settings.TEST_BYTES_PER_DAY = 1
    send(count_test_command(acme.id, 1, now=NOON))

    deliver_event(acme, receiver)

    assert Delivery.objects.get().state == "delivered"
