"""Hourly: images past their time."""

from celery import shared_task

from pictor.kit import clock
from storage import services

MOST_IMAGES = 100_000
"""At most this many from one run, so that a run ends."""


@shared_task(name="storage.expire_images", ignore_result=True)
def expire_images() -> int:
    """Remove every image past its time; how many."""
    return services.delete_expired(now=clock.now(), limit=MOST_IMAGES)
