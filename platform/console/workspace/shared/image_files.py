"""All images of a generation as one uncompressed zip file, read from storage as it is sent."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain

from django.http import StreamingHttpResponse

from console.parts.exports import read_in_threads
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
    """Stream them. Raises StorageFailed if the first one cannot be read."""
    chunks = zip_chunks(images)
    content = read_in_threads(chain([next(chunks)], chunks))
    answer = StreamingHttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return answer
