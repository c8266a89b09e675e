"""The audit log: who changed what, with the names that people and things go by now."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import AuditEvent
from accounts.selectors import audit_page, emails_of, members_of
from console.workspace.access import May, Workspace, keys_of, member
from console.workspace.exports import Rows, csv_answer
from console.workspace.periods import number_of
from webhooks.selectors import endpoints_of

PAGE = 50
READ = 500
"""Events that a CSV reads at once."""
KINDS = {
    "": "All",
    "api_key": "Keys",
    "member": "Members",
    "tenant": "Workspace",
    "balance": "Balance",
    "webhook": "Webhooks",
}
"""What a list of events is narrowed to by one click; any beginning of an action will do."""
AUDITED_BY = ("action", "actor", "about")
_ACTION = re.compile(r"[a-z_.]{1,60}", re.ASCII)
COLUMNS = ("at", "by", "action", "object", "id", "before", "after", "ip")
_BY_KEY = re.compile(r"API key (key_\w+)", re.ASCII)
"""The actor of what was done through the API."""
_NAMES = ("name", "email", "url")
"""What an event calls the thing by that it is about, where it does."""


@require_safe
@member(May.SEE_AUDIT)
def audit(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Who did what, from where, before and after; newest first, filtered as the address says."""
    said = {name: request.GET.get(name, "").replace("\0", "").strip() for name in AUDITED_BY}
    if not _ACTION.fullmatch(said["action"]):
        said["action"] = ""
    if request.GET.get("format") == "csv":
        return csv_answer("audit.csv", COLUMNS, _pages(workspace, said))
    before_id = number_of(request.GET.get("before", ""))
    events = audit_page(workspace.tenant.id, before=before_id, **said, limit=PAGE + 1)
    kept = {name: word for name, word in said.items() if word}
    context = {
        "workspace": workspace,
        "events": _named(workspace, events[:PAGE]),
        "newest": f"?{urlencode(kept)}" if before_id is not None else "",
        "older": f"?{urlencode({**kept, 'before': events[PAGE - 1].pk})}"
        if len(events) > PAGE
        else "",
        "csv": f"?{urlencode({**kept, 'format': 'csv'})}",
        "said": said,
        "is_filtered": bool(kept),
        "kinds": KINDS.items(),
        "people": [one.user.email for one in members_of(workspace.tenant.id)],
    }
    return render(request, "workspace/audit.html", context)


@dataclass(frozen=True, slots=True)
class Thing:
    """A person, a key, an endpoint or the workspace: its name and its page, if there are any."""

    name: str
    id: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, with who did it and what it was done to."""

    event: AuditEvent
    who: Thing
    what: Thing


def _named(workspace: Workspace, events: Sequence[AuditEvent]) -> list[Entry]:
    """Events with names. What has none now goes by that in the event, or by what it is."""
    things = _things(workspace, events)

    def named(event: AuditEvent) -> Entry:
        by_key = _BY_KEY.fullmatch(event.actor_name)
        who = things.get(by_key[1]) if by_key else None
        said = {**(event.before or {}), **(event.after or {})}
        kind = event.object_type.replace("_", " ").capitalize()
        name = next((str(said[word]) for word in _NAMES if said.get(word)), kind)
        what = things.get(event.object_id) or Thing(name, event.object_id)
        return Entry(event, who or Thing(event.actor_name), what)

    return [named(event) for event in events]


def _things(workspace: Workspace, events: Sequence[AuditEvent]) -> dict[str, Thing]:
    """What the events are about, by its id in them; three queries at most."""
    tenant = workspace.tenant
    kinds = {event.object_type for event in events}
    people = [event.object_id for event in events if event.object_type == "user"]
    found = {tenant.public_id: Thing(tenant.shown_name, tenant.public_id)}
    found |= {person: Thing(email, person) for person, email in emails_of(people).items()}
    for key in keys_of(workspace):
        page = reverse("workspace:key", args=[tenant.public_id, key.public_id])
        found[key.public_id] = Thing(key.name or "Unnamed", key.public_id, page)
    for one in endpoints_of(tenant.id) if "webhook_endpoint" in kinds else ():
        page = reverse("workspace:webhook", args=[tenant.public_id, one.public_id])
        found[one.public_id] = Thing(one.url, one.public_id, page)
    return found


def _pages(workspace: Workspace, said: Mapping[str, str]) -> Iterator[Rows]:
    before: int | None = None
    while page := audit_page(workspace.tenant.id, before=before, **said, limit=READ):
        yield [
            [
                one.at.isoformat(), one.actor_name, one.action, one.object_type, one.object_id,
                _json(one.before), _json(one.after), one.ip or "",
            ]
            for one in page
        ]  # fmt: skip
        before = page[-1].pk


def _json(said: object) -> str:
    return json.dumps(said, ensure_ascii=False) if said else ""
