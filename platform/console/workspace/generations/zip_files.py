"""The file with all images of a generation: streamed, or made in the background if it is large."""

from collections.abc import Iterator
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from console.workspace.access import Permission, Workspace, member
from console.workspace.shared import image_files
from console.workspace.shared.content import one_of
from storage.services import StorageFailed


@member(Permission.SEE_GENERATIONS)
def images_zip(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponseBase:
    """Return all images of a generation in one file, or redirect to its export if it is large."""
    images, here = one_of(workspace, generation).images, workspace.tenant.public_id
    if not images:
        raise Http404
    if sum(image.size_bytes for image in images) > image_files.MOST_BYTES:
        way = urlencode({"list": "images", "generation": generation})
        return redirect(f"{reverse('workspace:exports', args=[here])}?{way}")
    try:
        return image_files.zip_answer(generation, images)
    except StorageFailed:
        messages.error(request, "The images cannot be read at the moment. Try again.")
        return redirect("workspace:generation", here, generation)


def chunks_of(workspace: Workspace, query: QueryDict, at: datetime) -> Iterator[bytes]:
    """Yield the file of an export. Raises PermissionDenied if the generation is not theirs."""
    del at
    try:
        images = one_of(workspace, query.get("generation", "")).images
    except Http404:
        raise PermissionDenied from None
    yield from image_files.zip_chunks(images)
