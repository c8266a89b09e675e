"""A workspace's data as files: all of it, or a long list; made by the short-work worker."""

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from console.parts.exports import query_of
from console.parts.page_query import pass_on
from console.workspace.access import POST, Permission, Workspace, member, rendered
from console.workspace.exports.lists import LISTS, ExportedList
from console.workspace.settings.pages import page
from pictor.kit.words import clock
from storage.exports import ask_for_export, export_url
from storage.models import TenantExport
from storage.selectors import export_of, list_exports_of


@member(Permission.MANAGE, POST)
def ask(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Request an export; the requester gets a mail."""
    here = reverse("workspace:settings", args=[workspace.tenant.public_id])
    try:
        _ask(request, workspace, here)
    except ValidationError as error:
        return page(request, workspace, export_refusal=" ".join(error.messages))
    return redirect(f"{here}#export")


@member()
def lists(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the list files this member requested; with `list`, offer to request that one."""
    pass_on(request.GET)
    return _lists(request, workspace, query_of(request))


@member(methods=POST)
def ask_for_list(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Request a list with its filters; the requester gets a mail."""
    here = reverse("workspace:exports", args=[workspace.tenant.public_id])
    query = QueryDict(request.POST.get("query", ""))
    name, filters = _split_query(query)
    _list_or_404(workspace, name)
    try:
        _ask(request, workspace, here, list_name=name, list_query=filters)
    except ValidationError as error:
        return _lists(request, workspace, query, refusal=" ".join(error.messages))
    return redirect(here)


def _ask(request: HttpRequest, workspace: Workspace, here: str, **of: str) -> None:
    ask_for_export(
        tenant=workspace.tenant,
        user=workspace.user,
        page_url=request.build_absolute_uri(here),
        now=clock.now(),
        ip=request.META.get("REMOTE_ADDR"),
        **of,
    )


@member()
def download(request: HttpRequest, workspace: Workspace, export: str) -> HttpResponse:
    """Redirect to the file, at an address that is valid for some minutes."""
    del request
    found = export_of(workspace.tenant.id, export, now=clock.now())
    if found is None or not _is_for(found, workspace):
        raise Http404
    return redirect(export_url(found))


def _is_for(export: TenantExport, workspace: Workspace) -> bool:
    """True if the member may download the export; a list is only for its requester."""
    if not export.list_name:
        return Permission.MANAGE in workspace.may
    is_theirs = export.asked_by_id == workspace.user.id
    return is_theirs and LISTS[export.list_name].needs in workspace.may


def _list_or_404(workspace: Workspace, name: str) -> ExportedList:
    listed = LISTS.get(name)
    if listed is None or listed.needs not in workspace.may:
        raise Http404
    return listed


def _split_query(query: QueryDict) -> tuple[str, str]:
    filters = query.copy()
    (name,) = (filters.pop("list", None) or [""])[-1:]
    return str(name), filters.urlencode()


def _lists(
    request: HttpRequest, workspace: Workspace, query: QueryDict, *, refusal: str = ""
) -> HttpResponse:
    name, filters = _split_query(query)
    exports = list_exports_of(workspace.tenant.id, workspace.user.id)
    context = {
        "wanted": _list_or_404(workspace, name) if name else None,
        "query": query.urlencode(),
        "filters": filters,
        "exports": [(export, LISTS[export.list_name].words) for export in exports],
        "is_being_made": any(export.is_being_made for export in exports),
        "refusal": refusal,
    }
    return rendered(request, workspace, "workspace/exports.html", context, refused=refusal)
