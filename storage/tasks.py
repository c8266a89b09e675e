"""The short-work worker's tasks for storage: exports; hourly, expiry and sums."""

import logging

from celery import shared_task

from accounts.services.office.storage import note_stored
from pictor.kit.words import clock
from storage import exports, selectors, services

logger = logging.getLogger(__name__)

MAX_IMAGES = 100_000
"""The most images removed in one run, so that a run ends."""


@shared_task(name="storage.make_exports", ignore_result=True)
def make_exports() -> int:
    """Make the exports that are due and return how many."""
    return exports.make_due(now=clock.now())


@shared_task(name="storage.expire_exports", ignore_result=True)
def expire_exports() -> None:
    """Delete every export past its time."""
    exports.delete_old(now=clock.now())


@shared_task(name="storage.prove_removal", ignore_result=True)
def prove_removal() -> None:
    """Check that objects can be removed: a failure could go unnoticed for up to a month."""
    try:
        services.prove_removal()
    except services.StorageFailed as error:
        logger.error("nothing that is stored can be removed: %s", error)  # noqa: TRY400 - not ours


@shared_task(name="storage.measure_images", ignore_result=True)
def measure_images() -> None:
    """Record how many bytes of images each tenant has."""
    note_stored(selectors.sizes_together(), now=clock.now())


@shared_task(name="storage.expire_images", ignore_result=True)
def expire_images() -> int:
    """Remove every expired image and return how many."""
    return services.delete_expired(now=clock.now(), limit=MAX_IMAGES)
