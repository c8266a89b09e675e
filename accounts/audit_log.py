"""Reads of the audit log: a tenant's own, as it reads it, and that of all for our people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
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
from accounts.models import AuditEvent, Membership
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
"""Each name of a command with a hand on it, once: from one to the next by the index."""
SUPPORTS = ("support.open", "support.end")
"""Actions of staff only, even if they are members of the tenant."""
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
    """A tenant's audit events, newest first: those before `before`, of actions that begin so.

    `who` is whoever did it as `author` names them, `about` the id of what it was done to; empty is
    any. Each has `is_ours`, and its actor.
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
    """What was done to one of a tenant's things, newest first; like `audit_page`."""
    events = _of_tenant(tenant_id).filter(object_type=object_type, object_id=object_id)
    return list(events.select_related("actor").order_by("-id")[:limit])


def audit_events_of(tenant_id: UUID) -> Iterator[Mapping[str, Any]]:
    """A tenant's audit log as it may keep it, oldest first, read as it is asked for."""
    columns = (*_COLUMNS, "before", "after", "ip", "at", "is_ours", "actor__name")
    return (_kept(row) for row in in_pages(_of_tenant(tenant_id).values(*columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events of all tenants: empty and None are any."""

    action: str = ""
    """Its beginning: `api_key.` or `api_key.issue`."""
    who: str = ""
    """Who did it: an address, also of whom a command says it acts as; or the name of a program."""
    about: str = ""
    """The id of its object."""
    tenant_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def all_events(asked: EventFilter, *, after: int | None = None, limit: int) -> list[AuditEvent]:
    """Events of all tenants and of none, newest first: those behind the event with the id `after`.

    Each comes with its tenant. What staff noted is among them.
    """
    wanted = {
        "action__startswith": asked.action,
        "object_id": asked.about,
        "tenant_id": asked.tenant_id,
        "at__gte": asked.since,
        "at__lt": asked.until,
    }
    events = AuditEvent.objects.filter(**{name: word for name, word in wanted.items() if word})
    if asked.who:
        events = events.filter(actor_name__in=_names_of(asked.who))
    last = after and AuditEvent.objects.filter(id=after).values_list("at", flat=True).first()
    if last:
        events = events.filter(Q(at__lt=last) | Q(at=last, id__lt=after), at__lte=last)
    return list(events.select_related("tenant").order_by("-at", "-id")[:limit])


def _names_of(who: str) -> list[str]:
    """That name, and those of the commands that were run in its name."""
    with connection.cursor() as cursor:
        cursor.execute(_HANDS)
        hands = [row[0] for row in cursor.fetchall()]
    return [who, *(one for one in hands if one.endswith(f" as {who})") or who == AT_THE_SHELL)]


def author(event: AuditEvent) -> str:
    """Who did it, as its tenant reads it: one of its own by name, ours without an address."""
    name = event.actor.name if event.actor else ""
    return _author(event.actor_name, name, is_ours=event.is_ours, has_actor=bool(event.actor_id))  # type: ignore[attr-defined]  # annotated by the reads above


def address_of(event: AuditEvent) -> str:
    """From where one of the tenant's own did it; empty for ours."""
    return "" if event.is_ours else event.ip or ""  # type: ignore[attr-defined]  # annotated by the reads above


def _author(actor_name: str, person: str, *, is_ours: bool, has_actor: bool) -> str:
    if not is_ours:
        return actor_name
    first = person.split()[:1]
    return f"{SUPPORT} ({first[0]})" if has_actor and first else SUPPORT if has_actor else OURS


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    before, after, action = row["before"], row["after"], row["action"]
    who = _author(
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
    """Its events; `is_ours`: not by a key of its own, nor by a person who is or was its member."""
    mine = Membership.objects.filter(tenant_id=tenant_id, user_id=OuterRef("actor_id"))
    joined = AuditEvent.objects.filter(
        tenant_id=tenant_id,
        object_type="user",
        object_id=Cast(OuterRef("actor_id"), CharField()),
    )
    by_key = Q(actor=None, actor_name__startswith=API_KEY)
    theirs = (by_key | Exists(mine) | Exists(joined)) & ~Q(action__in=SUPPORTS)
    return AuditEvent.objects.filter(tenant_id=tenant_id).annotate(is_ours=~theirs)


def _by(who: str) -> Q:
    """By the name that `author` gives."""
    if who == OURS:
        return Q(is_ours=True, actor=None)
    if who == SUPPORT:
        return Q(is_ours=True, actor__isnull=False)
    ours, _, first = who.removesuffix(")").partition(" (")
    if ours == SUPPORT:
        named = Q(actor__name=first) | Q(actor__name__startswith=f"{first} ")
        # More than one word would be a guess at the rest of a name, which the tenant does not read.
        return Q(is_ours=True) & named if first.split() == [first] else Q(pk__in=())
    return Q(is_ours=False, actor_name=who)
