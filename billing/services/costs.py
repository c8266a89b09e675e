"""What the work cost us, written when an attempt is closed.

No row that tenants share is touched: costs are transfers between platform accounts, which have no
cached balance.
"""

from uuid import UUID

from billing.models import Account, Transfer
from billing.seals import seal_of
from pictor.kit import clock, rows
from pictor.kit.money import Micros
from pictor.kit.prepared import Part


def book_upstream_cost(
    *, generation_id: UUID, attempt_id: UUID, amount: Micros, as_loss: bool
) -> None:
    """Book what an attempt cost, or may have cost: as a loss where no tenant pays for it.

    Nothing is booked for an amount of 0. Raises IntegrityError for an attempt booked before.
    """
    if amount != 0:
        rows.insert(_cost(generation_id, attempt_id, amount, as_loss=as_loss))


def upstream_cost_booked(
    *, generation_id: UUID, attempt_id: UUID, amount: Micros, given: str
) -> Part:
    """The part of a statement that books what a tenant pays for, if the part `given` has a row.

    Args:
        generation_id: whose it was.
        attempt_id: what cost it.
        amount: more than 0.
        given: the part.
    """
    transfer = _cost(generation_id, attempt_id, amount, as_loss=False)
    return rows.insertion(transfer, given=given)


def _cost(generation_id: UUID, attempt_id: UUID, amount: Micros, *, as_loss: bool) -> Transfer:
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
    return transfer
