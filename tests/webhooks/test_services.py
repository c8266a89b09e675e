"""Endpoints are made, changed and deleted with audit events; secrets are never readable."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from generation.lifecycle.settlement import cancel
from pictor.kit.secrets.encryption import decrypted
from pictor.kit.words import clock
from pictor.kit.words.errors import Unavailable
from tests.fakes.raw_server import says
from tests.making.factories import PayingCustomer
from tests.webhooks.conftest import endpoint_of
from webhooks import holdings, outbox
from webhooks.addresses import check_url
from webhooks.forgetting import forget_old
from webhooks.models import EVENTS, Delivery, DeliveryAttempt, Event, WebhookEndpoint
from webhooks.rotation import rotate_encryption
from webhooks.selectors import endpoint_by_id, records_of
from webhooks.services import (
    EndpointValues,
    change_endpoint,
    delete_endpoint,
    resend,
    resend_since,
    rotate_secret,
    send_test,
)

pytestmark = [pytest.mark.django_db, pytest.mark.quick]


def canceled(customer: PayingCustomer) -> None:
    cancel(generation=customer.generation(), now=clock.now())


def test_a_secret_is_stored_encrypted(acme, receiver):
    endpoint, secret = endpoint_of(acme, receiver.url)

    stored = WebhookEndpoint.objects.get().secret
    assert secret.startswith("whsec_")
    assert decrypted(stored) == secret
    assert secret not in stored
    assert secret not in str(list(AuditEvent.objects.values()))
    assert endpoint_by_id(endpoint.public_id, tenant_id=PayingCustomer("other").id) is None


def test_a_change_is_recorded_without_a_url_s_query(acme, receiver, endpoint):
    wishes = EndpointValues(f"{receiver.url}?token=hidden", ["generation.failed"], is_enabled=False)

    for _ in range(2):
        change_endpoint(endpoint=endpoint, values=wishes, actor="test")

    (event,) = AuditEvent.objects.filter(action="webhook_endpoint.change")
    assert event.before == {
        "url": receiver.url,
        "livemode": True,
        "events": None,
        "status": "enabled",
    }
    assert event.after == {
        "url": f"{receiver.url}?…",
        "livemode": True,
        "events": ["generation.failed"],
        "status": "disabled",
    }


def test_changes_of_two_fields_at_once_both_last(acme, receiver, endpoint):
    read_before = WebhookEndpoint.objects.get(id=endpoint.id)
    moved = EndpointValues(f"{receiver.url}/new", is_enabled=None)
    narrowed = EndpointValues(read_before.url, ["generation.failed"], is_enabled=None)

    change_endpoint(endpoint=endpoint, values=moved, actor="test")
    change_endpoint(endpoint=read_before, values=narrowed, actor="test")

    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events) == (f"{receiver.url}/new", ["generation.failed"])


def test_a_test_endpoint_is_not_made_for_what_it_is_never_told_of(acme, receiver):
    made, _ = endpoint_of(acme, receiver.url, livemode=False, events=list(EVENTS))

    for events in (["balance.low"], ["budget.threshold"], ["balance.low", "budget.threshold"]):
        with pytest.raises(ValidationError, match="test keys move no money"):
            endpoint_of(acme, receiver.url, livemode=False, events=events)
    values = EndpointValues(made.url, ["balance.low"])
    with pytest.raises(ValidationError, match="test keys move no money"):
        change_endpoint(endpoint=made, values=values, actor="test")
    live, _ = endpoint_of(acme, receiver.url, events=["balance.low"])
    assert live.events == ["balance.low"]


def test_an_endpoint_enabled_again_has_a_clean_slate(acme, receiver, endpoint):
    WebhookEndpoint.objects.update(status="paused", failing_since=receiver.now)
    endpoint.refresh_from_db()

    change_endpoint(endpoint=endpoint, values=EndpointValues(receiver.url), actor="test")

    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.failing_since) == ("enabled", None)


def test_a_paused_endpoint_stays_so_when_something_else_changes(acme, receiver, endpoint):
    WebhookEndpoint.objects.update(status="paused")
    endpoint.refresh_from_db()
    wishes = EndpointValues(receiver.url, ["generation.failed"], is_enabled=None)

    change_endpoint(endpoint=endpoint, values=wishes, actor="test")

    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.events) == ("paused", ["generation.failed"])


def test_a_paused_endpoint_is_disabled(acme, receiver, endpoint):
    WebhookEndpoint.objects.update(status="paused", failing_since=receiver.now)
    endpoint.refresh_from_db()
    wishes = EndpointValues(receiver.url, is_enabled=False)

    change_endpoint(endpoint=endpoint, values=wishes, actor="test")

    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.failing_since) == ("disabled", None)


def test_the_former_secret_signs_until_its_time(acme, receiver, endpoint):
    rotate_secret(endpoint=endpoint, overlap=timedelta(hours=1), now=receiver.now, actor="test")
    signatures = []
    for _ in range(2):
        canceled(acme)
        receiver.later(minutes=59)
        receiver.work()
        signatures.append(receiver.received[-1].headers["webhook-signature"].split())

    assert [len(signature) for signature in signatures] == [2, 1]


def test_an_endpoint_deleted_meanwhile_is_neither_changed_nor_rotated(acme, receiver, endpoint):
    by = {"actor": "test"}
    delete_endpoint(endpoint=WebhookEndpoint.objects.get(id=endpoint.id), **by)

    with pytest.raises(WebhookEndpoint.DoesNotExist):
        change_endpoint(
            endpoint=endpoint, values=EndpointValues(receiver.url, is_enabled=False), **by
        )
    with pytest.raises(WebhookEndpoint.DoesNotExist):
        rotate_secret(endpoint=endpoint, overlap=timedelta(hours=1), now=receiver.now, **by)

    actions = AuditEvent.objects.filter(object_id=endpoint.public_id).values_list("action")
    assert {action for (action,) in actions} == {
        "webhook_endpoint.create",
        "webhook_endpoint.delete",
    }


def test_no_secret_ends_before_its_time(acme, receiver, endpoint):
    def rotate(minutes: int) -> None:
        at = receiver.now + timedelta(minutes=minutes)
        rotate_secret(endpoint=endpoint, overlap=timedelta(hours=1), now=at, actor="test")

    rotate(0)
    first = (endpoint.secret, endpoint.previous_secret)

    with pytest.raises(ValidationError, match='at once, rotate with the overlap "0"'):
        rotate(59)
    endpoint.refresh_from_db()
    meanwhile = (endpoint.secret, endpoint.previous_secret)
    rotate(61)

    assert meanwhile == first
    assert endpoint.previous_secret == first[0]


def test_without_an_overlap_the_former_secret_is_gone(acme, endpoint):
    for overlap in (timedelta(hours=1), timedelta()):
        rotate_secret(endpoint=endpoint, overlap=overlap, now=clock.now(), actor="test")

    endpoint.refresh_from_db()
    assert (endpoint.previous_secret, endpoint.previous_until) == ("", None)


def test_sent_again_it_has_all_its_tries_anew(acme, receiver, endpoint):
    receiver.answers(says(b"", status=500))
    canceled(acme)
    Delivery.objects.update(tries=8)
    receiver.work()
    delivery = Delivery.objects.get()
    assert delivery.state == "failed"

    resend(endpoint=endpoint, delivery=delivery, now=receiver.now)
    receiver.work()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 1)
    first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


def test_all_that_was_missed_is_sent_and_nothing_twice(acme, receiver, endpoint):
    canceled(acme)
    receiver.work()
    canceled(acme)
    Delivery.objects.filter(state="pending").update(state="failed")
    change_endpoint(
        endpoint=endpoint, values=EndpointValues(receiver.url, is_enabled=False), actor="test"
    )
    canceled(acme)
    change_endpoint(endpoint=endpoint, values=EndpointValues(receiver.url), actor="test")

    hour = timedelta(hours=1)
    tomorrow = resend_since(endpoint=endpoint, since=receiver.now + hour, now=receiver.now)
    resent = resend_since(endpoint=endpoint, since=receiver.now - hour, now=receiver.now)
    receiver.work()

    assert (tomorrow, resent, len(receiver.received)) == (0, 2, 3)
    assert {one.state for one in Delivery.objects.all()} == {"delivered"}
    (record,) = records_of(acme.id).values()
    assert record.share == 1.0


def test_missed_events_are_resent_by_the_endpoints_mode(acme, receiver, endpoint):
    test, _ = endpoint_of(acme, receiver.url, livemode=False)
    canceled(acme.tester())
    Delivery.objects.all().delete()

    hour = timedelta(hours=1)
    resent = [
        resend_since(endpoint=one, since=receiver.now - hour, now=receiver.now)
        for one in (endpoint, test)
    ]

    assert resent == [0, 1]


def test_nothing_is_begun_at_one_that_is_off(acme, receiver, endpoint):
    endpoint.status = "paused"

    with pytest.raises(ValidationError, match="paused: enable it first"):
        send_test(endpoint=endpoint, now=receiver.now)
    with pytest.raises(ValidationError, match="paused: enable it first"):
        resend_since(endpoint=endpoint, since=receiver.now, now=receiver.now)


def test_a_deleted_endpoint_is_sent_nothing_and_its_deliveries_go(acme, receiver, endpoint):
    canceled(acme)
    for _ in range(2):
        delete_endpoint(endpoint=endpoint, actor="test")

    assert receiver.work() == []
    forget_old(now=receiver.now)
    assert not Delivery.objects.exists()
    assert AuditEvent.objects.filter(action="webhook_endpoint.delete").count() == 1


def test_a_delivery_resent_while_on_its_way_is_sent_twice(acme, receiver, endpoint):
    canceled(acme)
    (delivery,) = receiver.claimed()
    outcome = receiver.sent(delivery)

    resend(endpoint=endpoint, delivery=Delivery.objects.get(), now=receiver.now)
    outbox.write_down(delivery=delivery, outcome=outcome, now=receiver.now)
    outbox.put_off(delivery=delivery, now=receiver.now)
    receiver.work()

    assert len(receiver.received) == 2
    assert (Delivery.objects.get().state, DeliveryAttempt.objects.count()) == ("delivered", 2)


def test_attempts_and_what_they_were_about_go_after_30_days(acme, receiver, endpoint):
    canceled(acme)
    receiver.work()
    delivery = Delivery.objects.get()
    receiver.later(days=29)
    resend(endpoint=endpoint, delivery=delivery, now=receiver.now)
    receiver.work()

    receiver.later(days=2)
    forget_old(now=receiver.now)
    assert DeliveryAttempt.objects.count() == 1
    receiver.later(days=29)
    forget_old(now=receiver.now)

    assert not DeliveryAttempt.objects.exists()
    assert not Delivery.objects.exists()
    assert not Event.objects.exists()
    assert WebhookEndpoint.objects.exists()


def test_deliveries_of_test_endpoints_are_forgotten_within_a_day(acme, receiver, endpoint):
    test, _ = endpoint_of(acme, receiver.url, livemode=False)
    canceled(acme)
    canceled(acme.tester())
    send_test(endpoint=test, now=receiver.now)
    receiver.work()
    receiver.answers(says(b"later", status=503))
    canceled(acme.tester())
    receiver.work()

    receiver.later(hours=22)
    forget_old(now=receiver.now)
    early = Delivery.objects.filter(endpoint=test).count()
    receiver.later(hours=2)
    forget_old(now=receiver.now)

    assert early == 3
    (left,) = Delivery.objects.all()
    assert left.endpoint_id == endpoint.id
    assert list(Event.objects.values_list("livemode", flat=True)) == [True]
    assert DeliveryAttempt.objects.count() == 1


def test_a_tenant_s_webhooks_are_handed_out_without_secrets_and_erased(acme, receiver, endpoint):
    receiver.answers(says(b"Ann was here"))
    canceled(acme)
    receiver.work()
    other = PayingCustomer("other")
    endpoint_of(other, receiver.url)

    handed_out = {name: list(rows) for name, rows in holdings.tables(acme.id)}
    holdings.erase(tenant_id=acme.id, now=receiver.now)

    assert {name: len(rows) for name, rows in handed_out.items()} == {
        "webhook_endpoints": 1,
        "webhook_events": 1,
        "webhook_deliveries": 1,
        "webhook_attempts": 1,
    }
    assert endpoint.secret not in json.dumps(handed_out, default=str)
    assert not any(list(rows) for _, rows in holdings.tables(acme.id))
    assert WebhookEndpoint.objects.get().tenant_id == other.id
    assert not DeliveryAttempt.objects.exists()


def test_afterwards_the_old_encryption_key_can_go(acme, receiver, settings):
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.ENCRYPTION_KEYS = [old]
    endpoint, former = endpoint_of(acme, receiver.url)
    secret = rotate_secret(
        endpoint=endpoint, overlap=timedelta(hours=1), now=clock.now(), actor="test"
    )
    settings.ENCRYPTION_KEYS = [new, old]

    changed = [rotate_encryption(actor="test").changed for _ in range(2)]

    settings.ENCRYPTION_KEYS = [new]
    endpoint.refresh_from_db()
    assert changed == [1, 0]
    assert decrypted(endpoint.secret) == secret
    assert decrypted(endpoint.previous_secret) == former
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert rotate_encryption(actor="test").unreadable == [endpoint.public_id]


def test_a_name_with_only_public_addresses_is_taken(monkeypatch):
    monkeypatch.setattr("pictor.kit.outbound.egress.resolve", lambda host, port: ["1.1.1.1"])

    check_url("https://hooks.example.com/")


@pytest.mark.parametrize("answers", [["1.1.1.1", "10.0.0.1"], ["::ffff:127.0.0.1"], []], ids=str)
def test_every_address_of_a_name_must_be_public(monkeypatch, answers):
    monkeypatch.setattr("pictor.kit.outbound.egress.resolve", lambda host, port: answers)

    with pytest.raises(ValidationError, match="only to public addresses"):
        check_url("https://hooks.example.com/")


def test_names_that_never_resolve_keep_two_threads_and_no_more(monkeypatch):
    asked, never = threading.Semaphore(0), threading.Event()

    def hang(host, port):
        asked.release()
        never.wait(30)
        return []

    monkeypatch.setattr("pictor.kit.outbound.egress.resolve", hang)
    with ThreadPoolExecutor(2) as others:
        hanging = [others.submit(check_url, "https://slow.example.com/") for _ in range(2)]
        assert all(asked.acquire(timeout=30) for _ in hanging)

        with pytest.raises(Unavailable):
            check_url("https://hooks.example.com/")

        never.set()
        assert all(isinstance(one.exception(30), ValidationError) for one in hanging)
