"""Events reach the customer's server, signed, with one id and body, at least once."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from standardwebhooks import Webhook

from accounts.models import AuditEvent, Mail, Membership
from accounts.services.office.members import add_member
from accounts.services.office.people import create_user
from billing.pricing import PricedRequest
from billing.selectors import table_of
from billing.selectors.office.ledger import ledger_findings
from generation.background.reaper import reap
from generation.lifecycle.settlement import cancel, settle_and_tell, settle_unheard
from generation.models import Generation
from generation.tenants import forgetting
from pictor.kit.bytes.spool import Spools
from pictor.kit.database.loop_connections import LentConnection, LoopConnections
from pictor.kit.outbound.http import HttpPool, LookUpsBusy
from pictor.kit.words import clock
from tests.fakes.raw_server import drips, hangs, says, sends
from tests.making.factories import PayingCustomer, make_delivery, make_worker, stored_images, take
from tests.webhooks.conftest import Receiver, endpoint_of
from webhooks import outbox, sending
from webhooks.announcing import announce
from webhooks.models import Delivery, DeliveryAttempt, Event, WebhookEndpoint
from webhooks.sender import Sender
from webhooks.services import send_test

pytestmark = pytest.mark.django_db


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sending, "ATTEMPT_SECONDS", 1.0)


def canceled(customer: PayingCustomer) -> Generation:
    generation = customer.generation()
    assert cancel(generation=generation, now=clock.now())
    return generation


def settled(customer: PayingCustomer, receiver: Receiver, spools: Spools) -> Generation:
    claim = take(generation_id=customer.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, spools)
    images = stored_images(claim, delivery)
    assert settle_and_tell(claim=claim, delivery=delivery, stored=images, now=receiver.now)
    return claim.generation


def state() -> str:
    return Delivery.objects.get().state


@pytest.mark.usefixtures("pooled_connections")
def test_a_settlement_that_nobody_is_told_of_is_one_statement(
    acme, receiver, spools, django_assert_num_queries, monkeypatch
):
    lend, lent = LoopConnections.lend, []

    async def noted(connections: LoopConnections) -> LentConnection:
        lent.append(await lend(connections))
        return lent[-1]

    monkeypatch.setattr(LoopConnections, "lend", noted)
    claim = take(generation_id=acme.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, spools)
    images = stored_images(claim, delivery)
    table_of(PricedRequest.from_json(claim.generation.priced).books)  # like any later settlement

    with django_assert_num_queries(0):
        settling = settle_unheard(
            claim=claim, delivery=delivery, stored=images, at=lambda: receiver.now
        )
        assert asyncio.run(settling)

    assert len(lent) == 1


def test_a_settled_generation_is_told_signed(acme, receiver, spools):
    _, secret = endpoint_of(acme, receiver.url)
    generation = settled(acme, receiver, spools)

    (outcome,) = receiver.work()

    (request,) = receiver.received
    told = Webhook(secret).verify(request.body, request.headers)
    assert (outcome.status, outcome.answer) == (200, "ok")
    assert (request.method, request.target) == ("POST", "/hook")
    assert request.headers["webhook-id"] == Event.objects.get().public_id
    assert request.headers["content-type"] == "application/json"
    assert told["type"] == "generation.succeeded"
    assert told["data"]["id"] == generation.public_id
    assert (told["data"]["status"], told["data"]["captured"]) == ("succeeded", "0.052680")
    assert told["data"]["result"]["data"] == [{}]
    assert (state(), receiver.work()) == ("delivered", [])


@pytest.mark.usefixtures("endpoint")
def test_every_way_a_generation_ends_is_told(acme, receiver, spools):
    settled(acme, receiver, spools)
    canceled(acme)
    acme.generation()
    Generation.objects.filter(state="queued").update(deadline_at=clock.now())
    reap(now=clock.now())

    receiver.work()

    told = [json.loads(request.body) for request in receiver.received]
    assert sorted((one["type"], one["data"]["status"]) for one in told) == [
        ("generation.canceled", "canceled"),
        ("generation.failed", "failed"),
        ("generation.succeeded", "succeeded"),
    ]
    assert ledger_findings() == []


def test_a_tenant_without_endpoints_pays_one_look(
    acme, django_assert_num_queries, prepared_statements
):
    generation = acme.generation()
    prepared_statements.clear()

    with transaction.atomic(), django_assert_num_queries(0):
        announce(
            tenant_id=acme.id,
            livemode=True,
            event_type="generation.failed",
            subject_id=generation.id,
            at=clock.now(),
        )

    assert len(prepared_statements) == 1
    assert not Event.objects.exists()


def test_nobody_else_s_endpoint_is_told(acme, receiver, endpoint):
    other = PayingCustomer("other")
    canceled(other)

    assert receiver.work() == []
    assert not Event.objects.exists()


def test_an_endpoint_is_told_of_what_it_wants(acme, receiver):
    endpoint_of(acme, receiver.url, events=["generation.failed"])
    canceled(acme)

    assert receiver.work() == []


def test_an_endpoint_is_told_only_of_its_mode(acme, receiver):
    tester = acme.tester()
    live, _ = endpoint_of(acme, receiver.url)
    test, _ = endpoint_of(acme, receiver.url, livemode=False)
    for customer in (acme, tester):
        canceled(customer)
    for endpoint in (live, test):
        send_test(endpoint=endpoint, now=receiver.now)
    receiver.work()

    told = Delivery.objects.values_list("endpoint_id", "event__type", "event__body")
    assert sorted((of, kind, json.loads(body)["data"]["livemode"]) for of, kind, body in told) == [
        (live.id, "generation.canceled", True),
        (live.id, "webhook.test", True),
        (test.id, "generation.canceled", False),
        (test.id, "webhook.test", False),
    ]


def test_a_rolled_back_event_is_not_sent(acme, receiver, endpoint):
    with transaction.atomic():
        canceled(acme)
        transaction.set_rollback(True)

    assert not Event.objects.exists()


def test_a_failure_is_tried_again_as_promised_then_given_up(acme, receiver, endpoint):
    receiver.answers(says(b"later", status=503))
    canceled(acme)

    waits = (6, 18, 72, 360, 2160, 8640, 34_560, 103_680)
    for wait in waits:
        assert [outcome.status for outcome in receiver.work()] == [503]
        assert receiver.work() == []
        receiver.later(seconds=wait)
    assert [outcome.status for outcome in receiver.work()] == [503]

    assert state() == "failed"
    receiver.later(days=2)
    assert receiver.work() == []
    sent = {(one.headers["webhook-id"], one.body) for one in receiver.received}
    assert (len(sent), len(receiver.received)) == (1, 9)
    stamps = [int(one.headers["webhook-timestamp"]) for one in receiver.received]
    assert stamps == sorted(set(stamps))
    assert DeliveryAttempt.objects.filter(http_status=503, answer="later").count() == 9


@pytest.mark.parametrize(
    ("script", "status", "error"),
    [
        (says(b"", status=302, headers={"Location": "http://127.0.0.1:1/"}), 302, ""),
        (hangs, None, "no answer in time"),
        (sends(b"", then_reset=True), None, "the connection broke"),
        (sends(b"no HTTP\r\n\r\n"), None, "the connection broke"),
    ],
    ids=["redirect", "hang", "reset", "rubbish"],
)
@pytest.mark.usefixtures("impatient", "endpoint")
def test_an_answer_other_than_2xx_is_a_failure(acme, receiver, script, status, error):
    receiver.answers(script)
    canceled(acme)

    (outcome,) = receiver.work()

    assert (outcome.status, outcome.error) == (status, error)
    assert (state(), len(receiver.received)) == ("pending", 1)
    assert WebhookEndpoint.objects.get().failing_since == receiver.now


def test_a_delivery_to_a_private_address_fails_with_that_reason(acme, receiver, endpoint):
    WebhookEndpoint.objects.update(url="http://127.0.0.1:1/")
    canceled(acme)

    (outcome,) = receiver.work()

    assert outcome.error == "the url leads to an address that is not called"


def test_the_first_64_kb_of_a_long_answer_are_kept(acme, receiver, endpoint):
    receiver.answers(says(b"\x00" + b"x" * 10 * 1024**2))
    canceled(acme)

    receiver.work()

    assert state() == "delivered"
    kept = DeliveryAttempt.objects.get().answer
    assert (len(kept), kept[:2]) == (64 * 1024, "\ufffdx")


@pytest.mark.usefixtures("impatient", "endpoint")
def test_a_dripping_answer_is_taken_by_its_head(acme, receiver):
    receiver.answers(drips)
    canceled(acme)

    (outcome,) = receiver.work()

    assert (outcome.status, state()) == (200, "delivered")


def test_410_disables_the_endpoint(acme, receiver, endpoint):
    receiver.answers(says(b"", status=410))
    canceled(acme)
    canceled(acme)

    receiver.work()
    receiver.later(days=1)

    endpoint.refresh_from_db()
    assert endpoint.status == "disabled"
    assert (receiver.work(), len(receiver.received)) == ([], 2)
    (event,) = AuditEvent.objects.filter(action="webhook_endpoint.disable")
    assert event.after == {"status": "disabled", "why": "it answered 410 Gone"}
    assert not Mail.objects.exists()


def test_after_five_days_of_failure_it_is_paused_and_its_chiefs_get_a_mail(
    acme, receiver, endpoint
):
    for role in ("owner", "admin", "developer"):
        person = create_user(email=f"{role}@example.com", password=None, actor="test")
        add_member(tenant=acme.tenant, user=person, role=Membership.Role(role), actor="test")
    receiver.answers(says(b"", status=500))
    for _ in range(2):
        canceled(acme)
        receiver.later(days=5)
        receiver.work()
    receiver.later(days=1)

    endpoint.refresh_from_db()
    assert endpoint.status == "paused"
    assert receiver.work() == []
    assert sorted(mail.to for mail in Mail.objects.all()) == [
        "admin@example.com",
        "owner@example.com",
    ]
    mail = Mail.objects.get(to="owner@example.com")
    assert mail.subject == "A webhook endpoint of acme is paused"
    assert endpoint.public_id in mail.text


def test_a_success_ends_the_count_of_days(acme, receiver, endpoint):
    receiver.answers(says(b"", status=500))
    canceled(acme)
    receiver.work()
    receiver.answers(says(b""))
    receiver.later(seconds=10)
    receiver.work()
    receiver.answers(says(b"", status=500))
    canceled(acme)
    receiver.later(days=5)
    receiver.work()

    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.failing_since) == ("enabled", receiver.now)


def test_a_sender_that_died_is_followed_by_another_with_the_same_body(acme, receiver, endpoint):
    canceled(acme)
    (delivery,) = receiver.claimed()
    receiver.sent(delivery)  # and it dies before it has written that down
    forgetting.forget(Generation.objects.get(), now=receiver.now)

    receiver.later(seconds=59)
    assert receiver.work() == []
    receiver.later(seconds=2)
    receiver.work()

    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert state() == "delivered"


def test_a_body_does_not_change_when_the_images_are_deleted(acme, receiver, endpoint, spools):
    generation = settled(acme, receiver, spools)
    generation.refresh_from_db()
    forgetting.forget_words([generation.id], now=receiver.now)
    Generation.objects.update(deleted_at=receiver.now)

    receiver.work()

    (request,) = receiver.received
    assert json.loads(request.body)["data"]["status"] == "succeeded"


def test_the_oldest_event_begins_first(acme, receiver, endpoint):
    made = [canceled(acme).public_id for _ in range(12)]

    while receiver.work():
        pass

    assert [json.loads(one.body)["data"]["id"] for one in receiver.received] == made


def test_a_failing_endpoint_gets_one_at_a_time_and_delays_nobody(acme, receiver, endpoint):
    other = PayingCustomer("other")
    endpoint_of(other, receiver.url)
    for _ in range(20):
        canceled(acme)
    canceled(other)

    both = outbox.claim(now=receiver.now, limit=2, in_hand={})
    assert len({delivery.endpoint_id for delivery in both}) == 2
    more = outbox.claim(now=receiver.now, limit=100, in_hand={})
    assert len(more) == 8
    full = outbox.claim(now=receiver.now, limit=100, in_hand={endpoint.id: 8})
    assert full == []
    WebhookEndpoint.objects.filter(id=endpoint.id).update(failing_since=receiver.now)
    assert len(outbox.claim(now=receiver.now, limit=100, in_hand={})) == 1
    assert outbox.claim(now=receiver.now, limit=100, in_hand={endpoint.id: 1}) == []


def test_a_tenant_of_many_slow_servers_keeps_no_other_tenant_waiting(acme, receiver, endpoint):
    slow = [endpoint, *(endpoint_of(acme, receiver.url)[0] for _ in range(3))]
    for _ in range(9):
        canceled(acme)
    other = PayingCustomer("other")
    theirs, _ = endpoint_of(other, receiver.url)
    canceled(other)
    in_hand = {one.id: 4 for one in slow}

    (first,) = outbox.claim(now=receiver.now, limit=1, in_hand=in_hand)
    rest = outbox.claim(now=receiver.now, limit=100, in_hand=in_hand)

    assert first.endpoint_id == theirs.id
    assert len(rest) == outbox.OF_ONE_TENANT - 16
    assert outbox.claim(now=receiver.now, limit=100, in_hand={one.id: 5 for one in slow}) == []


def test_a_fault_of_ours_is_a_try_too(receiver, endpoint, acme, monkeypatch):
    def broken(**_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("webhooks.sending.signing.headers_of", broken)
    canceled(acme)
    (delivery,) = receiver.claimed()

    outcome = asyncio.run(Sender(HttpPool())._attempt(delivery))  # noqa: SLF001 - its loop has no other way in
    outbox.write_down(delivery=delivery, outcome=outcome, now=receiver.now)

    assert DeliveryAttempt.objects.get().error == "it could not be sent"
    assert Delivery.objects.get().due_at > receiver.now


def test_a_delivery_without_a_turn_for_its_look_up_has_not_failed(
    receiver, endpoint, acme, monkeypatch
):
    async def busy(*_: object, **__: object) -> outbox.DeliveryOutcome:
        raise LookUpsBusy("others are looked up")

    written: list[dict[str, Any]] = []
    monkeypatch.setattr("webhooks.sender.send", busy)
    monkeypatch.setattr(outbox, "write_down", lambda **known: written.append(known))
    canceled(acme)
    (delivery,) = receiver.claimed()
    sender = Sender(HttpPool())
    sender._in_hand[delivery.endpoint_id] = 1  # noqa: SLF001 - as its look begins one

    asyncio.run(sender._deliver(delivery))  # noqa: SLF001 - its loop has no other way in

    assert written == []
    receiver.later(minutes=2)
    assert [one.delivery_id for one in receiver.claimed()] == [delivery.delivery_id]


def test_a_secret_that_no_key_opens_stops_nobody_else(acme, receiver, endpoint):
    broken, _ = endpoint_of(acme, receiver.url)
    WebhookEndpoint.objects.filter(id=broken.id).update(secret="gAAAAA-from-elsewhere")
    canceled(acme)

    (outcome,) = receiver.work()

    assert outcome.status == 200
    assert Delivery.objects.get(endpoint=broken).state == "pending"


def test_a_private_address_is_not_called(acme, receiver, endpoint):
    canceled(acme)
    (delivery,) = receiver.claimed()

    async def attempt() -> list[outbox.DeliveryOutcome]:
        http = HttpPool(resolve=lambda host, port: ["10.0.0.1"])
        try:
            deliveries = [
                outbox.HeldDelivery(**{**fields(delivery), "url": url})
                for url in ("https://rebound.example.com/", "https://127.0.0.1/", delivery.url)
            ]
            return [await sending.send(one, http=http, at=receiver.now) for one in deliveries]
        finally:
            await http.aclose()

    outcomes = asyncio.run(attempt())

    assert {outcome.error for outcome in outcomes} == {
        "the url leads to an address that is not called"
    }
    assert receiver.received == []


def fields(delivery: outbox.HeldDelivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in delivery.__slots__}


def test_only_beginnings_are_kept_of_an_endpoints_many_long_answers(acme, receiver, endpoint):
    canceled(acme)
    (delivery,) = receiver.claimed()
    long = outbox.DeliveryOutcome(
        began_at=receiver.now, took=timedelta(), status=500, answer="x" * 64 * 1024
    )
    tomorrow = receiver.now + timedelta(days=1)

    for now in (*[receiver.now] * 65, tomorrow):
        outbox.write_down(delivery=delivery, outcome=long, now=now)
    short = replace(long, answer="no")
    outbox.write_down(delivery=delivery, outcome=short, now=receiver.now)

    kept = [len(one.answer) for one in DeliveryAttempt.objects.order_by("id")]
    assert kept == [*[64 * 1024] * 64, 1000, 64 * 1024, 2]
