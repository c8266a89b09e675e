"""Thumbnails of a generation's first image."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control

from accounts import rates
from generation.selectors import Finished
from pictor.kit.bytes.spool import SpoolError
from pictor.kit.bytes.spools import process_spools
from storage.containers.pieces import NotAnImage
from storage.services import StorageFailed, signed_url, url_seconds
from storage.thumbnails import ICON, THUMBNAIL, is_made, small_url


def small_picture(finished: Finished, size: str, *, viewer: UUID) -> HttpResponse:
    """Redirect to the thumbnail, or to the image if no thumbnail can be made now.

    A browser may cache the redirect for half as long as its url is valid.

    Args:
        finished: the generation; Http404 without images.
        size: "icon"; any other value gives the larger thumbnail.
        viewer: the person who looks; RateLimited after too many thumbnails had to be made.
    """
    if not finished.images:
        raise Http404
    first = finished.images[0]
    kind = ICON if size == "icon" else THUMBNAIL
    if not is_made(first, kind):
        rates.take_new_picture(viewer)
    try:
        seconds = url_seconds()
        with process_spools().scope(str(finished.generation.tenant_id)) as spools:
            url = small_url(first, kind, spools=spools)
    except (StorageFailed, NotAnImage, SpoolError):
        return redirect(signed_url(first.object_key, content_type=first.content_type))
    answer = redirect(url)
    patch_cache_control(answer, private=True, max_age=seconds // 2)
    return answer
