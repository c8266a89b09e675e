"""Images stored and read, urls signed, expired images removed.

Functions that are not async block: the object calls on the network, the row calls on the database.
Never call an object call inside a transaction. Object calls raise StorageFailed and may all be
repeated freely.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import cast
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from accounts.selectors import IMAGE_RETENTIONS
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.database import model_rows, pools
from pictor.kit.database.prepared import SqlPart
from storage import object_keys
from storage.backends import MAX_KEYS_PER_REQUEST, bucket
from storage.models import StoredImage
from storage.wire import ObjectMissing, ObjectStream, StorageFailed

__all__ = [
    "ObjectMissing",
    "StorageFailed",
    "UploadProgress",
    "delete_expired",
    "delete_image_rows",
    "delete_objects",
    "forget_images",
    "image_key_of",
    "images_kept",
    "input_key_of",
    "keep_painted",
    "open_stream",
    "partial_key_of",
    "prove",
    "prove_removal",
    "read_on_loop",
    "remove_all",
    "remove_exports_until",
    "remove_images",
    "remove_inputs_until",
    "remove_partials_until",
    "remove_until",
    "signed_url",
    "upload",
    "upload_on_loop",
    "url_seconds",
]

logger = logging.getLogger(__name__)

PROOF = b"This object shows that storage works. It is written again and again.\n"
PROOF_SECONDS = 5


def image_key_of(
    generation_id: UUID, created_at: datetime, dispatch: int, index: int, image_format: str
) -> str:
    """The object key of one image of a generation; see object_keys.py."""
    return object_keys.image_key(
        settings.OBJECT_KEY_SECRET,
        generation_id,
        created=created_at.astimezone(UTC).date(),
        dispatch=dispatch,
        index=index,
        ext=object_keys.EXTENSIONS[image_format],
    )


def input_key_of(generation_id: UUID, created_at: datetime, index: int, ext: str = "bin") -> str:
    """The object key of one input of a generation; see object_keys.py."""
    return object_keys.input_key(
        settings.OBJECT_KEY_SECRET,
        generation_id,
        created=created_at.astimezone(UTC).date(),
        index=index,
        ext=ext,
    )


def partial_key_of(
    generation_id: UUID,
    created_at: datetime,
    dispatch: int,
    *,
    image: int,
    partial: int,
    image_format: str,
) -> str:
    """The object key of an unfinished image of a generation; see object_keys.py."""
    return object_keys.partial_key(
        settings.OBJECT_KEY_SECRET,
        generation_id,
        created=created_at.astimezone(UTC).date(),
        dispatch=dispatch,
        image=image,
        partial=partial,
        ext=object_keys.EXTENSIONS[image_format],
    )


@dataclass
class UploadProgress:
    """The time of an upload's last progress, on the monotonic clock; None before it began."""

    taken_at: float | None = None

    def note(self) -> None:
        """Note that the upload has begun or made progress."""
        self.taken_at = time.monotonic()

    def of(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks; asking for the next one is progress."""
        self.note()
        for chunk in chunks:
            yield chunk
            self.note()


def upload(
    key: str, spool: SpoolFile, *, content_type: str, progress: UploadProgress | None = None
) -> None:
    """Stream a spool's bytes to a key, replacing an existing object."""
    noted = UploadProgress() if progress is None else progress
    noted.note()
    bucket.wire.put(
        key,
        lambda: noted.of(spool.chunks()),
        size_bytes=spool.size,
        content_type=content_type,
        sha256=spool.sha256,
    )


async def upload_on_loop(
    key: str, spool: SpoolFile, *, content_type: str, progress: UploadProgress | None = None
) -> None:
    """Like `upload`, on the event loop; a spool on disk is sent by a thread."""
    if not spool.is_in_memory:
        await pools.storage(upload, key, spool, content_type=content_type, progress=progress)
        return
    wire = await bucket.loop_wire()
    body = spool.read_at(0, spool.size)
    begun = None if progress is None else progress.note
    await wire.put(key, body, content_type=content_type, sha256=spool.sha256, begun=begun)


async def prove() -> None:
    """Check that images can be stored and read: a PUT by thread and by loop, and a GET.

    Raises StorageFailed.
    """
    digest = hashlib.sha256(PROOF).hexdigest()
    try:
        async with asyncio.timeout(PROOF_SECONDS):
            wire = await bucket.loop_wire()
            await wire.put(object_keys.PROOF, PROOF, content_type="text/plain", sha256=digest)
            await pools.storage(_put_proof, object_keys.PROOF)
            came = b"".join([piece async for piece in wire.get(object_keys.PROOF)])
    except TimeoutError:
        raise StorageFailed(f"no answer in {PROOF_SECONDS} s") from None
    if came != PROOF:
        raise StorageFailed("the object that was read differs from the stored one")


def prove_removal() -> None:
    """Check that stored objects can be removed. Raises StorageFailed."""
    _put_proof(object_keys.PROOF_OF_REMOVAL)
    bucket.delete(object_keys.PROOF_OF_REMOVAL)
    try:
        bucket.wire.require(object_keys.PROOF_OF_REMOVAL)
    except ObjectMissing:
        return
    raise StorageFailed("the removed object is still there")


def _put_proof(key: str) -> None:
    digest = hashlib.sha256(PROOF).hexdigest()
    size = len(PROOF)
    bucket.wire.put(key, lambda: [PROOF], size_bytes=size, content_type="text/plain", sha256=digest)


def open_stream(key: str) -> ObjectStream:
    """Start reading an object. Raises ObjectMissing if it is gone, StorageFailed if cut short.

    Memory stays flat whatever its size.
    """
    return cast(ObjectStream, bucket.open(key))


async def read_on_loop(key: str) -> AsyncGenerator[bytes]:
    """Yield an object's bytes on the event loop, at most 256 KB at once."""
    wire = await bucket.loop_wire()
    async with aclosing(wire.get(key)) as pieces:
        async for piece in pieces:
            yield piece


def require(keys: Iterable[str]) -> None:
    """Raise ObjectMissing unless every object exists; StorageFailed if that cannot be told."""
    for key in keys:
        bucket.wire.require(key)


def signed_url(
    key: str, *, content_type: str, expires_seconds: int | None = None, attachment: str = ""
) -> str:
    """A url that needs no key until it expires, see `url_seconds`. Makes no request.

    The content type and the time for which the client may keep the object are signed, too, so they
    are right even if the S3 server forgot them. With `attachment`, so is the file name under which
    a browser saves it instead of showing it.
    """
    seconds = url_seconds(expires_seconds)
    kept = "no-store" if attachment else f"max-age={seconds}"
    parameters = {
        "response-content-type": content_type,
        "response-cache-control": f"private, {kept}",
    }
    if attachment:
        parameters["response-content-disposition"] = f'attachment; filename="{attachment}"'
    return bucket.url(key, parameters=parameters, expire=seconds)


def url_seconds(expires_seconds: int | None = None) -> int:
    """The seconds a url is valid (default: URL_EXPIRY_SECONDS), or until the credentials end.

    Raises StorageFailed without credentials.
    """
    return bucket.good_for(expires_seconds or settings.URL_EXPIRY_SECONDS)


def delete_objects(keys: Iterable[str]) -> None:
    """Remove objects by key, many in one request; a missing one is fine.

    Raises StorageFailed if any of them is still there; the others are removed all the same.
    """
    if still_there := bucket.delete_many(keys):
        key, code = next(iter(still_there.items()))
        raise StorageFailed(f"{len(still_there)} objects cannot be removed; {key}: {code}")


def remove_all(keys: Iterable[str]) -> frozenset[str]:
    """Remove objects by key; log and return those that are still there. Raises StorageFailed."""
    for key, code in (still_there := bucket.delete_many(keys)).items():
        logger.warning("the object %s could not be removed: %s", key, code)
    return frozenset(still_there)


def remove_inputs_until(day: datetime) -> None:
    """Remove every input stored on that day (UTC) or before, admitted or not."""
    remove_until(object_keys.INPUTS, day)


def remove_partials_until(day: datetime) -> None:
    """Remove every partial image of generations of that day (UTC) or before."""
    remove_until(object_keys.PARTIALS, day)


def remove_exports_until(day: datetime) -> None:
    """Remove every export requested on that day (UTC) or before."""
    remove_until(object_keys.EXPORTS, day)


def remove_until(kind: str, day: datetime) -> None:
    """Remove every object of a kind of `object_keys` from that day (UTC) or before."""
    after = day.astimezone(UTC) + timedelta(days=1)
    for page in bucket.names_under(f"{kind}/", before=f"{kind}/{after:%Y%m%d}"):
        remove_all(page)


def images_kept(images: Iterable[StoredImage], *, given: str) -> list[SqlPart]:
    """The parts of a settling statement that insert the rows of stored images.

    Args:
        images: not in the database yet.
        given: the part that has a row if they are to be inserted.
    """
    return [model_rows.insertion(image, given=given) for image in images]


def keep_painted(image: StoredImage, *, size_bytes: int, sha256: str, until: datetime) -> None:
    """Record that a demo image was drawn and uploaded, and is kept until `until`.

    Its row was written before, as that of a deleted image.
    """
    StoredImage.objects.filter(pk=image.pk).update(
        size_bytes=size_bytes, sha256=sha256, expires_at=until, deleted_at=None
    )


_SHORTENED = f"""
UPDATE storage_storedimage i
   SET expires_at = i.created_at + make_interval(days => r.days, hours => (r.days = 0)::int)
  FROM {IMAGE_RETENTIONS} AS r
 WHERE r.tenant_id = i.tenant_id AND i.deleted_at IS NULL
   AND i.expires_at > i.created_at + make_interval(days => r.days, hours => (r.days = 0)::int)
"""  # noqa: S608 - built from constants


def delete_expired(*, now: datetime, limit: int) -> int:
    """Remove up to `limit` expired images and return how many. Safe to run twice at once.

    A tenant's shorter retention also applies to images stored before it was set. 0 days are an
    hour.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHORTENED)
    due = StoredImage.objects.filter(deleted_at=None, expires_at__lte=now)
    return _delete(due.order_by("expires_at")[:limit], now=now)


def forget_images(generation_ids: Collection[UUID]) -> None:
    """Erase the revised prompts in images' rows."""
    images = StoredImage.objects.filter(generation_id__in=generation_ids)
    images.exclude(revised_prompt="").update(revised_prompt="")


def delete_image_rows(generation_ids: Collection[UUID]) -> None:
    """Delete the rows of removed images."""
    images = StoredImage.objects.filter(generation_id__in=generation_ids)
    images.exclude(deleted_at=None).delete()


def remove_images(generation_id: UUID, *, now: datetime) -> bool:
    """Remove a generation's images and their digests; return whether all are gone.

    Objects that cannot be removed now are due at once for the hourly task.
    """
    images = StoredImage.objects.filter(generation_id=generation_id)
    images.update(expires_at=now, sha256="")
    _delete(images.filter(deleted_at=None), now=now)
    return not images.filter(deleted_at=None).exists()


def _delete(images: QuerySet[StoredImage], *, now: datetime) -> int:
    """Remove objects first and mark rows second: after a crash they are only removed once more.

    An object that cannot be removed keeps its row without affecting other images; if a whole
    request fails, the rest is left for the next time.
    """
    removed = 0
    chosen = images.only("object_key", "has_thumbnail", "has_icon").iterator()
    while batch := list(islice(chosen, MAX_KEYS_PER_REQUEST)):
        ids = {image.object_key: image.id for image in batch}
        small = _small_keys_of(batch)
        try:
            still_there = _kept_for(ids, bucket.delete_many(small))
            still_there |= bucket.delete_many(key for key in ids if key not in still_there)
        except StorageFailed as error:
            logger.warning("images could not be removed: %s", error)
            break
        for key, code in still_there.items():
            logger.warning("the image %s could not be removed: %s", ids.pop(key, None), code)
        gone = StoredImage.objects.filter(id__in=ids.values(), deleted_at=None)
        removed += gone.update(deleted_at=now)
        _delete_late(ids.values(), small)
    return removed


def _kept_for(keys: Iterable[str], small: Mapping[str, str]) -> dict[str, str]:
    """The images whose thumbnails are still there, with the error codes."""
    kept = {}
    for key in keys:
        thumbnail, icon = object_keys.thumbnail_key(key), object_keys.icon_key(key)
        if code := small.get(thumbnail) or small.get(icon):
            kept[key] = code
    return kept


def _small_keys_of(images: Iterable[StoredImage]) -> set[str]:
    """The keys of these images' existing thumbnails."""
    keys = set()
    for image in images:
        if image.has_thumbnail:
            keys.add(object_keys.thumbnail_key(image.object_key))
        if image.has_icon:
            keys.add(object_keys.icon_key(image.object_key))
    return keys


def _delete_late(image_ids: Collection[UUID], gone: Collection[str]) -> None:
    """Delete thumbnails made while their images were removed; afterwards none can follow."""
    made = _small_keys_of(StoredImage.objects.filter(id__in=image_ids))
    try:
        delete_objects(made.difference(gone))
    except StorageFailed as error:
        logger.warning("thumbnails of removed images could not be removed: %s", error)
