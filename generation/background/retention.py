"""Erases prompts after their tenant's retention, and those of tests within a day.

A test has no bill, so its rows are deleted too, 30 days after its words.

Ids are in the order of time, so each tenant is read from the end of the last run: a run costs as
much as became due since.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, QuerySet

from accounts.rates.daily_bytes import TESTS_KEPT
from accounts.selectors.office.tenants import prompt_retentions
from generation.models import FINAL, Generation, PromptsForgotten, RefusedRequest
from generation.tenants.forgetting import delete_rows, forget_words
from pictor.kit.database.cursors import first_row
from pictor.kit.words import ids
from storage.selectors import images_still_there

BATCH = 500
LEAST = timedelta(hours=1)
"""By then every generation and its retries have ended."""
REFUSED_KEPT = timedelta(days=7)
MAX_REFUSED = 1_500_000
LEAST_ROW_BYTES = 76
REFUSED_BATCH = 5_000
TEST_ROWS_KEPT = timedelta(days=30)
"""Rows of a test are deleted this long after its words."""
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def forget_prompts(*, now: datetime) -> int:
    """Erase due words of every tenant; returns the generations' number. Safe to run in parallel."""
    tests = Generation.objects.filter(livemode=False, id__lt=ids.first_at(now - TESTS_KEPT))
    return _forget(tests, now=now) + sum(
        _forget_until(tenant_id, until=now - max(timedelta(days=days), LEAST), now=now)
        for tenant_id, days in prompt_retentions()
    )


def delete_tests(*, now: datetime) -> int:
    """Delete due rows of tests; returns the tests' number. Safe to run in parallel.

    A test with objects that could not be removed keeps its rows, which name them.
    """
    due = Generation.objects.filter(
        ~Exists(images_still_there("id")),
        livemode=False,
        words_forgotten_at__lt=now - TEST_ROWS_KEPT,
        inputs=[],
    )
    count = 0
    while batch := list(due.order_by("words_forgotten_at").values_list("id", flat=True)[:BATCH]):
        delete_rows(batch)
        count += len(batch)
    return count


def forget_refused(*, now: datetime) -> int:
    """Delete refusals after 7 days, and the oldest beyond the limit; returns their number."""
    last_due = ids.first_at(now - REFUSED_KEPT)
    if _may_have_rows(MAX_REFUSED):
        newest_first = RefusedRequest.objects.order_by("-id").values_list("id", flat=True)
        last_due = max([last_due, *newest_first[MAX_REFUSED : MAX_REFUSED + 1]])
    due = RefusedRequest.objects.filter(id__lte=last_due)
    count = 0
    while batch := list(due.order_by("id").values_list("id", flat=True)[:REFUSED_BATCH]):
        count += RefusedRequest.objects.filter(id__in=batch).delete()[0]
    return count


def _may_have_rows(number: int) -> bool:
    """True if the table's size allows that many rows; otherwise counting is pointless."""
    (size_bytes,) = first_row("SELECT pg_relation_size('generation_refusedrequest')")
    return bool(size_bytes >= number * LEAST_ROW_BYTES)


def _forget_until(tenant_id: UUID, *, until: datetime, now: datetime) -> int:
    mark = PromptsForgotten.objects.filter(tenant_id=tenant_id).first()
    since = EVER if mark is None else mark.until
    due = Generation.objects.filter(
        tenant_id=tenant_id, id__gte=ids.first_at(since), id__lt=ids.first_at(until)
    )
    count = _forget(due, now=now)
    # Only now: a run that dies is begun again where it began.
    if until > since:
        PromptsForgotten.objects.update_or_create(tenant_id=tenant_id, defaults={"until": until})
    return count


def _forget(chosen: QuerySet[Generation], *, now: datetime) -> int:
    due = chosen.filter(words_forgotten_at=None, state__in=FINAL).order_by("id")
    count = 0
    while batch := list(due.values_list("id", flat=True)[:BATCH]):
        with transaction.atomic():
            forget_words(batch, now=now)
        count += len(batch)
    return count
