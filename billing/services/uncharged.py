"""Upstream costs that no tenant is charged, counted by tenant, UTC day and reason."""

from datetime import datetime
from uuid import UUID

from accounts.quotas import window_start
from billing.upstream_cost import Loss
from pictor.kit.database import prepared
from pictor.kit.words.money import Micros

_COUNT = """
INSERT INTO billing_unchargedcost AS u (tenant_id, day, loss, attempts, cost_micros)
VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (tenant_id, day, loss) DO UPDATE
   SET attempts = u.attempts + 1, cost_micros = u.cost_micros + EXCLUDED.cost_micros
RETURNING 1
"""


def count_uncharged(*, tenant_id: UUID, loss: Loss, amount: Micros, now: datetime) -> None:
    """Add an attempt's cost. Call it in the transaction that closes the attempt."""
    prepared.fetch_one(_COUNT, [tenant_id, window_start("day", now), loss.value, int(amount)])
