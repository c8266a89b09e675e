"""What the work cost us, written when an attempt is closed.

No row that tenants share is touched: costs are transfers between platform accounts, which have no
cached balance.
"""

from uuid import UUID

from billing.models import Account, Transfer
from billing.seals import seal_of
from pictor.kit import clock, rows
from pictor.kit.money import Micros


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
    rows.insert(transfer)
