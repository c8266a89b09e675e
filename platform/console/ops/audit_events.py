"""Events of the audit log as our people read them beside what they are about."""

from collections.abc import Sequence

from accounts.models import AuditEvent
from console.parts.audit_events import Entry, Thing, entry_of


def told(events: Sequence[AuditEvent]) -> list[Entry]:
    """Each with all that it holds, and the person's whole name."""
    return [
        entry_of(
            event, {}, who=Thing(event.actor_name), before=event.before, after=event.after,
            address=event.ip or "",
        )
        for event in events
    ]  # fmt: skip
