"""Thumbnails of a workspace's generations."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import rates
from console.parts.thumbnails import small_picture
from console.workspace.access import Permission, Workspace, member
from console.workspace.shared.owned import one_of


@require_safe
@member(Permission.SEE_GENERATIONS, take=rates.take_picture)
def thumbnail(request: HttpRequest, workspace: Workspace, generation: str) -> HttpResponse:
    """Return the thumbnail of the first image; with `size=icon` the smallest."""
    finished = one_of(workspace, generation)
    return small_picture(finished, request.GET.get("size", ""), viewer=workspace.user.id)
