"""All images of a generation as one uncompressed zip file, read from storage as it is sent.

A large one is made in the background.
"""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from console.parts.exports import read_in_threads
from console.workspace.access import Permission, Workspace, member
from console.workspace.shared.content import one_of
from storage.models import StoredImage
from storage.services import StorageFailed, open_stream

MOST_BYTES = 200 * 1024**2
"""The most bytes of images that a person waits for; more are made in the background."""


@member(Permission.SEE_GENERATIONS)
def images_zip(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponseBase:
    """Return all images of a generation in one file, or redirect to its export if it is large."""
    images, here = one_of(workspace, generation).images, workspace.tenant.public_id
    if not images:
        raise Http404
    if sum(image.size_bytes for image in images) > MOST_BYTES:
        way = urlencode({"list": "images", "generation": generation})
        return redirect(f"{reverse('workspace:exports', args=[here])}?{way}")
    chunks = _zipped(images)
    try:
        first = next(chunks)
    except StorageFailed:
        messages.error(request, "The images cannot be read at the moment. Try again.")
        return redirect("workspace:generation", here, generation)
    return StreamingHttpResponse(
        read_in_threads(chain([first], chunks)),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{generation}.zip"'},
    )


def chunks_of(workspace: Workspace, query: QueryDict, at: datetime) -> Iterator[bytes]:
    """Yield the file of an export. Raises PermissionDenied if the generation is not theirs."""
    del at
    try:
        images = one_of(workspace, query.get("generation", "")).images
    except Http404:
        raise PermissionDenied from None
    yield from _zipped(images)


class _Sent(bytearray):
    """Where a zip file is written: what came since the last look. It cannot be sought in."""

    def write(self, data: bytes) -> int:
        self += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def take(self) -> bytes:
        taken = bytes(self)
        self.clear()
        return taken


def _zipped(images: Sequence[StoredImage]) -> Iterator[bytes]:
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
