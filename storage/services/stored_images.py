"""Rows of stored images: written with their generation, and marked when their objects are removed.

Functions that remove images block on the network: never call one inside a transaction.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.selectors import IMAGE_RETENTIONS
from pictor.kit.database import lock_numbers, model_rows
from pictor.kit.database.cursors import first_row, run
from pictor.kit.database.prepared import SqlPart
from storage import object_keys
from storage.backends import MAX_KEYS_PER_REQUEST, bucket
from storage.models import ImageOrigin, OriginsUntil, StoredImage
from storage.services.object_store import delete_objects
from storage.wire import StorageFailed

logger = logging.getLogger(__name__)


def insert_images_part(images: Sequence[StoredImage], *, from_part: str) -> SqlPart:
    """The part that inserts images, at least one, of generations whose `id` is in `from_part`."""
    return model_rows.insert_rows_part(images, from_part=from_part, by="generation_id")


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
    run(_SHORTENED)
    due = StoredImage.objects.filter(deleted_at=None, expires_at__lte=now)
    return _delete(due.order_by("expires_at")[:limit], now=now)


def findable_until() -> UUID:
    """The id up to which images are found by their bytes."""
    return OriginsUntil.objects.get_or_create(pk=1)[0].image_id


_FINDABLE = """
WITH found AS (
    SELECT * FROM storage_storedimage WHERE id > %s ORDER BY id LIMIT %s
), entered AS (
    INSERT INTO storage_imageorigin (image_id, tenant_id, sha256, manifest_label)
    SELECT found.id, tenant_id, sha256, manifest_label FROM found
      JOIN {known} AS known ON known.id = generation_id
     WHERE sha256 <> '' ON CONFLICT DO NOTHING
), last AS (SELECT id FROM found ORDER BY id DESC LIMIT 1)
UPDATE storage_originsuntil SET image_id = GREATEST(image_id, LEAST(last.id, %s)) FROM last
RETURNING last.id
"""


@transaction.atomic
def make_findable(after: UUID, limit: int, *, until: UUID, known: str) -> UUID | None:
    """Have the next images by id found by their bytes; return the last one's id, None at the end.

    Those are of generations whose `id` is in `known`. Notes that all images up to `until` are in.
    """
    lock_numbers.lock(lock_numbers.IMAGE_ORIGINS)
    row = first_row(_FINDABLE.format(known=known), [after, limit, until])
    return row[0] if row else None


@transaction.atomic
def forget_images(generation_ids: Collection[UUID]) -> None:
    """Erase revised prompts, digests and manifests' labels: no file leads to them any more."""
    lock_numbers.share(lock_numbers.IMAGE_ORIGINS)  # what is being filled in would come back
    images = StoredImage.objects.filter(generation_id__in=generation_ids)
    words = images.exclude(revised_prompt="", sha256="", manifest_label="")
    words.update(revised_prompt="", sha256="", manifest_label="")
    ImageOrigin.objects.filter(image__in=images).delete()


def delete_image_rows(generation_ids: Collection[UUID]) -> None:
    images = StoredImage.objects.filter(generation_id__in=generation_ids)
    images.exclude(deleted_at=None).delete()


def remove_images(generation_id: UUID, *, now: datetime) -> bool:
    """Remove a generation's images and their digests; return whether all are gone.

    Objects that cannot be removed now are due at once for the hourly task.
    """
    images = StoredImage.objects.filter(generation_id=generation_id)
    images.update(expires_at=now, sha256="", manifest_label="")
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
            # Thumbnails first: the row of an image that stays is what names them.
            still_there = _kept_for(ids, bucket.delete_many(small))
            still_there |= bucket.delete_many(key for key in ids if key not in still_there)
        except StorageFailed as error:
            logger.warning("images could not be removed: %s", error)
            break
        for key, code in still_there.items():  # its row stays due
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
    keys = _small_keys_of(StoredImage.objects.filter(id__in=image_ids))
    try:
        delete_objects(keys.difference(gone))
    except StorageFailed as error:
        logger.warning("thumbnails of removed images could not be removed: %s", error)
