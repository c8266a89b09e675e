"""Images in, signed urls and bytes out, expired ones away.

Everything here blocks: the object calls on the network, the row calls on the database. Never call
the former inside a transaction. Object calls raise StorageFailed and may all be repeated freely.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from pictor.kit.spool import CHUNK_BYTES, SpoolFile
from storage import backends, object_keys
from storage.backends import ObjectMissing, StorageFailed
from storage.models import StoredImage

if TYPE_CHECKING:
    from botocore.response import StreamingBody

__all__ = [
    "ObjectMissing",
    "ObjectStream",
    "StorageFailed",
    "delete_expired",
    "delete_for_generation",
    "delete_inputs_of",
    "delete_objects",
    "delete_partials_of",
    "image_key_of",
    "input_key_of",
    "open_stream",
    "partial_key_of",
    "signed_url",
    "upload",
]

log = logging.getLogger(__name__)


def image_key_of(
    generation_id: UUID, created_at: datetime, dispatch: int, index: int, image_format: str
) -> str:
    """Where one image of a generation lies; see object_keys.py."""
    return object_keys.image_key(
        settings.OBJECT_KEY_SECRET,
        generation_id,
        created=created_at.astimezone(UTC).date(),
        dispatch=dispatch,
        index=index,
        ext=object_keys.EXTENSIONS[image_format],
    )


def input_key_of(generation_id: UUID, created_at: datetime, index: int, ext: str = "bin") -> str:
    """Where one input of a generation lies; see object_keys.py."""
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
    """Where an image of a generation lies before it is finished; see object_keys.py."""
    return object_keys.partial_key(
        settings.OBJECT_KEY_SECRET,
        generation_id,
        created=created_at.astimezone(UTC).date(),
        dispatch=dispatch,
        image=image,
        partial=partial,
        ext=object_keys.EXTENSIONS[image_format],
    )


def upload(key: str, spool: SpoolFile, *, content_type: str) -> None:
    """Put a spool's bytes under a key, streamed; an object already there is replaced."""
    with backends.translated(), spool.reader() as body:
        backends.client().put_object(
            Bucket=settings.S3_BUCKET,
            Key=key,
            Body=body,
            ContentLength=spool.size,
            ContentType=content_type,
        )


class ObjectStream:
    """An object's bytes: chunks, all full but the last. Close it if you stop early."""

    def __init__(self, body: "StreamingBody", size_bytes: int, chunk_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._body = body
        self._chunk_bytes = chunk_bytes

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        pieces: list[bytes] = []
        missing = self._chunk_bytes
        with backends.translated():
            while missing and (piece := self._body.read(missing)):
                pieces.append(piece)
                missing -= len(piece)
        if not pieces:
            self.close()
            raise StopIteration
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of the connection."""
        self._body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_stream(key: str, *, chunk_bytes: int = CHUNK_BYTES) -> ObjectStream:
    """Start reading an object; ObjectMissing when it is gone, StorageFailed if it is cut short.

    Memory stays flat whatever its size; chunks of a multiple of 3 bytes join as base64.
    """
    with backends.translated():
        answer = backends.client().get_object(Bucket=settings.S3_BUCKET, Key=key)
    return ObjectStream(answer["Body"], answer["ContentLength"], chunk_bytes)


def signed_url(key: str, *, content_type: str, expires_seconds: int | None = None) -> str:
    """A url that needs no key until it expires (default: URL_EXPIRY_SECONDS). Makes no request.

    The content type is part of what is signed, so it is right even where the S3 server forgot it.
    """
    return backends.presigner().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings.S3_BUCKET,
            "Key": key,
            "ResponseContentType": content_type,
        },
        ExpiresIn=expires_seconds or settings.URL_EXPIRY_SECONDS,
    )


def delete_objects(keys: Iterable[str]) -> None:
    """Remove objects by key; one that is already gone is fine."""
    with backends.translated():
        for key in keys:
            default_storage.delete(key)


def delete_inputs_of(day: datetime) -> int:
    """Remove every input that was stored on that day (UTC), admitted or not; how many."""
    return _delete_of_day(object_keys.INPUTS, day)


def delete_partials_of(day: datetime) -> int:
    """Remove every partial image of the generations of that day (UTC); how many."""
    return _delete_of_day(object_keys.PARTIALS, day)


def _delete_of_day(kind: str, day: datetime) -> int:
    prefix = f"{kind}/{day.astimezone(UTC):%Y%m%d}/"
    removed = 0
    with backends.translated():
        pages = backends.client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=settings.S3_BUCKET, Prefix=prefix):
            for item in page.get("Contents", ()):
                default_storage.delete(item["Key"])
                removed += 1
    return removed


def delete_expired(*, now: datetime, limit: int) -> int:
    """Remove up to `limit` images past their time; how many. Safe to run twice at once."""
    due = StoredImage.objects.filter(deleted_at=None, expires_at__lte=now)
    return _delete(due.order_by("expires_at")[:limit], now=now)


def delete_for_generation(*, tenant_id: UUID, generation_id: UUID, now: datetime) -> int:
    """Remove a generation's images; how many there were."""
    images = StoredImage.objects.filter(
        tenant_id=tenant_id, generation_id=generation_id, deleted_at=None
    )
    return _delete(images, now=now)


def _delete(images: Iterable[StoredImage], *, now: datetime) -> int:
    """Object first, row second: a crash in between only means that it is removed once more."""
    gone: list[UUID] = []
    for image in images:
        try:
            delete_objects([image.object_key])
        except StorageFailed:
            log.warning("an image could not be removed", extra={"image": str(image.id)})
        else:
            gone.append(image.id)
    return StoredImage.objects.filter(id__in=gone, deleted_at=None).update(deleted_at=now)
