"""Deletes stored objects that are no longer needed, and closes attempts left open.

Keys are computed if possible; `in/` and `tmp/` are listed up to the day before yesterday, and
`trials/` up to a week ago, so a run finds everything that missed runs left. An object that cannot
be removed is logged, tried again in the next hour, and delays no other.

Objects first, rows second: after a crash in between they are merely deleted again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from django.db.models import Q, QuerySet

from generation.lifecycle import attempts
from generation.models import ChannelTrial, Generation, State
from generation.tenants.forgetting import images_of
from storage import object_keys
from storage.services import (
    StorageFailed,
    remove_all,
    remove_until,
)

INPUTS_KEPT = timedelta(hours=24)
LEFTOVERS_SETTLE = timedelta(hours=1)
LEFTOVERS_LOOKED_FOR = timedelta(hours=4)
INPUTS_ABANDONED_AFTER = timedelta(days=2)
TRIAL_PICTURES_KEPT = timedelta(days=7)
BATCH = 500


def forget_inputs(*, now: datetime) -> int:
    """Delete reference images a day after their generation's end; returns the generations' number.

    Stops until the next hour if storage does not answer.
    """
    due = Generation.objects.filter(~Q(inputs=[]), finished_at__lte=now - INPUTS_KEPT)
    count = 0
    try:
        for batch in _batches(due):
            keys = {
                row.id: [image["key"] for image in row.inputs if "key" in image] for row in batch
            }
            still_there = remove_all([key for of_one in keys.values() for key in of_one])
            gone = [row_id for row_id, of_one in keys.items() if still_there.isdisjoint(of_one)]
            count += Generation.objects.filter(id__in=gone).update(inputs=[])
    except StorageFailed:
        pass  # record the removed ones
    return count


def forget_leftovers(*, now: datetime) -> None:
    """Delete objects of unfinished dispatches, inputs never admitted, and partial images.

    Closes open attempts: a process that takes a generation back, or fails it, may die before it has
    closed them. A generation is checked hourly from one to four hours after its end, since a worker
    thought dead may store something in between, and is then marked as cleaned.
    """
    ended = Generation.objects.filter(
        cleaned_at=None, finished_at__lte=now - LEFTOVERS_SETTLE, dispatch__gt=0
    ).exclude(state=State.SUCCEEDED, dispatch=1)  # whose objects are all named by rows
    try:
        for batch in _batches(ended):
            attempts.cut_off(generation_ids=[row.id for row in batch], now=now)
            keys = {row.id: list(images_of(row)) for row in batch}
            still_there = remove_all([key for of_one in keys.values() for key in of_one])
            gone = [row_id for row_id, of_one in keys.items() if still_there.isdisjoint(of_one)]
            cleaned = Generation.objects.filter(
                id__in=gone, finished_at__lte=now - LEFTOVERS_LOOKED_FOR
            )
            cleaned.update(cleaned_at=now)
        remove_until(object_keys.INPUTS, now - INPUTS_ABANDONED_AFTER)
        remove_until(object_keys.PARTIALS, now - INPUTS_ABANDONED_AFTER)
    except StorageFailed:
        return  # the next hour looks again


def forget_trials(*, now: datetime) -> None:
    """Delete pictures of trials older than a week, and trials not begun within a day.

    Stops until the next hour if storage does not answer.
    """
    ChannelTrial.objects.filter(started_at=None, created_at__lt=now - timedelta(days=1)).delete()
    # The day before, so that the last picture of a day is kept for a whole week, too.
    last = (now - TRIAL_PICTURES_KEPT).astimezone(UTC).date() - timedelta(days=1)
    day = datetime.combine(last, time.min, UTC)
    try:
        remove_until(object_keys.TRIALS, day)
    except StorageFailed:
        return
    gone = ChannelTrial.objects.exclude(picture_key="")
    gone.filter(created_at__lt=day + timedelta(days=1)).update(picture_key="")


def _batches(rows: QuerySet[Generation]) -> Iterator[list[Generation]]:
    """Batches in the order of ids, each row once, whether it succeeds or not."""
    batch = list(rows.order_by("id")[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(id__gt=batch[-1].id).order_by("id")[:BATCH])
