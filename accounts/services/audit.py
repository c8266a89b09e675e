"""The audit log: who changed what, before and after. Nothing secret is ever in an event."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.models import Actor, AuditEvent, User


def record(
    *,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    tenant_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    ip: str | None = None,
) -> AuditEvent:
    """Write one audit event. Call it inside the transaction of the change itself."""
    user = actor if isinstance(actor, User) else None
    return AuditEvent.objects.create(
        actor=user,
        actor_name=user.email if user else str(actor),
        tenant_id=tenant_id,
        action=action,
        object_type=object_type,
        object_id=object_id,
        before=before,
        after=after,
        ip=ip,
    )
