"""All that is kept of a workspace as one file: asked for here, made by the short-work worker."""

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from console.workspace.access import May, Workspace, member
from console.workspace.settings import page
from pictor.kit import clock
from storage.exports import ask_for_export, export_url
from storage.selectors import export_of


@require_POST
@member(May.MANAGE)
def ask(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Have it made; the asker gets a mail."""
    tenant = workspace.tenant
    here = reverse("workspace:settings", args=[tenant.public_id])
    try:
        ask_for_export(
            tenant=tenant,
            user=workspace.user,
            page_url=request.build_absolute_uri(here),
            now=clock.now(),
            ip=request.META.get("REMOTE_ADDR"),
        )
    except ValidationError as error:
        return page(request, workspace, export_refusal=" ".join(error.messages))
    return redirect(f"{here}#export")


@require_safe
@member(May.MANAGE)
def download(request: HttpRequest, workspace: Workspace, export: str) -> HttpResponse:
    """To the file, by an address that is good for some minutes."""
    del request
    found = export_of(workspace.tenant.id, export, now=clock.now())
    if found is None:
        raise Http404
    return redirect(export_url(found))
