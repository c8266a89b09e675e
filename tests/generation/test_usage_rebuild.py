"""Usage by the hour counted again from the generations: the same, and exact beside settlements."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from billing.models import UsageRollup
from billing.services import rebuild_usage
from generation import claims, outcome
from generation.audit.proof import generation_findings
from generation.claims import Claim
from generation.outcome import Failure
from generation.selectors import ENDED
from generation.settlement import fail
from pictor.kit import clock
from tests.factories import make_delivery, settle, stored_images
from tests.processes import until


def fail_one(claim: Claim | None) -> None:
    assert claim is not None
    fail(claim=claim, failure=Failure(outcome.TIMED_OUT), now=clock.now())


def rows() -> list[dict[str, object]]:
    columns = [field.name for field in UsageRollup._meta.fields if field.name != "id"]  # noqa: SLF001 - Django's documented API
    return list(UsageRollup.objects.order_by("status").values(*columns))


@pytest.mark.django_db
def test_usage_counted_again_comes_out_identical(acme, claim, worker, spools):
    delivery = make_delivery(claim, spools, sizes=((1024, 1024),))
    stored = stored_images(claim, delivery)
    settle(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    for _ in range(2):
        fail_one(claims.take(generation_id=acme.generation().id, worker=worker))
    before = rows()

    UsageRollup.objects.filter(status="failed").delete()
    UsageRollup.objects.update(images=7, latency={})
    call_command("usage_rebuild", stdout=(said := StringIO()))

    assert said.getvalue() == "counted 2 rows\n"
    assert rows() == before
    assert generation_findings() == []


@pytest.mark.django_db(transaction=True)
def test_counting_again_waits_for_who_is_settling(acme, claim, worker):
    later = claims.take(generation_id=acme.generation().id, worker=worker)
    fail_one(claim)

    def count() -> int:
        try:
            return rebuild_usage(ENDED)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            fail_one(later)
            rebuilt = pool.submit(count)
            until(somebody_waits_for_the_table)
        assert rebuilt.result(30) == 1

    assert UsageRollup.objects.get().generations == 2
    assert generation_findings() == []


def somebody_waits_for_the_table() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
        return bool(cursor.fetchone() == (1,))
