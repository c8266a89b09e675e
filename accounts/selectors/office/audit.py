"""Reads of single facts in the audit log; audit_log.py reads its pages."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import AuditEvent
from accounts.models.records import STAFFS_NOTE


def events_of(*actions: str) -> QuerySet[AuditEvent]:
    """All events with one of these actions, for other apps to narrow."""
    return AuditEvent.objects.filter(action__in=actions)


def notes_about(object_type: str, object_ids: Collection[str]) -> dict[str, str]:
    """Staff's notes about these objects, by object id; the latest note of each."""
    events = AuditEvent.objects.filter(
        object_type=object_type, object_id__in=object_ids, action=STAFFS_NOTE
    )
    return {
        event.object_id: str((event.after or {}).get("note", "")) for event in events.order_by("id")
    }


def installation_events_about(
    object_type: str, object_id: str, *, before: datetime, limit: int, but: str = ""
) -> list[AuditEvent]:
    """Events before `before` about something that belongs to no tenant, such as a channel.

    Newest first. Events with the action `but` are left out, if it is given.
    """
    events = AuditEvent.objects.filter(
        object_type=object_type, object_id=object_id, tenant=None, at__lt=before
    )
    return list(events.exclude(action=but).order_by("-at", "-id")[:limit])


def suspended_because(tenant_id: UUID) -> str:
    """The reason a suspended tenant was given; empty if there is none."""
    events = AuditEvent.objects.filter(tenant_id=tenant_id, action="tenant.status")
    last = events.order_by("-id").first()
    reason: str = (last.after or {}).get("reason", "") if last else ""
    return reason
