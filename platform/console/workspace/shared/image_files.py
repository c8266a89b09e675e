"""All images of a generation as one uncompressed zip file, read from storage as it is sent."""

import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from storage.models import StoredImage
from storage.services import open_stream

MOST_BYTES = 200 * 1024**2
"""The most bytes of images that a person waits for; more are made in the background."""


class _Sent:
    """Where a zip file is written: what came since the last look. It cannot be sought in."""

    def __init__(self) -> None:
        self.pending = bytearray()

    def write(self, data: bytes) -> int:
        self.pending += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def take(self) -> bytes:
        taken = bytes(self.pending)
        self.pending.clear()
        return taken


def zip_chunks(images: Sequence[StoredImage]) -> Iterator[bytes]:
    """Yield the file with these images, each under its id. Raises StorageFailed."""
    sent = _Sent()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_STORED) as file:  # type: ignore[call-overload]  # it needs no more of a file
        for image in images:
            made = image.created_at.timetuple()[:6]
            entry = zipfile.ZipInfo(f"{image.public_id}.{image.format}", made)
            with file.open(entry, "w") as part, closing(open_stream(image.object_key)) as stream:
                for chunk in stream:
                    part.write(chunk)
                    yield sent.take()
    yield sent.take()


def zip_answer(name: str, images: Sequence[StoredImage]) -> StreamingHttpResponse:
    """Stream them; a thread reads the next piece once the one before was taken.

    Raises StorageFailed if the first one cannot be read.
    """
    chunks = zip_chunks(images)
    first = next(chunks)

    async def content() -> AsyncIterator[bytes]:
        yield first
        while (chunk := await sync_to_async(_next)(chunks)) is not None:
            yield chunk

    answer = StreamingHttpResponse(content(), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return answer


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)
