"""The audit log of all tenants and of the installation."""

from collections.abc import Sequence
from dataclasses import replace

from django.urls import reverse

from accounts.audit_log import EventFilter, all_events
from accounts.audit_words import ALL_KINDS, KINDS_OF_CARDS, OF_CARDS, WORDS, sentence
from accounts.models import AuditEvent
from accounts.models.records import BY_STAFF
from accounts.selectors.office.people import emails_of, staff
from billing.selectors.office.payments import cards_on
from console.ops.access import Permission
from console.ops.lists import TENANT
from console.parts.audit_columns import ABOUT, CELLS, CSV, first_columns, last_columns
from console.parts.audit_events import AuditEntry, Thing, entry_of
from console.parts.cells import Cell, Column
from console.parts.filters import link_of
from console.parts.list_filters import periods, span_in
from console.parts.listing import Filter, Listing, RowPage, Search, chosen
from console.parts.periods import number_of


def _action_label(action: str) -> str:
    """Describe an action for a choice: "Created the key …"."""
    words = sentence(action, "…", before={"": ""}, after={"reason": "…"})
    return words[:1].upper() + words[1:]


ACTIONS = {action: _action_label(action) for action in WORDS}
CHOICES = [
    (
        label,
        [
            (f"{kind}.", f"{label}: anything"),
            *(choice for choice in ACTIONS.items() if choice[0].startswith(f"{kind}.")),
        ],
    )
    for kind, label in {**ALL_KINDS, **KINDS_OF_CARDS, "webhook_endpoint": "Webhooks"}.items()
    if kind != "webhook"
]
"""Kinds of actions: the label of each, and its prefix and actions with their labels."""


def _choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The kinds of actions that there are here."""
    if cards_on():
        return CHOICES
    here = [(name, group) for name, group in CHOICES if name not in KINDS_OF_CARDS.values()]
    return [(name, [one for one in group if one[0] not in OF_CARDS]) for name, group in here]


def _query(search: Search[AuditEntry]) -> EventFilter:
    meant, (since, until) = search.meant, span_in(search)
    return EventFilter(
        action=meant.get("action", ""),
        who=meant.get("who", ""),
        about=meant.get("about", ""),
        tenant_id=meant["tenant"].id if "tenant" in meant else None,
        since=since,
        until=until,
    )


def _read(sought: EventFilter, after: str, limit: int) -> RowPage[AuditEntry]:
    events = all_events(sought, after=number_of(after), limit=limit + 1)
    following = str(events[limit - 1].pk) if events[limit:] else ""
    return RowPage(_entries(events[:limit]), following)


def _entries(events: Sequence[AuditEvent]) -> list[AuditEntry]:
    """Return entries as staff read them: with IP addresses and reasons; names link to filters."""
    people = [event.object_id for event in events if event.object_type == "user"]
    things = {
        person_id: Thing(email, person_id, link_of({}, about=person_id))
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


def _person(actor_name: str) -> str:
    """Return the e-mail address of staff, or that a command acts as, or else the whole name."""
    _, acts_as, email = actor_name.removesuffix(")").partition(" as ")
    return email if acts_as else actor_name.removesuffix(BY_STAFF).partition(" (key ")[0]


def _tenant(entry: AuditEntry) -> Cell:
    tenant = entry.event.tenant
    return Cell(tenant.name, reverse("ops:tenant", args=[tenant.public_id])) if tenant else Cell()


AUDIT = Listing[AuditEntry](
    name="audit",
    title="Audit log",
    lead="Every change in this installation, by whom, with before and after. Customers see neither"
    " our addresses nor our notes.",
    things="events",
    needs=Permission.SEE,
    order="newest first",
    query=_query,
    read=_read,
    filters={
        "action": replace(
            chosen(
                "What",
                {action: words for _, group in CHOICES for action, words in group},
                every="Anything",
            ),
            choices=lambda _search: _choices(),
        ),
        "who": Filter(label="Who", suggests=lambda: [person.email for person in staff()]),
        "tenant": TENANT,
        "about": ABOUT,
        "period": periods("Period, UTC", chip="Period"),
    },
    columns=[
        *first_columns("UTC"),
        Column(title="Tenant", cell=_tenant),
        *last_columns(
            {
                "at": CSV["at"],
                "by": lambda entry: entry.event.actor_name,
                "did": CSV["action"],
                "action": lambda entry: entry.event.action,
                "object": CSV["object"],
                "id": CSV["id"],
                "tenant": lambda entry: entry.event.tenant.name if entry.event.tenant else "",
                "tenant_id": lambda entry: (
                    entry.event.tenant.public_id if entry.event.tenant else ""
                ),
                "before": CSV["before"],
                "after": CSV["after"],
                "ip": CSV["ip"],
            }
        ),
    ],
    empty=("No events yet", "Every change appears here, with the person who made it."),
    cell_template=CELLS,
)
