"""Delivered images to storage: repeated from the spool while storage fails, never from upstream."""

import asyncio
import logging
from datetime import timedelta

from django.conf import settings

from accounts.rates.of_tests import TESTS_KEPT, count_of_test, used_up
from generation.claims import Claim
from generation.models import Generation
from generation.outcome import Delivery, Failure, VerifiedImage, not_stored
from pictor.kit import clock, retries
from storage.models import StoredImage
from storage.services import StorageFailed, image_key_of, upload_on_loop

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


async def store(claim: Claim, delivery: Delivery) -> list[StoredImage]:
    """Upload the images, again and again while storage fails; no upstream is asked twice.

    Returns the rows for the settling transaction to insert. Raises StorageFailed at last, also
    where the S3 server takes a request and never answers; and Failure where a test's tenant has
    stored as much as its tests may in a day: they were admitted while there was room.
    """
    kept = timedelta(days=settings.IMAGE_RETENTION_DAYS)
    expires_at = clock.now() + (kept if claim.generation.livemode else min(kept, TESTS_KEPT))
    if not await has_room(claim.generation, sum(image.spool.size for image in delivery.images)):
        detail = "its tenant's tests have stored as much as they may today"
        raise Failure(used_up(), ended=not_stored(delivery, detail).ended)
    rows = []
    for index, image in enumerate(delivery.images):
        key = image_key_of(
            claim.generation.id,
            claim.generation.created_at,
            claim.dispatch,
            index,
            image.format,
        )
        await _upload(key, image)
        rows.append(
            StoredImage(
                tenant_id=claim.generation.tenant_id,
                generation_id=claim.generation.id,
                index=index,
                object_key=key,
                content_type=f"image/{image.format}",
                format=image.format,
                size_bytes=image.spool.size,
                sha256=image.spool.sha256,
                width=image.width,
                height=image.height,
                revised_prompt=image.revised_prompt or "",
                expires_at=expires_at,
            )
        )
    return rows


async def has_room(generation: Generation, size_bytes: int) -> bool:
    """Count what is to be stored of a test; whether its tenant's day had room before."""
    if generation.livemode:
        return True
    return await count_of_test.on_loop(generation.tenant_id, size_bytes, now=clock.now())


async def _upload(key: str, image: VerifiedImage) -> None:
    again = retries.calls(
        pause_seconds=FIRST_PAUSE_SECONDS,
        longest_pause_seconds=LONGEST_PAUSE_SECONDS,
        seconds=settings.STORAGE_RETRY_SECONDS,
    )
    kind = f"image/{image.format}"
    try:
        async with asyncio.timeout(settings.STORAGE_RETRY_SECONDS):
            await again(_is_worth_it, upload_on_loop, key, image.spool, content_type=kind)
    except TimeoutError:  # a thread is free once the call's own time-out has come
        raise StorageFailed(f"no answer in {settings.STORAGE_RETRY_SECONDS} s") from None


def _is_worth_it(error: Exception) -> bool:
    if isinstance(error, StorageFailed):
        logger.warning("an image is not stored yet: %s", error)
    return isinstance(error, StorageFailed)
