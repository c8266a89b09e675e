"""Store delivered images; if storage fails, retry from the spool, never from the upstream."""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta

from django.conf import settings

from accounts.rates.daily_bytes import TESTS_KEPT, count_test_command, used_up
from generation.dispatch.storage_gate import HUNG_SECONDS, Gate
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import Failure, Verified, VerifiedImage, not_stored
from generation.models import Generation
from pictor.kit.bytes.spool import SpoolFull
from pictor.kit.redis.client import send_async
from pictor.kit.running import retries
from pictor.kit.words import clock
from storage.models import StoredImage
from storage.services import StorageFailed, UploadProgress, image_key_of, upload_on_loop

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 2.0
LOOK_SECONDS = 0.5
"""The interval at which an upload is checked for hanging."""
SETTLING_SECONDS = 5.0
"""Storing ends this long before the deadline, to leave time to settle or release the hold."""


async def store(
    claim: Claim, delivery: Verified, *, gate: Gate, ends_at: float
) -> list[StoredImage]:
    """Upload the images in parallel, and retry while storage fails.

    They were paid for: no upstream is asked twice, and retries go on until there is just time to
    settle. Returns the rows for the settling transaction to insert. Raises StorageFailed at last,
    also if the S3 server takes a request and never answers; and Failure if a test's tenant has
    stored a day's bytes of tests since it was admitted.

    Args:
        claim: the generation.
        delivery: its verified images.
        gate: hears of each result.
        ends_at: the generation's deadline, on the monotonic clock.
    """
    if not await count_bytes_of_test(
        claim.generation, sum(image.spool.size for image in delivery.images)
    ):
        detail = "its tenant's tests have stored as much as they may today"
        raise Failure(used_up(), ended=not_stored(delivery, detail).ended)
    named = [(_key_of(claim, index, image), image) for index, image in enumerate(delivery.images)]
    # While images wait, one that is stored opens the gate, and not the probe (ADR 0038).
    with gate.storing():
        uploads = [
            asyncio.create_task(_upload(key, image, gate, ends_at - SETTLING_SECONDS))
            for key, image in named
        ]
        try:
            await asyncio.gather(*uploads)
        finally:
            # An image that is given up fails them all: a delivery is settled whole or not at all.
            for upload in uploads:
                upload.cancel()
    return [_row(claim, index, key, image) for index, (key, image) in enumerate(named)]


def _key_of(claim: Claim, index: int, image: VerifiedImage) -> str:
    generation = claim.generation
    return image_key_of(generation.id, generation.created_at, claim.dispatch, index, image.format)


def _row(claim: Claim, index: int, key: str, image: VerifiedImage) -> StoredImage:
    kept = timedelta(days=settings.IMAGE_RETENTION_DAYS)
    return StoredImage(
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
        credentials=image.credentials.status,
        credentials_reason=image.credentials.reason,
        manifest_label=image.credentials.label,
        is_marked=image.is_marked,
        # Images of tests are kept for a day (ADR 0020).
        expires_at=clock.now() + (kept if claim.generation.livemode else min(kept, TESTS_KEPT)),
    )


async def count_bytes_of_test(generation: Generation, size_bytes: int) -> bool:
    """Count a test's bytes. Returns False if its tenant's tests may store no more today."""
    if generation.livemode:
        return True
    counting = count_test_command(generation.tenant_id, size_bytes, now=clock.now())
    return await send_async(counting)


async def _upload(key: str, image: VerifiedImage, gate: Gate, ends_at: float) -> None:
    again = retries.calls(
        pause_seconds=FIRST_PAUSE_SECONDS, longest_pause_seconds=LONGEST_PAUSE_SECONDS
    )
    seconds = max(0.0, ends_at - time.monotonic())
    try:
        async with asyncio.timeout(seconds):
            await again(_is_worth_it, _Upload(key, image, gate).once)
    except TimeoutError:  # a thread is free once the call's own time-out has come
        raise StorageFailed(f"not stored in {seconds:.0f} s") from None
    gate.stored()


class _Upload:
    """One image on its way to storage."""

    def __init__(self, key: str, image: VerifiedImage, gate: Gate) -> None:
        self._key = key
        self._image = image
        self._gate = gate
        self._is_first = True

    async def once(self) -> None:
        """Try once. Raises StorageFailed; tells the gate of a failed first try, and of a hang."""
        progress = UploadProgress()
        kind = f"image/{self._image.format}"
        upload = upload_on_loop(self._key, self._image.spool, content_type=kind, progress=progress)
        going = asyncio.ensure_future(upload)
        try:
            while not (await asyncio.wait([going], timeout=LOOK_SECONDS))[0]:
                taken_at = progress.taken_at  # None: it waits for its turn
                if taken_at is not None and time.monotonic() - taken_at > HUNG_SECONDS:
                    self._gate.close(f"nothing was taken or answered for {HUNG_SECONDS:.0f} s")
                    break  # this try goes on: only new work is held back
            await going
        except StorageFailed as error:
            self._note_failure(str(error))
            raise
        finally:
            going.cancel()

    def _note_failure(self, why: str) -> None:
        # It may wait for minutes from now on, so it leaves memory to others (ADR 0038).
        if self._is_first:
            self._is_first = False
            self._gate.first_failed(why)
            with suppress(SpoolFull):  # then it stays in memory
                self._image.spool.leave_memory()


def _is_worth_it(error: Exception) -> bool:
    if isinstance(error, StorageFailed):
        logger.warning("an image is not stored yet: %s", error)
    return isinstance(error, StorageFailed)
