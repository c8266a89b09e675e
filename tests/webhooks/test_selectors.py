"""Pending deliveries of all tenants, as senders read them."""

from datetime import timedelta

import pytest

from generation.lifecycle.settlement import cancel
from pictor.kit.words import clock
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.selectors import due_deliveries

pytestmark = pytest.mark.django_db


@pytest.fixture
def deliveries(acme, endpoint):
    """Three pending deliveries."""
    for generation in [acme.generation() for _ in range(3)]:
        cancel(generation=generation, now=clock.now())
    return list(Delivery.objects.order_by("id"))


def due_at(delivery: Delivery, **ago: float) -> None:
    Delivery.objects.filter(id=delivery.id).update(due_at=clock.now() - timedelta(**ago))


def test_due_deliveries_are_counted_with_the_delay_of_the_first(deliveries):
    early, late, tomorrow = deliveries
    due_at(early, seconds=70)
    due_at(late, seconds=5)
    due_at(tomorrow, days=-1)

    due = due_deliveries()

    assert due.count == 2
    assert 70 <= due.overdue_seconds < 100


@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_deliveries_of_a_stopped_endpoint_are_not_late(deliveries, status):
    for delivery in deliveries:
        due_at(delivery, days=1)
    WebhookEndpoint.objects.update(status=status)

    due = due_deliveries()

    assert (due.count, due.overdue_seconds) == (0, 0)
