"""The small pictures of a generation's first image."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from accounts import rates
from console.workspace.access import May, Workspace, member
from console.workspace.rows import one_of
from pictor.kit.spool import SpoolError
from pictor.kit.spools import process_spools
from storage.probe import NotAnImage
from storage.services import StorageFailed, signed_url, url_seconds
from storage.thumbnails import ICON, THUMBNAIL, is_made, small_url

KINDS = {"icon": ICON}


@require_safe
@member(May.SEE_GENERATIONS, take=rates.take_picture)
def thumbnail(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Where it is, or with `size=icon` the smallest; the image where none can be made now.

    A browser may keep the way there for as long as half of what its url is good for.
    """
    images = one_of(workspace, generation).images
    if not images:
        raise Http404
    first = images[0]
    kind = KINDS.get(request.GET.get("size", ""), THUMBNAIL)
    if not is_made(first, kind):
        rates.take_new_picture(workspace.user.id)
    try:
        seconds = url_seconds()
        with process_spools().scope(str(workspace.tenant.id)) as spools:
            url = small_url(first, kind, spools=spools)
    except (StorageFailed, NotAnImage, SpoolError):
        return redirect(signed_url(first.object_key, content_type=first.content_type))
    answer = redirect(url)
    patch_cache_control(answer, private=True, max_age=seconds // 2)
    return answer
