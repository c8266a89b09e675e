"""Hourly: images past their time."""

from celery import shared_task

from pictor.kit import clock
from storage import services

BATCH = 500
MAX_BATCHES = 200
"""At most this many batches an hour from one run, so that a run ends."""


@shared_task(name="storage.expire_images", queue="short", ignore_result=True)
def expire_images() -> int:
    """Remove every image past its time; how many."""
    removed = 0
    for _ in range(MAX_BATCHES):
        batch = services.delete_expired(now=clock.now(), limit=BATCH)
        removed += batch
        if batch < BATCH:
            break
    return removed
