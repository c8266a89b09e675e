"""The audit log: changes, filtered by the query string, as a page and as CSV."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.audit_log import audit_page
from accounts.audit_words import KINDS, OURS, SUPPORT, object_words
from accounts.models import AuditEvent
from accounts.selectors import members_of
from console.parts import exports
from console.parts.exports import Rows
from console.parts.filters import PAGE_ROWS
from console.parts.periods import number_of
from console.workspace.access import Permission, Workspace, member
from console.workspace.shared.audit_events import entries_for_tenant
from console.workspace.shared.long_lists import ordering
from pictor.kit.words import clock

ROWS_AT_ONCE = 500
"""The number of events that a CSV reads at once."""
AUDITED_BY = ("action", "actor", "about")
_ACTION = re.compile(r"[a-z_.]{1,60}", re.ASCII)
COLUMNS = ("at", "by", "action", "object", "id", "before", "after", "ip")


@require_safe
@member(Permission.SEE_AUDIT)
def audit(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show changes with actor, address and values, newest first, filtered by the query string."""
    if request.GET.get("format") == "csv":
        way = ordering(request, workspace.tenant.public_id, "audit")
        pages = pages_of(workspace, request.GET, clock.now())
        return exports.csv_answer("audit.csv", COLUMNS, pages, rest=f"make the whole file at {way}")
    filters = _filters_in(request.GET)
    before_id = number_of(request.GET.get("before", ""))
    events = _page(workspace, filters, before=before_id, limit=PAGE_ROWS + 1)
    kept = {name: word for name, word in filters.items() if word}
    context = {
        "workspace": workspace,
        "entries": entries_for_tenant(workspace, events[:PAGE_ROWS]),
        "newest": f"?{urlencode(kept)}" if before_id is not None else "",
        "older": f"?{urlencode({**kept, 'before': events[PAGE_ROWS - 1].pk})}"
        if len(events) > PAGE_ROWS
        else "",
        "csv": f"?{urlencode({**kept, 'format': 'csv'})}",
        "query": filters,
        "is_filtered": bool(kept),
        "kinds": {"": "All", **KINDS}.items(),
        "people": [
            *(membership.user.email for membership in members_of(workspace.tenant.id)),
            OURS,
            SUPPORT,
        ],
    }
    return render(request, "workspace/audit.html", context)


def _filters_in(query: QueryDict) -> dict[str, str]:
    """The list's filters; invalid values are empty."""
    filters = {name: query.get(name, "").replace("\0", "").strip() for name in AUDITED_BY}
    if not _ACTION.fullmatch(filters["action"]):
        filters["action"] = ""
    return filters


def pages_of(workspace: Workspace, query: QueryDict, at: datetime) -> Iterator[Rows]:
    """Yield the filtered log in pages, newest first, as it is now."""
    del at
    filters = _filters_in(query)
    before: int | None = None
    while page := _page(workspace, filters, before=before, limit=ROWS_AT_ONCE):
        yield [
            [
                entry.event.at.isoformat(), entry.who.name, entry.did,
                object_words(entry.event.object_type), entry.event.object_id,
                *entry.cells, entry.address,
            ]
            for entry in entries_for_tenant(workspace, page)
        ]  # fmt: skip
        before = page[-1].pk


def _page(
    workspace: Workspace, filters: Mapping[str, str], *, before: int | None, limit: int
) -> list[AuditEvent]:
    return audit_page(
        workspace.tenant.id,
        before=before,
        action=filters["action"],
        who=filters["actor"],
        about=filters["about"],
        limit=limit,
    )
