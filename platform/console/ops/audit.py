"""The audit log of all tenants and of the installation, filtered by the address; also as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.audit_log import EventFilter, all_events
from accounts.audit_words import ALL_KINDS, BY_STAFF, WORDS, object_words, sentence
from accounts.models import AuditEvent, Tenant
from accounts.selectors import emails_of, staff, tenant_as_shown
from console.ops.access import Operator, Permission
from console.ops.access import staff as page_of_staff
from console.parts.audit_events import AuditEntry, Thing, entry_of
from console.parts.exports import NARROW, Rows, csv_answer
from console.parts.filters import PAGE_ROWS, Read, chips_of, link_of, period_choices, words_in
from console.parts.periods import UTC_ZONE, Period, number_of, period_in, period_of
from console.parts.periods import WORDS as PERIODS
from pictor.kit.words import clock

ROWS_AT_ONCE = 500
"""Number of events that a CSV reads in one query."""
NO_TENANT = UUID(int=0)
"""Used for an unknown tenant name, so that its list is empty instead of showing all tenants."""
LABELS = {
    "action": "What",
    "who": "Who",
    "tenant": "Tenant",
    "about": "Id",
    "period": "Period",
}
COLUMNS = (
    *("at", "by", "did", "action", "object", "id", "tenant", "tenant_id"),
    *("before", "after", "ip"),
)


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """The filters in the address, as typed and as parsed; words without meaning are in neither."""

    query: Mapping[str, str]
    sought: EventFilter
    period: Period | None
    tenant: Tenant | None

    def words(self, name: str, word: str) -> str:
        match name:
            case "action":
                return ACTIONS.get(word) or f"{KIND_WORDS[word]}: anything"
            case "tenant":
                return self.tenant.name if self.tenant else word
            case "period":
                return dict(period_choices(word, self.period))[word]
        return word


def _action_label(action: str) -> str:
    """Describe an action for a choice: "Created the key …"."""
    words = sentence(action, "…", before={"": ""}, after={"reason": "…"})
    return words[:1].upper() + words[1:]


ACTIONS = {action: _action_label(action) for action in WORDS}
CHOICES: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = [
    (f"{kind}.", label, [choice for choice in ACTIONS.items() if choice[0].startswith(f"{kind}.")])
    for kind, label in {**ALL_KINDS, "webhook_endpoint": "Webhooks"}.items()
    if kind != "webhook"
]
"""Kinds of actions: the prefix of each, its label, and its actions with their labels."""
KIND_WORDS = {start: label for start, label, _ in CHOICES}


@page_of_staff(Permission.SEE)
@require_safe
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List events with their values before and after, newest first, filtered by the address."""
    filters = filters_of(request.GET)
    if request.GET.get("format") == "csv":
        return csv_answer("audit.csv", COLUMNS, pages_of(filters.sought), rest=NARROW)
    after = number_of(request.GET.get("after", ""))
    events = all_events(filters.sought, after=after, limit=PAGE_ROWS + 1)
    older = str(events[PAGE_ROWS - 1].pk) if len(events) > PAGE_ROWS else ""
    context = {
        "operator": operator,
        "entries": entries_for_staff(events[:PAGE_ROWS]),
        "filters": filters,
        "chips": chips_of(filters.query, LABELS, filters.words),
        "newest": link_of(filters.query) if after is not None else "",
        "older": link_of(filters.query, after=older) if older else "",
        "csv": link_of(filters.query, format="csv"),
        "choices": CHOICES,
        "periods": period_choices(filters.query.get("period", ""), filters.period),
        "people": [person.email for person in staff()],
    }
    return render(request, "ops/audit.html", context)


def filters_of(query: QueryDict) -> AuditSearch:
    """Read the filters from an address: see LABELS."""
    now = clock.now()
    readers: Mapping[str, Read] = {
        "action": lambda word: word if word in ACTIONS or word in KIND_WORDS else None,
        "who": str,
        "tenant": str,
        "about": str,
        "period": lambda word: (
            period_of(word, now, UTC_ZONE) if word in PERIODS else period_in(word, UTC_ZONE)
        ),
    }
    texts, meant = words_in(query, readers)
    period = meant.get("period")
    tenant = tenant_as_shown(texts["tenant"]) if "tenant" in texts else None
    of_none = NO_TENANT if "tenant" in texts else None
    sought = EventFilter(
        action=texts.get("action", ""),
        who=texts.get("who", ""),
        about=texts.get("about", ""),
        tenant_id=tenant.id if tenant else of_none,
        since=period.start if period else None,
        until=period.end if period else None,
    )
    return AuditSearch(texts, sought, period, tenant)


def entries_for_staff(events: Sequence[AuditEvent]) -> list[AuditEntry]:
    """Return entries as staff read them: with IP addresses and reasons; names link to filters."""
    people = [event.object_id for event in events if event.object_type == "user"]
    things = {
        person_id: Thing(email, person_id, _about(person_id))
        for person_id, email in emails_of(people).items()
    }
    return [
        entry_of(
            event,
            things,
            who=Thing(event.actor_name, page=link_of({}, who=_person(event.actor_name))),
            before=event.before,
            after=event.after,
            address=event.ip or "",
        )
        for event in events
    ]


def _about(object_id: str) -> str:
    return link_of({}, about=object_id)


def _person(actor_name: str) -> str:
    """Return the e-mail address of staff, or that a command acts as, or else the whole name."""
    _, acts_as, email = actor_name.removesuffix(")").partition(" as ")
    return email if acts_as else actor_name.removesuffix(BY_STAFF)


def pages_of(sought: EventFilter) -> Iterator[Rows]:
    """Read the filtered log newest first, ROWS_AT_ONCE events at a time."""
    after: int | None = None
    while page := all_events(sought, after=after, limit=ROWS_AT_ONCE):
        yield [_cells(entry) for entry in entries_for_staff(page)]
        after = page[-1].pk


def _cells(entry: AuditEntry) -> Sequence[Any]:
    event = entry.event
    return [
        event.at.isoformat(), event.actor_name, entry.did, event.action,
        object_words(event.object_type), event.object_id,
        event.tenant.name if event.tenant else "",
        event.tenant.public_id if event.tenant else "",
        *entry.cells, entry.address,
    ]  # fmt: skip
