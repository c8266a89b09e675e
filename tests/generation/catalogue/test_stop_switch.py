"""The stop switch: stopped work is neither admitted nor claimed until it is started again."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit_log import audit_events_of
from accounts.models import AuditEvent
from generation import pipeline
from generation.admission.quoting import quoted_order
from generation.background import reaper
from generation.background.queued import waiting
from generation.background.slots import Room
from generation.catalogue.services.stop_switch import start, stop, stoppable
from generation.catalogue.snapshot import catalogue_at
from generation.dispatch.service import Dispatcher
from generation.lifecycle.claims import claim_quarantined
from generation.lifecycle.notify import Ring
from generation.models import Attempt, Generation, Stop
from generation.oversight import watch
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.words import clock
from pictor.kit.words.errors import NotFound, Paused
from tests.accounts.conftest import until_waiting
from tests.billing.conftest import alone
from tests.making.factories import ORIGIN, PayingCustomer, make_channel, open_gate, queued_as

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

PRO = "gpt-image-2-pro"
ROOM = Room(0, live=100, tests=10)
WHOLE = (10_000_000, 0)


@pytest.fixture
def pro(channel: object) -> None:
    """A channel that serves another model."""
    make_channel("two", PRO)


def stopped(what: str, **words: Any) -> Stop:
    told = {"reason": "a vendor's bill", "actor": "Ann", "now": clock.now(), **words}
    return stop(what=stoppable(what), **told)


def started(what: str) -> None:
    start(what=stoppable(what), now=clock.now(), actor="Ann")


def takes(customer: PayingCustomer, model: str = ORIGIN) -> bool:
    """True if a request of the customer's is admitted."""
    try:
        return customer.submit(model=model, quality="low").is_new
    except Paused:
        return False


@pytest.mark.parametrize(
    ("what", "taken"),
    [
        ("all", [False, False, False, False]),
        (ORIGIN, [False, True, False, True]),
        ("acme", [False, False, True, True]),
    ],
)
def test_stopped_work_is_refused_and_other_work_is_not(acme, other, pro, what, taken):
    stopped(what)

    found = [takes(who, model) for who in (acme, other) for model in (ORIGIN, PRO)]

    assert found == taken
    started(what)
    assert takes(acme)


def test_the_refusal_tells_scope_time_and_reason_and_nothing_is_held(acme):
    at = clock.now()
    stopped(ORIGIN, words="We look into wrong colours.", now=at)

    with pytest.raises(Paused) as refused:
        acme.submit()

    assert refused.value.message == (
        f"gpt-image-2-origin has been paused by the operator since {at:%Y-%m-%dT%H:%M:%SZ}."
        " We look into wrong colours. Nothing was charged."
        " Retries are refused until it resumes: see /status/."
    )
    assert (refused.value.status, refused.value.code) == (503, "paused")
    assert (refused.value.should_retry, refused.value.retry_after) == (False, None)
    assert acme.money == WHOLE
    assert not Generation.objects.exists()


def test_a_stopped_tenant_is_not_sent_to_the_status_page(acme):
    stopped("acme", words="Call us.")

    with pytest.raises(Paused) as refused:
        acme.submit()

    assert refused.value.message.endswith(
        " Call us. Nothing was charged. Retries are refused until it resumes."
    )


def test_tests_are_stopped_too(acme):
    make_channel("sandbox", serves="test")
    tester = acme.tester()
    stopped("all")

    assert not takes(tester)


def test_a_price_is_told_all_the_while(acme):
    stopped("all")

    request = {"model": ORIGIN, "prompt": "a fox", "quality": "medium"}
    quoted = quoted_order(caller=acme.caller(), request=request, now=clock.now())

    assert quoted.quote.total == 52_680


def test_a_model_that_does_not_exist_is_not_paused(acme):
    stopped("all")

    with pytest.raises(NotFound):
        acme.submit(model="gpt-image-9")


def test_the_retry_of_an_earlier_request_finds_its_image(acme):
    first = acme.submit(idempotency_key="a")
    stopped("all")

    again = acme.submit(idempotency_key="a")

    assert (again.is_new, again.generation.id) == (False, first.generation.id)
    with pytest.raises(Paused):
        acme.submit(idempotency_key="b")


@pytest.mark.parametrize("what", ["all", ORIGIN, "acme"])
def test_queued_work_waits_during_a_stop_and_is_claimed_afterwards(acme, worker, what):
    queued, suspect = acme.generation(), acme.generation()
    Generation.objects.filter(id=suspect.id).update(quarantine=1)
    stopped(what)

    assert waiting(ROOM, {}) == ([], False)
    assert claim_quarantined(worker=worker, in_hand={}) is None
    started(what)
    assert waiting(ROOM, {}) == ([queued_as(queued)], True)
    assert claim_quarantined(worker=worker, in_hand={}) is not None


