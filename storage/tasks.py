"""What the short-work worker does for storage: exports; hourly, what is past its time, and sums."""

import logging

from celery import shared_task

from accounts.services import note_stored
from pictor.kit.words import clock
from storage import exports, selectors, services

logger = logging.getLogger(__name__)

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


@shared_task(name="storage.prove_removal", ignore_result=True)
def prove_removal() -> None:
    """See that objects can be removed: nobody else would notice for an hour, or a month."""
    try:
        services.prove_removal()
    except services.StorageFailed as error:
        logger.error("nothing that is stored can be removed: %s", error)  # noqa: TRY400 - not ours


@shared_task(name="storage.measure_images", ignore_result=True)
def measure_images() -> None:
    """Write down how many bytes of images each tenant has."""
    note_stored(selectors.sizes_together(), now=clock.now())


@shared_task(name="storage.expire_images", ignore_result=True)
def expire_images() -> int:
    """Remove every image past its time; how many."""
    return services.delete_expired(now=clock.now(), limit=MOST_IMAGES)
