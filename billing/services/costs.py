"""What the work cost us, written when an attempt is closed, and what was used, when one settles.

Neither touches a row that tenants share: costs are transfers between platform accounts, which
have no cached balance, and usage rows are a tenant's own.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection

from billing.models import Account, Transfer
from billing.seals import seal_of
from pictor.kit import clock
from pictor.kit.money import Micros

_RECORD = """
INSERT INTO billing_usagerollup AS u (tenant_id, key_id, model, tier, channel, status, hour,
                                      generations, images, captured_micros)
VALUES (%s, %s, %s, %s, %s, %s, %s, 1, %s, %s)
ON CONFLICT (tenant_id, hour, key_id, model, tier, channel, status) DO UPDATE
   SET generations = u.generations + 1, images = u.images + EXCLUDED.images,
       captured_micros = u.captured_micros + EXCLUDED.captured_micros
"""


def book_upstream_cost(
    *, generation_id: UUID, attempt_id: UUID, amount: Micros, as_loss: bool
) -> None:
    """Book what an attempt cost, or may have cost: as a loss where no tenant pays for it.

    Nothing is booked for an amount of 0. Raises IntegrityError for an attempt booked before.
    """
    if amount == 0:
        return
    kind, account = (
        (Transfer.Kind.LOSS, Account.Platform.LOSSES)
        if as_loss
        else (Transfer.Kind.UPSTREAM_COST, Account.Platform.UPSTREAM_COST)
    )
    transfer = Transfer(
        kind=kind.value,
        debit_id=Account.Platform.UPSTREAM_PAYABLE.value,
        credit_id=account.value,
        amount=amount,
        generation_id=generation_id,
        attempt_id=attempt_id,
        created_at=clock.now(),
    )
    transfer.seal = seal_of(transfer.sealed)
    transfer.save(force_insert=True)


def record_usage(
    *,
    tenant_id: UUID,
    key_id: UUID,
    model: str,
    tier: str,
    channel: str,
    status: str,
    at: datetime,
    images: int,
    captured: Micros,
) -> None:
    """Count one final generation in its hour. Call it after `end_hold`: the locks' order."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD, [tenant_id, key_id, model, tier, channel, status, hour, images, int(captured)]
        )
