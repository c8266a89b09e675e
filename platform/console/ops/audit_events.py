"""Audit events as shown to staff beside their object."""

from collections.abc import Sequence

from accounts.models import AuditEvent
from console.parts.audit_events import Entry, Thing, entry_of


def told(events: Sequence[AuditEvent]) -> list[Entry]:
    """Return an entry for each event, with all its values and the actor's full name."""
    return [
        entry_of(
            event, {}, who=Thing(event.actor_name), before=event.before, after=event.after,
            address=event.ip or "",
        )
        for event in events
    ]  # fmt: skip
