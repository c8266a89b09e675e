"""The small pictures of a generation's first image."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from console.workspace.access import May, Workspace, member
from console.workspace.rows import one_of
from pictor.kit.spool import SpoolError
from pictor.kit.spools import process_spools
from storage.probe import NotAnImage
from storage.services import StorageFailed, signed_url
from storage.thumbnails import ICON, THUMBNAIL, small_url

KINDS = {"icon": ICON}


@require_safe
@member(May.SEE_GENERATIONS)
def thumbnail(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Where it is, or with `size=icon` the smallest; the image where none can be made now."""
    images = one_of(workspace, generation).images
    if not images:
        raise Http404
    first, spools = images[0], process_spools().of(str(workspace.tenant.id))
    try:
        url = small_url(first, KINDS.get(request.GET.get("size", ""), THUMBNAIL), spools=spools)
    except (StorageFailed, NotAnImage, SpoolError):
        url = signed_url(first.object_key, content_type=first.content_type)
    return redirect(url)
