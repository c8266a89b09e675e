"""The small picture of a generation's first image."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from console.workspace.access import May, Workspace, member
from console.workspace.rows import one_of
from pictor.kit.spool import SpoolError
from pictor.kit.spools import process_spools
from storage.probe import NotAnImage
from storage.services import StorageFailed, signed_url
from storage.thumbnails import thumbnail_url


@require_safe
@member(May.SEE_GENERATIONS)
def thumbnail(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Where it is; the image itself where no small one can be made now."""
    images = one_of(workspace, generation).images
    if not images:
        raise Http404
    first = images[0]
    try:
        url = thumbnail_url(first, spools=process_spools().of(str(workspace.tenant.id)))
    except (StorageFailed, NotAnImage, SpoolError):
        url = signed_url(first.object_key, content_type=first.content_type)
    return redirect(url)
