"""Deletion of leftovers on the real S3 server."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from billing.selectors.office.ledger import ledger_findings
from generation.background import leftovers
from generation.lifecycle.outcome import TIMED_OUT
from generation.lifecycle.settlement import cancel, end_without_image
from generation.models import Attempt, Generation, State
from pictor.kit.bytes.spool import Spools
from pictor.kit.words import clock
from storage import backends
from storage.services import image_key_of, input_key_of, partial_key_of, upload
from tests.making.factories import begun

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def bucket(db: None) -> None:
    backends.ensure_bucket()


def put(spools: Spools, key: str) -> str:
    spool = spools.new(max_bytes=100)
    spool.write(b"bytes")
    upload(key, spool, content_type="application/octet-stream")
    spool.close()
    return key


def is_there(key: str) -> bool:
    found = backends.bucket.client.list_objects_v2(Bucket=settings.S3_BUCKET, Prefix=key)
    return bool(found.get("Contents"))


def ended(generation: Generation, **changes: Any) -> Generation:
    """The same generation, canceled, and with these columns."""
    cancel(generation=generation, now=clock.now())
    Generation.objects.filter(id=generation.id).update(**changes)
    return Generation.objects.get(id=generation.id)


def test_reference_images_are_deleted_a_day_after_the_end(bucket, spools, queued):
    now = clock.now()
    key = put(spools, input_key_of(queued.id, now, 0))
    generation = ended(queued, inputs=[{"key": key}], finished_at=now)

    too_early = leftovers.forget_inputs(now=now + DAY - HOUR)
    kept = is_there(key)
    in_time = leftovers.forget_inputs(now=now + DAY + HOUR)

    generation.refresh_from_db()
    assert (too_early, kept) == (0, True)
    assert (in_time, is_there(key)) == (1, False)
    assert generation.inputs == []


def test_a_reference_image_that_cannot_be_deleted_keeps_no_other(bucket, spools, acme, monkeypatch):
    now = clock.now()
    kept, gone = (
        ended(
            acme.generation(),
            inputs=[{"key": put(spools, f"in/20261101/{name}/0.bin")}, {"address": "https://a.b/"}],
            finished_at=now,
        )
        for name in ("kept", "gone")
    )
    refuse(monkeypatch, "in/20261101/kept/0.bin")

    count = leftovers.forget_inputs(now=now + DAY + HOUR)

    left = {row.id: row.inputs for row in Generation.objects.all()}
    assert count == 1
    assert (bool(left[kept.id]), left[gone.id]) == (True, [])
    assert not is_there("in/20261101/gone/0.bin")


def refuse(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make the server refuse to delete this object while it deletes the others."""
    delete_many = backends.PrivateBucket.delete_many

    def partly(self: backends.PrivateBucket, names: Iterable[str]) -> dict[str, str]:
        others = [other for other in names if other != name]
        return {**delete_many(self, others), name: "AccessDenied"}

    monkeypatch.setattr(backends.PrivateBucket, "delete_many", partly)


def test_leftovers_are_found_days_after_a_pause_of_the_clean_up(bucket, spools, acme):
    now = clock.now()
    queued = acme.generation()
    lost = put(spools, image_key_of(queued.id, queued.created_at, 1, 0, "png"))
    unadmitted = put(spools, input_key_of(queued.id, now, 7))
    partial = put(
        spools, partial_key_of(queued.id, now, 1, image=0, partial=1, image_format="webp")
    )
    ended(queued, state="failed", dispatch=1, finished_at=now)

    leftovers.forget_leftovers(now=now + 9 * DAY)

    assert [key for key in (lost, unadmitted, partial) if is_there(key)] == []
    assert Generation.objects.get().cleaned_at == now + 9 * DAY


def test_an_attempt_that_nobody_closed_is_closed_an_hour_after_the_end(bucket, claim, channel):
    """The process that failed it died first; a call that may be under way keeps its time."""
    begun(claim, channel)
    now = clock.now()
    end_without_image(
        generation=claim.generation,
        state=State.FAILED,
        condition={"id": claim.generation.id},
        error=TIMED_OUT,
        now=now,
    )

    leftovers.forget_leftovers(now=now)
    open_for_an_hour = Attempt.objects.filter(finished_at=None).count()
    leftovers.forget_leftovers(now=now + 2 * HOUR)

    attempt = Attempt.objects.get()
    assert open_for_an_hour == 1
    assert (attempt.attempt_class, attempt.may_have_billed) == ("unknown", True)
    assert ledger_findings() == []


def test_a_cleaned_generation_is_not_looked_at_again(bucket, spools, queued):
    now = clock.now()
    ended(queued, state="failed", dispatch=1, finished_at=now)
    leftovers.forget_leftovers(now=now + 5 * HOUR)
    key = put(spools, image_key_of(queued.id, queued.created_at, 1, 0, "png"))

    leftovers.forget_leftovers(now=now + 6 * HOUR)

    assert is_there(key)


def test_images_of_an_interrupted_dispatch_are_deleted_and_the_winners_kept(bucket, spools, queued):
    now = clock.now()
    lost, won = (
        put(spools, image_key_of(queued.id, queued.created_at, dispatch, 0, "png"))
        for dispatch in (1, 2)
    )
    ended(queued, state="succeeded", dispatch=2, finished_at=now)

    leftovers.forget_leftovers(now=now)
    kept_for_an_hour = is_there(lost)
    leftovers.forget_leftovers(now=now + 2 * HOUR)

    assert kept_for_an_hour
    assert (is_there(lost), is_there(won)) == (False, True)


def test_images_of_a_failed_generation_are_deleted(bucket, spools, queued):
    now = clock.now()
    key = put(spools, image_key_of(queued.id, queued.created_at, 1, 0, "webp"))
    ended(queued, state="failed", dispatch=1, finished_at=now)

    leftovers.forget_leftovers(now=now + 2 * HOUR)

    assert not is_there(key)


def test_inputs_that_nobody_admitted_are_deleted_after_two_days(bucket, spools, queued):
    now = clock.now()
    key = put(spools, input_key_of(queued.id, now, 7))

    leftovers.forget_leftovers(now=now + DAY)
    kept = is_there(key)
    leftovers.forget_leftovers(now=now + 2 * DAY)

    assert (kept, is_there(key)) == (True, False)


def test_partial_images_are_deleted_after_two_days_and_the_days_around_are_kept(
    bucket, spools, queued
):
    now = clock.now()
    dates = (now - DAY, now, now + DAY)
    before, key, after = (
        put(
            spools,
            partial_key_of(queued.id, date, 1, image=0, partial=1, image_format="webp"),
        )
        for date in dates
    )

    leftovers.forget_leftovers(now=now + DAY)
    kept = is_there(key)
    leftovers.forget_leftovers(now=now + 2 * DAY)

    assert (kept, is_there(key)) == (True, False)
    assert (is_there(before), is_there(after)) == (False, True)
