"""What the short-work worker does for storage: exports; hourly, what is past its time, and sums."""

from celery import shared_task

from accounts.services import note_stored
from pictor.kit import clock
from storage import exports, selectors, services

MOST_IMAGES = 100_000
"""At most this many from one run, so that a run ends."""


@shared_task(name="storage.make_exports", ignore_result=True)
def make_exports() -> int:
    """Make the exports that are due; how many."""
    return exports.make_due(now=clock.now())


@shared_task(name="storage.expire_exports", ignore_result=True)
def expire_exports() -> None:
    """Delete every export past its time."""
    exports.delete_old(now=clock.now())


@shared_task(name="storage.measure_images", ignore_result=True)
def measure_images() -> None:
    """Write down how many bytes of images each tenant has."""
    note_stored(selectors.sizes_together(), now=clock.now())


@shared_task(name="storage.expire_images", ignore_result=True)
def expire_images() -> int:
    """Remove every image past its time; how many."""
    return services.delete_expired(now=clock.now(), limit=MOST_IMAGES)
