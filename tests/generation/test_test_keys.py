"""Requests by test keys never reach a vendor or move money; the ledger proves it."""

import asyncio

import pytest
from django.db import IntegrityError, connection, transaction
from prometheus_client import REGISTRY

from accounts.services.office.tenants import TenantLimits, change_tenant
from billing.models import KeyBudget, TenantBalance, Transfer, UsageRollup
from billing.selectors.office.ledger import ledger_findings, usage_findings
from billing.services import book_upstream_cost
from generation import selectors
from generation.api.event_data import data_of
from generation.catalogue.plans import Candidate
from generation.catalogue.snapshot import current_catalogue
from generation.dispatch.call import WrongMode, make_call
from generation.lifecycle import attempts, claims, settlement
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.settlement import settle_and_tell
from generation.models import Attempt, Channel, Generation, Serves
from generation.oversight.ledger.findings import generation_findings
from generation.oversight.usage_recount import recount
from pictor.kit.bytes.spool import Spools
from pictor.kit.database.prepared import fetch
from pictor.kit.words import clock, ids
from pictor.kit.words.errors import NoChannelAvailable, RateLimited
from pictor.kit.words.money import Micros
from tests.making.factories import (
    ORIGIN,
    PayingCustomer,
    make_channel,
    make_delivery,
    route_info,
    stored_images,
    take,
)

pytestmark = pytest.mark.django_db
FINDINGS = (ledger_findings, usage_findings, generation_findings)


@pytest.fixture
def sandbox(seeded):
    """A channel for tests only, on which an operator has set a cost by mistake."""
    return make_channel("sandbox", serves=Serves.TEST, cost_micros=30_000)


@pytest.fixture
def tester(sandbox):
    """A tenant without a cent, by a test key."""
    return PayingCustomer("tester", balance=0, is_test=True)


@pytest.fixture
def delivered(tester: PayingCustomer, worker: WorkerEpoch, spools: Spools) -> Generation:
    """A test generation, made and settled."""
    return deliver(tester, worker, spools)


def deliver(customer: PayingCustomer, worker: WorkerEpoch, spools: Spools) -> Generation:
    made = customer.generation()
    claim = take(generation_id=made.id, worker=worker)
    assert claim is not None
    delivery = make_delivery(claim, spools)
    settle_and_tell(
        claim=claim,
        delivery=delivery,
        stored=stored_images(claim, delivery),
        now=clock.now(),
    )
    made.refresh_from_db()
    return made


def problems() -> set[str]:
    return {finding.check for find in FINDINGS for finding in find()}


def test_a_test_generation_is_priced_and_moves_nothing(tester, delivered):
    assert (delivered.livemode, delivered.state) == (False, "succeeded")
    assert (delivered.held_micros, delivered.captured_micros) == (52_680, 52_680)
    assert Transfer.objects.count() == 0
    assert UsageRollup.objects.count() == 0
    assert tester.money == (0, 0)
    budget = KeyBudget.objects.get()
    assert (budget.day_used_micros, budget.month_used_micros, budget.in_flight) == (0, 0, 0)
    assert Attempt.objects.get().cost_micros == 0
    assert problems() == set()


def test_a_tests_duration_is_not_counted_as_a_live_images(acme, sandbox, worker, spools):
    def counted() -> float:
        name = "pictor_generation_seconds_count"
        return REGISTRY.get_sample_value(name, {"model": ORIGIN}) or 0

    before = counted()
    deliver(acme.tester(), worker, spools)
    after_a_test = counted()
    deliver(acme, worker, spools)

    assert (after_a_test - before, counted() - after_a_test) == (0, 1)


def test_webhooks_say_that_it_was_a_test(delivered):
    told = data_of(delivered.id)

    assert (told["livemode"], told["captured"]) == (False, "0.052680")


def test_usage_that_is_rebuilt_leaves_it_out(delivered):
    assert recount(now=clock.now()) == 0
    assert UsageRollup.objects.count() == 0


def test_a_canceled_or_interrupted_test_moves_nothing(tester, worker):
    canceled, lost = tester.generation(), tester.generation()
    claim = take(generation_id=lost.id, worker=worker)
    assert claim is not None
    begin(claim, Channel.objects.get())

    settlement.cancel(generation=canceled, now=clock.now())
    settlement.fail_unforeseen(claim=claim, now=clock.now())

    assert sorted(Generation.objects.values_list("state", flat=True)) == ["canceled", "failed"]
    assert Attempt.objects.get().may_have_billed is True
    assert (Transfer.objects.count(), UsageRollup.objects.count()) == (0, 0)
    assert problems() == set()


