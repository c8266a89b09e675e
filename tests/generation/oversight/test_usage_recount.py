"""Hourly usage recounted from generations: the same, and exact beside settlements."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from billing.models import FailureRollup, UsageRollup
from generation.lifecycle import outcome
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import Failure
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Channel, Generation
from generation.oversight.ledger.findings import generation_findings
from generation.oversight.usage_recount import recount
from pictor.kit.words import clock, ids
from tests.making.factories import make_delivery, stored_images, take
from tests.stack.stack_processes import until


def fail_one(claim: Claim | None) -> None:
    assert claim is not None
    fail(claim=claim, failure=Failure(outcome.TIMED_OUT), now=clock.now())


def rows() -> list[dict[str, object]]:
    columns = [field.name for field in UsageRollup._meta.fields if field.name != "id"]  # noqa: SLF001 - Django's documented API
    return list(UsageRollup.objects.order_by("hour", "status").values(*columns))


def rebuilt() -> str:
    call_command("usage_rebuild", stdout=(said := StringIO()))
    return said.getvalue()


@pytest.mark.django_db
def test_usage_counted_again_comes_out_identical(acme, claim, worker, spools):
    delivery = make_delivery(claim, spools, sizes=((1024, 1024),))
    stored = stored_images(claim, delivery)
    settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    for _ in range(2):
        fail_one(take(generation_id=acme.generation().id, worker=worker))
    before = rows()

    UsageRollup.objects.filter(status="failed").delete()
    UsageRollup.objects.update(images=7, latency={"3": 2, "many": 1, "50": 1, "4": "none"})
    UsageRollup.objects.create(tenant_id=acme.id, key_id=acme.key.id, hour=clock.now())
    said = rebuilt()

    assert said == "corrected: 3\n"
    assert rows() == before
    assert generation_findings() == []
    assert rebuilt() == "every row was correct\n"


@pytest.mark.django_db
def test_failures_counted_again_come_out_identical(acme, worker):
    for error in (outcome.TIMED_OUT, outcome.TIMED_OUT, outcome.GAVE_UP):
        claim = take(generation_id=acme.generation().id, worker=worker)
        assert claim is not None
        fail(claim=claim, failure=Failure(error), now=clock.now())
    columns = ("tenant_id", "key_id", "model", "tier", "code", "hour", "generations")
    before = list(FailureRollup.objects.order_by("code").values_list(*columns))

    FailureRollup.objects.filter(code="upstream_error").delete()
    FailureRollup.objects.update(generations=7)
    FailureRollup.objects.create(
        tenant_id=acme.id, key_id=acme.key.id, code="none", hour=clock.now(), generations=1
    )
    found = [finding.check for finding in generation_findings()]

    assert [(row[4], row[6]) for row in before] == [
        ("generation_timeout", 2),
        ("upstream_error", 1),
    ]
    assert found == ["failures by hour"] * 3
    assert rebuilt() == "corrected: 3\n"
    assert list(FailureRollup.objects.order_by("code").values_list(*columns)) == before
    assert generation_findings() == []


@pytest.mark.django_db
def test_a_test_that_fails_is_not_counted(acme, channel, worker):
    Channel.objects.update(serves="both")
    fail_one(take(generation_id=acme.tester().generation().id, worker=worker))

    assert not FailureRollup.objects.exists()


@pytest.mark.django_db
def test_times_that_contradict_their_row_are_found_and_corrected(claim, spools):
    delivery = make_delivery(claim, spools, sizes=((1024, 1024),))
    settle_and_tell(
        claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=clock.now()
    )
    before = rows()

    UsageRollup.objects.update(times=F("times") + 1)
    found = [finding.check for finding in generation_findings()]

    assert found == ["usage by hour"]
    assert rebuilt() == "corrected: 1\n"
    assert rows() == before


@pytest.mark.django_db
def test_each_hour_is_counted_however_late_a_generation_ended(acme, worker):
    now = clock.now().replace(minute=30)
    made_ago, ended_ago = (
        [timedelta(hours=hours) for hours in hours_ago]
        for hours_ago in ((200, 100, 49, 30, 25, 3, 3, 0), (10, 99, 48, 26, 24, 2, 0, 0))
    )
    for made, ended in zip(made_ago, ended_ago, strict=True):
        generation = acme.generation()
        fail_one(take(generation_id=generation.id, worker=worker))
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            Generation.objects.filter(id=generation.id).update(
                id=ids.new_uuid_of(now - made), created_at=now - made, finished_at=now - ended
            )
            cursor.execute("SET session_replication_role = origin")

    UsageRollup.objects.all().delete()
    recount(now=now)

    hours = UsageRollup.objects.order_by("hour").values_list("hour", "generations")
    assert [((now - hour) // timedelta(hours=1), count) for hour, count in hours] == [
        (99, 1), (48, 1), (26, 1), (24, 1), (10, 1), (2, 1), (0, 2),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_settlements_wait_for_no_recount(acme, claim, worker):
    fail_one(claim)
    later = take(generation_id=acme.generation().id, worker=worker)
    UsageRollup.objects.create(
        tenant_id=acme.id, key_id=acme.key.id, hour=clock.now() - timedelta(days=9), images=1
    )

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        wrong = recount(now=clock.now())
        pool.submit(in_thread, fail_one, later).result(30)

    assert wrong == 1
    assert UsageRollup.objects.get().generations == 2
    assert generation_findings() == []


@pytest.mark.django_db(transaction=True)
def test_a_settlement_during_the_recount_is_counted(acme, claim, worker):
    later = take(generation_id=acme.generation().id, worker=worker)
    fail_one(claim)
    UsageRollup.objects.update(generations=40, latency={"7": 40})

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            fail_one(later)
            recounted = pool.submit(in_thread, recount, now=clock.now())
            until(somebody_waits_for_a_row)
        assert recounted.result(30) == 1

    assert UsageRollup.objects.get().generations == 2
    assert generation_findings() == []


@pytest.mark.django_db(transaction=True)
def test_rows_that_are_torn_and_put_right_again_and_again_lose_no_settlement(acme, worker):
    found = [take(generation_id=acme.generation().id, worker=worker) for _ in range(20)]

    def settle_all() -> None:
        for claim in found:
            fail_one(claim)

    with ThreadPoolExecutor(1) as pool:
        settling = pool.submit(in_thread, settle_all)
        while not settling.done():
            UsageRollup.objects.update(generations=F("generations") + 3)
            recount(now=clock.now())
        settling.result()

    recount(now=clock.now())
    assert sum(UsageRollup.objects.values_list("generations", flat=True)) == 20
    assert generation_findings() == []


def in_thread(act, *arguments, **options):
    try:
        return act(*arguments, **options)
    finally:
        connection.close()


def somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_locks"
            " WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
        )
        return bool(cursor.fetchone() == (1,))
