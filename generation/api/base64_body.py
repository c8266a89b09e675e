"""Images as base64 inside JSON, streamed from storage.

They are re-encoded in chunks of a multiple of 3 bytes, with a Content-Length worked out beforehand,
so no image is ever whole in memory.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TypeVar

import pybase64
from django.http import StreamingHttpResponse

from generation.api.objects import ImagesAnswer
from generation.api.shown import cannot_be_read, with_base64
from generation.selectors import Finished
from pictor.kit.database import pools
from pictor.kit.words.errors import NotFound
from storage.models import StoredImage
from storage.services import ObjectMissing, StorageFailed, read_on_loop, require

FIRST_CHUNK_SECONDS = 15.0
"""The longest wait for storage before the answer begins; failed reads are repeated."""
AGAIN_SECONDS = 0.5
T = TypeVar("T")


def deleted() -> NotFound:
    """The images existed, and were deleted or expired."""
    return NotFound("The images of this generation have been deleted.")


async def streamed(finished: Finished, headers: dict[str, str]) -> StreamingHttpResponse:
    """The answer with its images. Raises NotFound and Unavailable before anything is sent.

    An image that is removed from storage while the answer is under way cuts it short.
    """
    first = await _begin_once_all_exist(finished)
    mark = secrets.token_hex(16)
    answer = ImagesAnswer.render(with_base64(finished, mark))
    frame = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    parts = [part.encode() for part in frame.split(mark)]
    length = sum(map(len, parts))
    length += sum((image.size_bytes + 2) // 3 * 4 for image in finished.images)  # as base64
    return StreamingHttpResponse(
        _body(parts, finished, first),
        content_type="application/json",
        headers={**headers, "Content-Length": str(length)},
    )


async def _body(
    parts: list[bytes], finished: Finished, first: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    for index, (part, image) in enumerate(zip(parts, finished.images, strict=False)):
        yield part
        async for chunk in encode(image) if index else first:
            yield chunk
    yield parts[-1]


async def _begin_once_all_exist(finished: Finished) -> AsyncIterator[bytes]:
    """Begin the first image once all others are known to be on storage."""
    first, *others = finished.images
    if others:
        keys = [image.object_key for image in others]
        with _storage_errors_translated(finished):
            await _patiently(lambda: pools.storage(require, keys))
    return await begin(finished, first)


async def begin(finished: Finished, image: StoredImage) -> AsyncIterator[bytes]:
    """An image's base64 with its first chunk in hand. Raises NotFound and Unavailable."""

    async def first() -> tuple[bytes, AsyncIterator[bytes]]:
        chunks = encode(image)
        return await anext(chunks), chunks

    with _storage_errors_translated(finished):
        return _join(*await _patiently(first))


async def _patiently(read: Callable[[], Awaitable[T]]) -> T:
    """Storage's answer, asked again while the caller may wait."""
    async with asyncio.timeout(FIRST_CHUNK_SECONDS):
        while True:
            try:
                return await read()
            except ObjectMissing:
                raise
            except StorageFailed:
                await asyncio.sleep(AGAIN_SECONDS)


@contextmanager
def _storage_errors_translated(finished: Finished) -> Iterator[None]:
    """Turn failures of storage into the caller's errors."""
    try:
        yield
    except ObjectMissing:
        raise deleted() from None
    except (StorageFailed, TimeoutError):
        raise cannot_be_read(finished.generation) from None


async def _join(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk


async def encode(image: StoredImage) -> AsyncIterator[bytes]:
    """An image's bytes from storage as base64, in chunks that join without padding between."""
    left = b""
    async with aclosing(read_on_loop(image.object_key)) as pieces:
        async for piece in pieces:
            whole = left + piece
            end = len(whole) // 3 * 3
            left = whole[end:]
            if end:
                yield pybase64.b64encode(memoryview(whole)[:end])
    if left:
        yield pybase64.b64encode(left)
