"""Deletes objects on storage that nothing needs any more.

Keys are worked out where that is possible; only `in/` and `tmp/` are listed, a day's folder each.

Objects first, rows second: a crash in between only means that they are deleted once more.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain

from django.db.models import Q

from generation.models import Generation, State
from storage.object_keys import EXTENSIONS
from storage.services import (
    StorageFailed,
    delete_inputs_of,
    delete_objects,
    delete_partials_of,
    image_key_of,
)

INPUTS_KEPT = timedelta(hours=24)
LEFTOVERS_SETTLE = timedelta(hours=1)
LEFTOVERS_LOOKED_FOR = timedelta(hours=4)
ABANDONED_AFTER = timedelta(days=2)
BATCH = 500


def forget_inputs(*, now: datetime) -> int:
    """Delete reference images a day after their generation's end; of how many generations.

    Stops early, for the next hour, when storage fails.
    """
    due = Generation.objects.filter(~Q(inputs=[]), finished_at__lte=now - INPUTS_KEPT)
    count = 0
    while batch := list(due.values_list("id", "inputs")[:BATCH]):
        try:
            delete_objects(one["key"] for _, inputs in batch for one in inputs)
        except StorageFailed:
            break
        count += Generation.objects.filter(id__in=[row[0] for row in batch]).update(inputs=[])
    return count


def forget_leftovers(*, now: datetime) -> None:
    """Delete what unfinished dispatches may have stored, inputs never admitted, and partial images.

    Looks at generations that ended an hour to four hours ago, so that each is looked at more than
    once, and at inputs and partial images of the day before yesterday, when all have ended.
    """
    ended = Generation.objects.filter(
        finished_at__gt=now - LEFTOVERS_LOOKED_FOR,
        finished_at__lte=now - LEFTOVERS_SETTLE,
        dispatch__gt=0,
    ).exclude(state=State.SUCCEEDED, dispatch=1)
    try:
        delete_objects(chain.from_iterable(map(_leftovers_of, ended.iterator())))
        delete_inputs_of(now - ABANDONED_AFTER)
        delete_partials_of(now - ABANDONED_AFTER)
    except StorageFailed:
        return  # the next hour looks again


def _leftovers_of(generation: Generation) -> Iterable[str]:
    """Every key that a dispatch other than the successful one can have written."""
    last = generation.dispatch
    lost = range(1, last if generation.state == State.SUCCEEDED else last + 1)
    for dispatch in lost:
        for index in range(generation.n):
            for image_format in EXTENSIONS:
                yield image_key_of(
                    generation.id, generation.created_at, dispatch, index, image_format
                )
