"""Row locks of the ledger, always in this order: tenant balance, key budget, usage.

The functions of `services/holds_together.sql` lock the first two so, and the upsert of
`services/usage.py` the third. A request also locks a price book that has just begun, by itself, and
upserts the day's uncharged costs (`services/costs.py`). Operators' changes and the minutely
work lock rows of other tables as they change them: `alerts.py`, `moves.py`, `prices.py`,
`repricing.py` and `sold.py` in `services/`. CONTRIBUTING.md has the procedure.
"""

from uuid import UUID

from billing.models import LedgerProof, TenantBalance
from pictor.kit.database import lock_numbers

PROOF_LOCKS = {
    LedgerProof.Kind.SINCE_CHECKPOINT: lock_numbers.HOURLY_PROOF,
    LedgerProof.Kind.WHOLE: lock_numbers.WHOLE_PROOF,
}
"""The advisory lock that a process holds during a proof of each kind."""


def account_for_update(tenant_id: UUID) -> TenantBalance:
    """Lock the tenant's balance to the transaction's end. Raises TenantBalance.DoesNotExist."""
    return TenantBalance.objects.select_for_update().get(tenant_id=tenant_id)


def one_recount() -> None:
    """Serialize recounts of usage to the transaction's end: each adds what the rows lack.

    Take it before reading those rows.
    """
    lock_numbers.lock(lock_numbers.USAGE_RECOUNT)


def checkpoints() -> None:
    """Serialize the hourly and the daily proof's writes of checkpoints, to the transaction's end.

    Take it before reading the kept checkpoints.
    """
    lock_numbers.lock(lock_numbers.CHECKPOINTS)


def corrections() -> None:
    """Serialize corrections of costs to the transaction's end: each must see those before it.

    Take it before reading earlier corrections.
    """
    lock_numbers.lock(lock_numbers.COST_CORRECTIONS)


def decisions_on_prices() -> None:
    """Serialize publishing, withdrawing and changes of costs, to the transaction's end.

    Each is judged by the others. Take it before the lock of a book or of one channel, and after
    that of all channels.
    """
    lock_numbers.lock(lock_numbers.PRICES)


def days_of_money() -> None:
    """Serialize what people book alone, to the transaction's end: each must see those before it.

    Take it before reading a day's sum, and before the lock of a tenant's balance.
    """
    lock_numbers.lock(lock_numbers.MONEY_ALONE)
