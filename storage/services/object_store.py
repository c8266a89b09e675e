"""Objects in the bucket: their keys, uploads, reads, signed urls and removals.

Functions that ask storage and are not async block on the network: never call one inside a
transaction. They raise StorageFailed and may all be repeated freely.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from django.conf import settings

from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.database import pools
from storage import object_keys
from storage.backends import bucket
from storage.wire import ObjectMissing, ObjectStream, StorageFailed

logger = logging.getLogger(__name__)

PROOF = b"This object shows that storage works. It is written again and again.\n"
PROOF_SECONDS = 5


def key_of(owner_id: UUID, created_at: datetime, name: str, *, kind: str = "") -> str:
    """The object key by object_keys.py, with our secret."""
    created = created_at.astimezone(UTC).date()
    secret = settings.OBJECT_KEY_SECRET
    return object_keys.object_key(secret, owner_id, name, created=created, kind=kind)


def image_key_of(
    generation_id: UUID, created_at: datetime, dispatch: int, index: int, image_format: str
) -> str:
    """The object key of one image of a generation."""
    name = f"{dispatch}-{index}.{object_keys.EXTENSIONS[image_format]}"
    return key_of(generation_id, created_at, name)


def input_key_of(generation_id: UUID, created_at: datetime, index: int) -> str:
    """The object key of one input of a generation, removed 24 h after the generation's end."""
    return key_of(generation_id, created_at, f"{index}.bin", kind=object_keys.INPUTS)


def partial_key_of(
    generation_id: UUID,
    created_at: datetime,
    dispatch: int,
    *,
    image: int,
    partial: int,
    image_format: str,
) -> str:
    """The object key of an unfinished image of a generation, removed on the day after next."""
    name = f"{dispatch}-{image}-{partial}.{object_keys.EXTENSIONS[image_format]}"
    return key_of(generation_id, created_at, name, kind=object_keys.PARTIALS)


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


def remove_until(kind: str, day: datetime) -> None:
    """Remove every object of a kind of `object_keys` from that day (UTC) or before."""
    after = day.astimezone(UTC) + timedelta(days=1)
    for page in bucket.names_under(f"{kind}/", before=f"{kind}/{after:%Y%m%d}"):
        remove_all(page)