@pytest.mark.parametrize("what", [PRO, "other"])
def test_work_outside_a_stop_is_claimed(acme, other, pro, worker, what):
    queued = acme.generation()
    stopped(what)

    assert waiting(ROOM, {}) == ([queued_as(queued)], True)


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.parametrize("hear", [catalogue_at, lambda _: None], ids=["heard", "unheard"])
def test_stopped_work_whose_bell_had_rung_is_released_without_a_call(
    acme, queued, worker, spools, hear
):
    catalogue_at(acme.caller().revision)  # a worker that has not yet heard of the stop
    stopped("acme")
    hear(acme.caller().revision)

    async def journey() -> None:
        http = HttpPools()
        dispatcher = Dispatcher(http=http, allow=[], spools=spools, gate=open_gate())
        await pipeline.run(ring=Ring.of(queued), worker=worker, dispatcher=dispatcher)
        await http.aclose()

    asyncio.run(journey())

    queued.refresh_from_db()
    assert (queued.state, queued.dispatch) == ("queued", 1)
    assert not Attempt.objects.exists()


def test_stopped_work_past_its_deadline_fails_and_costs_nothing(acme):
    queued = acme.generation()
    stopped("all")
    Generation.objects.update(deadline_at=clock.now() - timedelta(seconds=1))

    reaper.reap(now=clock.now())

    queued.refresh_from_db()
    assert (queued.state, acme.money) == ("failed", WHOLE)


def test_each_change_raises_the_configurations_revision(acme):
    revisions = [acme.caller().revision]

    stopped("all")
    revisions.append(acme.caller().revision)
    started("all")
    revisions.append(acme.caller().revision)

    assert len(set(revisions)) == 3


def test_a_tenants_stop_is_in_its_audit_log_without_our_reason(acme):
    stopped("all")
    stopped("acme", words="Call us.")
    started("acme")

    events = AuditEvent.objects.filter(object_type="stop").order_by("id")
    named = acme.tenant.public_id
    assert [(event.action, event.actor_name, event.tenant_id, event.after) for event in events] == [
        ("stop.begin", "Ann", None, {"what": "all", "reason": "a vendor's bill", "words": ""}),
        (
            *("stop.begin", "Ann", acme.tenant.id),
            {"what": named, "reason": "a vendor's bill", "words": "Call us."},
        ),
        ("stop.end", "Ann", acme.tenant.id, {"what": named}),
    ]
    begun, ended = list(audit_events_of(acme.tenant.id))[-2:]
    assert (begun["action"], begun["after"]) == (
        "stopped new requests of the workspace", {"what": named, "words": "Call us."}
    )  # fmt: skip
    assert ended["action"] == "started new requests of the workspace again"


def test_nothing_is_stopped_or_started_twice(acme):
    stopped("all")

    with pytest.raises(ValidationError, match="Everything is stopped already, since"):
        stopped("all", reason="another")
    stopped(ORIGIN)  # this one stays stopped when everything is started
    started("all")
    assert not takes(acme)
    with pytest.raises(ValidationError, match="Everything is not stopped"):
        started("all")
    started(ORIGIN)
    stopped(ORIGIN)
    assert Stop.objects.count() == 3


@pytest.mark.usefixtures("pooled_connections", "patient_connections")
@pytest.mark.django_db(transaction=True)
def test_a_stop_during_a_start_waits_and_stops_again():
    stopped("all")

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        started("all")
        again = other.submit(alone, lambda: stopped("all"))
        until_waiting(1)

    assert again.result().ended_at is None
    assert Stop.objects.count() == 2


@pytest.mark.parametrize(
    ("what", "words", "message"),
    [
        ("gpt-image-9", {}, "no model or tenant is called 'gpt-image-9'"),
        ("", {}, "no model or tenant is called ''"),
        ("all\0", {}, "no model or tenant is called"),
        ("\ud800", {}, "no model or tenant is called"),
        ("all", {"reason": " "}, "say why, in at most 200 characters"),
        ("all", {"reason": "x" * 201}, "say why, in at most 200 characters"),
        ("all", {"words": "x" * 301}, "say it in at most 300 characters"),
    ],
)
def test_a_stop_with_a_mistake_is_refused(acme, what, words, message):
    with pytest.raises(ValidationError, match=message):
        stopped(what, **words)

    assert not Stop.objects.exists()


def test_the_status_page_counts_a_stopped_model_as_unwell(acme, worker):
    def trouble() -> str:
        return next(one.trouble for one in watch.look(now=clock.now()) if one.part == ORIGIN)

    stopped("acme")
    of_a_tenant = trouble()
    stopped("all")

    assert of_a_tenant == ""
    assert trouble() == "Paused by the operator"
