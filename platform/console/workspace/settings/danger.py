"""Deletion of a workspace by its owner, who types its name and then the password."""

from allauth.account.decorators import reauthentication_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.services.office.erasure import check_deletion, delete_workspace
from console.workspace.access import Permission, Workspace, member
from console.workspace.settings.pages import page
from pictor.kit.words import clock


@require_POST
@member(Permission.DELETE)
def delete(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Delete the workspace, after its name and a fresh sign-in confirm it."""
    name = request.POST.get("name", "").strip()
    try:
        check_deletion(by=workspace.member, confirmation=name)
        answer: HttpResponse = _delete(request, workspace, name)
    except ValidationError as error:
        return page(request, workspace, deletion_refusal=" ".join(error.messages))
    return answer


@reauthentication_required  # type: ignore[untyped-decorator]  # it ships no types
def _delete(request: HttpRequest, workspace: Workspace, name: str) -> HttpResponse:
    delete_workspace(
        by=workspace.member,
        confirmation=name,
        now=clock.now(),
        ip=request.META.get("REMOTE_ADDR"),
    )
    return redirect(f"{reverse('workspace:choose')}?deleted=1")
