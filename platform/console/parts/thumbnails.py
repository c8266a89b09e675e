"""The small pictures of a generation's first image."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control

from accounts import rates
from generation.selectors import Finished
from pictor.kit.bytes.spool import SpoolError
from pictor.kit.bytes.spools import process_spools
from storage.probe import NotAnImage
from storage.services import StorageFailed, signed_url, url_seconds
from storage.thumbnails import ICON, THUMBNAIL, is_made, small_url

KINDS = {"icon": ICON}


def small_picture(one: Finished, size: str, *, viewer: UUID) -> HttpResponse:
    """Where it is, for `icon` the smallest; the image where none can be made now.

    A browser may keep the way there for as long as half of what its url is good for.

    Args:
        one: whose first image it is; Http404 where there is none.
        size: a word of KINDS; the larger one for any other.
        viewer: the person who looks. RateLimited after too many that had to be made.
    """
    if not one.images:
        raise Http404
    first = one.images[0]
    kind = KINDS.get(size, THUMBNAIL)
    if not is_made(first, kind):
        rates.take_new_picture(viewer)
    try:
        seconds = url_seconds()
        with process_spools().scope(str(one.generation.tenant_id)) as spools:
            url = small_url(first, kind, spools=spools)
    except (StorageFailed, NotAnImage, SpoolError):
        return redirect(signed_url(first.object_key, content_type=first.content_type))
    answer = redirect(url)
    patch_cache_control(answer, private=True, max_age=seconds // 2)
    return answer
