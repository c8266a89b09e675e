"""Money that waits for another person, and what became of it."""

from datetime import datetime
from uuid import UUID

from billing.models import MoneyMove


def waiting_moves(now: datetime) -> list[MoneyMove]:
    """What waits now, the oldest first, with its tenants."""
    waiting = MoneyMove.objects.filter(transfer_id=None, declined_at=None, expires_at__gt=now)
    return list(waiting.select_related("tenant").order_by("asked_at", "id"))


def move_by_id(move_id: UUID) -> MoneyMove | None:
    """What was asked for by that id, with its tenant."""
    return MoneyMove.objects.select_related("tenant").filter(id=move_id).first()
