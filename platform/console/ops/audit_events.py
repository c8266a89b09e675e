"""Audit events as shown to staff beside their object."""

from collections.abc import Sequence

from accounts.models import AuditEvent
from console.parts.audit_events import AuditEntry, Thing, entry_of


def full_entries(events: Sequence[AuditEvent]) -> list[AuditEntry]:
    """Return an entry for each event, with all its values and the actor's full name."""
    return [
        entry_of(
            event, {}, who=Thing(event.actor_name), before=event.before, after=event.after,
            address=event.ip or "",
        )
        for event in events
    ]  # fmt: skip
