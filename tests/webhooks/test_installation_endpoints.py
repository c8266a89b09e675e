"""Endpoints of the house get events beside those of tenants, as one more tenant."""

from datetime import timedelta
from typing import Any

import pytest

from pictor.kit.words import ids
from tests.making.factories import PayingCustomer
from tests.webhooks.conftest import Receiver
from webhooks import installation_endpoints, outbox
from webhooks.models import Delivery, Event, WebhookEndpoint
from webhooks.rotation import rotate_encryption
from webhooks.selectors import due_deliveries, endpoints_of
from webhooks.services import send_test

SECRET = "whsec_" + "QUFB" * 8


@pytest.fixture
def ours(acme: PayingCustomer, receiver: Receiver) -> WebhookEndpoint:
    return installation_endpoints.open_endpoint(receiver.url, SECRET)


def told(endpoint: WebhookEndpoint, receiver: Receiver, **data: Any) -> Event:
    return installation_endpoints.queue_event(
        endpoint,
        event_type="alert.conditions",
        subject_id=ids.new_uuid(),
        at=receiver.now,
        data=data,
    )


def test_an_event_of_the_house_is_posted_and_belongs_to_no_tenant(ours, acme, receiver):
    told(ours, receiver, what="x")

    (outcome,) = receiver.work()

    assert outcome.status == 200
    assert receiver.received[0].body.endswith(b'"data":{"what":"x"}}')
    assert endpoints_of(acme.tenant.id) == []


def test_the_houses_deliveries_in_hand_are_limited_and_delay_no_tenant(
    ours, endpoint, receiver, monkeypatch
):
    monkeypatch.setattr(outbox, "OF_ONE_TENANT", 2)
    other = installation_endpoints.open_endpoint(f"{receiver.url}/2", SECRET)
    told(other, receiver)
    send_test(endpoint=endpoint, now=receiver.now)

    claimed = outbox.claim(now=receiver.now, limit=10, in_hand={ours.id: 2})
    later = outbox.claim(now=receiver.now, limit=10, in_hand={ours.id: 1})

    assert [one.endpoint_id for one in claimed] == [endpoint.id]
    assert [one.endpoint_id for one in later] == [other.id]


def test_deliveries_to_the_house_count_as_due(ours, receiver):
    told(ours, receiver)
    Delivery.objects.update(due_at=receiver.now - timedelta(days=365))

    assert due_deliveries().count == 1


def test_the_houses_secret_is_rotated_with_all_others(ours, settings):
    settings.ENCRYPTION_KEYS = [
        "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I=",
        *settings.ENCRYPTION_KEYS,
    ]

    assert rotate_encryption(actor="test").changed == 1


def test_an_abandoned_endpoint_is_not_tried_again(ours, receiver):
    told(ours, receiver)

    installation_endpoints.give_up(ours)

    assert (receiver.work(), Delivery.objects.get().state) == ([], "failed")


def test_another_url_begins_anew_and_one_that_is_closed_gets_nothing(ours, receiver):
    told(ours, receiver)
    WebhookEndpoint.objects.update(status="paused", failing_since=receiver.now)
    ours.refresh_from_db()
    installation_endpoints.change_endpoint(ours, url=f"{receiver.url}/2", secret="")
    told(ours, receiver)
    receiver.work()
    targets = [request.target for request in receiver.received]
    told(ours, receiver)
    installation_endpoints.close_endpoint(ours)

    assert (targets, receiver.work()) == (["/hook/2"], [])
