"""Reads of the audit log: one tenant's events as the tenant sees them, and all events for staff."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from accounts.audit_words import (
    API_KEY,
    AT_THE_SHELL,
    OURS,
    SUPPORT,
    name_in,
    object_words,
    readable,
    sentence,
)
from accounts.models import AuditEvent, Membership, OperatorKey, User
from accounts.models.records import BY_STAFF
from pictor.kit.database.cursors import first_column
from pictor.kit.database.row_pages import in_pages

_HANDS = """
WITH RECURSIVE hand(name) AS (
    SELECT 'manage.py ('::varchar
    UNION ALL
    SELECT (
        SELECT actor_name FROM accounts_auditevent
         WHERE actor_name ~>~ hand.name AND actor_name ~<~ 'manage.py )'
         ORDER BY actor_name USING ~<~ LIMIT 1
    ) FROM hand WHERE hand.name IS NOT NULL
)
SELECT name FROM hand WHERE name IS NOT NULL
"""
"""The distinct names of commands with a person in brackets, found by jumping through the index."""
SUPPORTS = ("support.open", "support.end")
"""Actions that only staff take, even if they are members of the tenant."""
_COLUMNS = ("id", "actor_id", "actor_name", "action", "object_type", "object_id")


def audit_page(
    tenant_id: UUID,
    *,
    before: int | None = None,
    action: str = "",
    who: str = "",
    about: str = "",
    limit: int,
) -> list[AuditEvent]:
    """Return a page of a tenant's audit events, newest first, each with `is_ours` and its actor.

    `before` is an event id, `action` a prefix, `who` a name as `author` returns it, and `about` the
    id of the changed object. Empty values match everything.
    """
    events = _of_tenant(tenant_id).filter(action__startswith=action).select_related("actor")
    if who:
        events = events.filter(_by(who))
    if about:
        events = events.filter(object_id=about)
    if before is not None:
        events = events.filter(id__lt=before)
    return list(events.order_by("-id")[:limit])


def audit_events_about(
    tenant_id: UUID, object_type: str, object_id: str, *, limit: int
) -> list[AuditEvent]:
    """Return the events about one of a tenant's objects, newest first; like `audit_page`."""
    events = _of_tenant(tenant_id).filter(object_type=object_type, object_id=object_id)
    return list(events.select_related("actor").order_by("-id")[:limit])


def audit_events_of(tenant_id: UUID) -> Iterator[Mapping[str, Any]]:
    """Yield a tenant's audit log as the tenant may export it, oldest first, read in pages."""
    columns = (*_COLUMNS, "before", "after", "ip", "at", "is_ours", "actor__name")
    return (_export_row(row) for row in in_pages(_of_tenant(tenant_id).values(*columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """A filter over the events of all tenants; empty values and None match everything."""

    action: str = ""
    """A prefix of the action: `api_key.` or `api_key.issue`."""
    who: str = ""
    """The actor: an e-mail address, which also finds commands run as that person, or a program's
    name."""
    about: str = ""
    """The id of the event's object."""
    tenant_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def all_events(sought: EventFilter, *, after: int | None = None, limit: int) -> list[AuditEvent]:
    """Return events of all tenants and of the installation, newest first, each with its tenant.

    `after` is the id of the last event on the page before. Staff's notes are included.
    """
    wanted = {
        "action__startswith": sought.action,
        "object_id": sought.about,
        "tenant_id": sought.tenant_id,
        "at__gte": sought.since,
        "at__lt": sought.until,
    }
    events = AuditEvent.objects.filter(**{name: word for name, word in wanted.items() if word})
    if sought.who:
        events = events.filter(actor_name__in=_names_of(sought.who))
    last = after and AuditEvent.objects.filter(id=after).values_list("at", flat=True).first()
    if last:
        events = events.filter(Q(at__lt=last) | Q(at=last, id__lt=after), at__lte=last)
    return list(events.select_related("tenant").order_by("-at", "-id")[:limit])


def _names_of(who: str) -> list[str]:
    """The name itself, as staff's, and those of commands and keys that acted for that person."""
    keys = OperatorKey.objects.filter(made_by__email=who).values_list("name", flat=True)
    names = [who, *(f"{who} (key {key})" for key in keys)]
    hands = first_column(_HANDS)
    return [
        *names,
        *(name + BY_STAFF for name in names),
        *(name for name in hands if name.endswith(f" as {who})") or who == AT_THE_SHELL),
    ]


def author(event: AuditEvent) -> str:
    """The actor as the tenant reads it: its own people by name, ours without an address."""
    name, is_ours = event.actor.name if event.actor else "", event.is_ours  # type: ignore[attr-defined]  # annotated by the reads above
    return author_name(event.actor_name, name, is_ours=is_ours, has_actor=bool(event.actor_id))


def support_name(person: User | None) -> str:
    """One of our people as a tenant reads them."""
    return author_name("", person.name if person else "", is_ours=True, has_actor=True)


def address_of(event: AuditEvent) -> str:
    """The IP address of one of the tenant's own people; empty for ours."""
    return "" if event.is_ours else event.ip or ""  # type: ignore[attr-defined]  # annotated by the reads above


def author_name(actor_name: str, person: str, *, is_ours: bool, has_actor: bool) -> str:
    """The actor's name as the tenant reads it; `person` is the name of the actor, if one acted."""
    if not is_ours:
        return actor_name
    first = person.split()[:1]
    return f"{SUPPORT} ({first[0]})" if has_actor and first else SUPPORT if has_actor else OURS


def _export_row(row: Mapping[str, Any]) -> dict[str, Any]:
    before, after, action = row["before"], row["after"], row["action"]
    who = author_name(
        row["actor_name"],
        row["actor__name"] or "",
        is_ours=row["is_ours"],
        has_actor=row["actor_id"] is not None,
    )
    what = name_in(row["object_type"], row["object_id"], before, after)
    return {
        "id": row["id"],
        "at": row["at"],
        "by": who,
        "action": sentence(action, what, before=before, after=after),
        "object": object_words(row["object_type"]),
        "object_id": row["object_id"],
        "before": readable(action, before),
        "after": readable(action, after),
        "ip": None if row["is_ours"] else row["ip"],
    }


def _of_tenant(tenant_id: UUID) -> QuerySet[AuditEvent]:
    """A tenant's events; `is_ours` unless one of its keys or its past or present members acted.

    Members who acted as staff are ours.
    """
    mine = Membership.objects.filter(tenant_id=tenant_id, user_id=OuterRef("actor_id"))
    joined = AuditEvent.objects.filter(
        tenant_id=tenant_id,
        object_type="user",
        object_id=Cast(OuterRef("actor_id"), CharField()),
    )
    by_key = Q(actor=None, actor_name__startswith=API_KEY)
    by_staff = Q(action__in=SUPPORTS) | Q(actor_name__endswith=BY_STAFF)
    by_tenant = (by_key | Exists(mine) | Exists(joined)) & ~by_staff
    return AuditEvent.objects.filter(tenant_id=tenant_id).annotate(is_ours=~by_tenant)


def _by(who: str) -> Q:
    """Match events by the name that `author` returns."""
    if who == OURS:
        return Q(is_ours=True, actor=None)
    if who == SUPPORT:
        return Q(is_ours=True, actor__isnull=False)
    name, _, first = who.removesuffix(")").partition(" (")
    if name == SUPPORT:
        named = Q(actor__name=first) | Q(actor__name__startswith=f"{first} ")
        # A tenant reads only the first name: further words would be a guess at the rest.
        return Q(is_ours=True) & named if first.split() == [first] else Q(pk__in=())
    return Q(is_ours=False, actor_name=who)