def test_under_way_it_counts_as_a_request_in_flight_and_holds_nothing(tester):
    change_tenant(
        tenant=tester.tenant, name="tester", limits=TenantLimits(max_in_flight=1), actor="test"
    )
    tester.generation()

    with pytest.raises(RateLimited):
        tester.generation()

    balance = TenantBalance.objects.get()
    assert (balance.held, balance.in_flight, balance.month_used_micros) == (0, 1, 0)
    assert problems() == set()


def test_without_a_sandbox_it_is_refused_though_vendors_could_serve_it(channel):
    tester = PayingCustomer("tester", is_test=True)

    with pytest.raises(NoChannelAvailable, match="Test keys are served only by a sandbox"):
        tester.generation()

    assert Generation.objects.count() == 0


def test_a_live_key_is_not_served_by_a_sandbox_for_tests(sandbox):
    with pytest.raises(NoChannelAvailable, match="No channel serves"):
        PayingCustomer("acme").generation()


def test_each_mode_has_the_channels_that_serve_it(seeded):
    for serves in Serves:
        make_channel(serves.value, serves=serves)
    catalogue = current_catalogue()

    def names(*, livemode: bool) -> list[str]:
        return [route.channel_name for route in catalogue.routes_for(ORIGIN, livemode=livemode)]

    assert names(livemode=True) == ["both", "live"]
    assert names(livemode=False) == ["both", "test"]


def test_a_list_of_tests_does_not_read_past_live_ones(acme, sandbox):
    live, test = acme.generation(), acme.tester().generation()
    copies = [Generation.objects.get(id=live.id) for _ in range(500)]
    for copy in copies:
        copy.id = ids.new_uuid()
    Generation.objects.bulk_create(copies)
    wanted = selectors.generations_of(acme.tenant.id, livemode=False).order_by("-id")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generation_generation; SET LOCAL enable_seqscan = off")

    assert list(wanted[:20]) == [test]
    assert "generation_tests_of_tenant" in wanted[:20].explain()


def test_a_call_to_a_vendor_is_refused_where_it_is_made(channel, tester, spools):
    (vendor,) = current_catalogue().routes_for(ORIGIN, livemode=True)

    with pytest.raises(WrongMode):
        asyncio.run(
            make_call(
                tester.generation(),
                Candidate(vendor, "native", "1024x1024"),
                large={},
                seconds=1,
                http=None,  # type: ignore[arg-type]  # it is not needed: nothing is sent
                spools=spools,
                on_partial=None,
            )
        )


def test_the_database_refuses_an_attempt_at_a_vendor(channel, tester, worker):
    claim = take(generation_id=tester.generation().id, worker=worker)
    assert claim is not None

    refused = pytest.raises(IntegrityError, match="only ever sent to a sandbox")
    with refused, transaction.atomic():
        begin(claim, channel)

    assert Attempt.objects.count() == 0


def begin(claim: claims.Claim, channel: Channel) -> None:
    attempt = attempts.begin_attempt_statement(
        attempt_id=ids.new_uuid(),
        claim=claim,
        number=1,
        route=route_info(channel_id=channel.pk),
        upstream_size="1024x1024",
    )
    fetch(attempt)


def test_the_database_lets_no_generation_change_its_mode(delivered):
    with pytest.raises(IntegrityError, match="stays live, or a test"), transaction.atomic():
        Generation.objects.update(livemode=True)


@pytest.mark.parametrize("is_test", [True, False], ids=["a test key", "a live key"])
def test_the_database_lets_no_generation_be_of_another_mode_than_its_key(acme, sandbox, is_test):
    copy = (acme.tester() if is_test else acme).generation()
    copy.id, copy.livemode = ids.new_uuid(), is_test

    with pytest.raises(IntegrityError, match="as its key is"), transaction.atomic():
        copy.save(force_insert=True)


def test_a_live_one_that_is_made_a_test_is_found(acme, sandbox):
    acme.generation()

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE generation_generation DISABLE TRIGGER mode_stays")
        cursor.execute("UPDATE generation_generation SET livemode = false")

    assert {"money of a test", "test of a live key"} <= problems()


def test_a_cost_of_a_test_is_found(delivered):
    attempt = Attempt.objects.get()

    book_upstream_cost(
        generation_id=delivered.id, attempt_id=attempt.id, amount=Micros(1), as_loss=False
    )
    Attempt.objects.update(cost_micros=1)

    assert problems() == {"money of a test"}
