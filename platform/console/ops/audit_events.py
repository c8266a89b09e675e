"""Audit events as shown to staff beside their object."""

from uuid import UUID

from accounts.audit_log import audit_events_about
from console.parts.audit_events import AuditEntry, Thing, entry_of

SHOWN_EVENTS = 20


def history_of(tenant_id: UUID, kind: str, public_id: str) -> list[AuditEntry]:
    """Return the latest events about an object, with all their values and actors' full names."""
    return [
        entry_of(
            event, {}, who=Thing(event.actor_name), before=event.before, after=event.after,
            address=event.ip or "",
        )
        for event in audit_events_about(tenant_id, kind, public_id, limit=SHOWN_EVENTS)
    ]  # fmt: skip
