"""The audit log: changes, filtered by the query string, as a page and as CSV."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase, QueryDict

from accounts.audit_log import audit_page
from accounts.audit_words import KINDS, KINDS_OF_CARDS, OURS, SUPPORT
from accounts.selectors.office.members import members_of
from billing.selectors.office.payments import cards_on
from console.parts.audit_columns import ABOUT, CELLS, CSV, first_columns, last_columns
from console.parts.audit_events import AuditEntry
from console.parts.exports import Rows
from console.parts.filters import like
from console.parts.listing import Filter, Listing, RowPage, Search, understood
from console.parts.periods import number_of
from console.workspace.access import Permission, Workspace, member
from console.workspace.shared.audit_events import entries_for_tenant
from console.workspace.shared.long_lists import ordering

_ACTION = re.compile(r"[a-z_.]{1,60}", re.ASCII)
COLUMNS = tuple(CSV)


def _log_of(workspace: Workspace, *, rest: str = "") -> Listing[AuditEntry]:
    """Return the workspace's log, newest first; `rest` says how to get a whole long file."""

    def read(meant: dict[str, Any], after: str, limit: int) -> RowPage[AuditEntry]:
        events = audit_page(
            workspace.tenant.id,
            before=number_of(after),
            action=meant.get("action", ""),
            who=meant.get("actor", ""),
            about=meant.get("about", ""),
            limit=limit + 1,
        )
        following = str(events[limit - 1].pk) if events[limit:] else ""
        return RowPage(entries_for_tenant(workspace, events[:limit]), following)

    def people() -> list[str]:
        members = members_of(workspace.tenant.id)
        return [*(membership.user.email for membership in members), OURS, SUPPORT]

    kinds = {**KINDS, **(KINDS_OF_CARDS if cards_on() else {})}
    return Listing(
        name="audit",
        title="Audit log",
        lead="Who did what, and from where. Entries cannot be changed or deleted, and contain no"
        " secrets.",
        things="entries",
        needs=Permission.SEE_AUDIT,
        order="newest first",
        read=read,
        filters={
            "action": Filter(
                label="What",
                read=understood(like(_ACTION), "“{}” is no kind of change."),
                words=lambda kind: kinds.get(kind, kind),
                choices=lambda _search: [*kinds.items()],
            ),
            "actor": Filter(label="Who", suggests=people),
            "about": ABOUT,
        },
        columns=[*first_columns(workspace.tenant.time_zone), *last_columns(CSV)],
        empty=("Nothing was changed", "Changes to keys, members, limits and money appear here."),
        rest=rest,
        cell_template=CELLS,
    )


@member(Permission.SEE_AUDIT)
def audit(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show changes with actor, address and values, newest first, filtered by the query string."""
    way = ordering(request, workspace.tenant.public_id, "audit")
    log = _log_of(workspace, rest=f"make the whole file at {way}")
    return log.answer(request, "workspace/base.html", {"workspace": workspace})


def pages_of(workspace: Workspace, query: QueryDict, at: datetime) -> Iterator[Rows]:
    """Yield the filtered log in pages, newest first, as it is now."""
    del at
    log = _log_of(workspace)
    return log.lines(Search(log, query))
