"""Moves card money, as part of the caller's transaction: paid, paid back, taken back, reinstated.

`line` names the movement at the provider. Each function locks the tenant's balance, and books a
movement once: called again, it returns what is booked. `reverses_seq` of all but the top-up is the
top-up's number. What was spent before a bank took it back is owed, and repaid from the next money.
"""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import TransferReason
from accounts.models import Actor
from billing.locks import account_for_update
from billing.models import Account, TenantBalance, Transfer
from billing.services.office.accounts import enter, left_of, open_account, repay
from pictor.kit.words.money import Micros, in_dollars

BY_CARD = "card payments"
"""The actor of moves that follow the provider's events."""
Kind = Transfer.Kind


@transaction.atomic
def top_up(*, tenant_id: UUID, amount: Micros, line: str, reason: str) -> Transfer:
    """Add money that was paid by card, and repay what is owed. No limit refuses it.

    Raises ValidationError unless the amount is above 0, as all of these do.
    """
    balance = _locked(tenant_id)
    if booked := _booked(tenant_id, line, Kind.TOP_UP):
        return booked[0]
    paid = _move(Kind.TOP_UP, amount, Account.Platform.TOP_UPS, balance.available_account_id)
    return _enter(balance, paid, line=line, reason=reason)[0]


@transaction.atomic
def pay_back(
    *,
    tenant_id: UUID,
    top_up_seq: int,
    amount: Micros,
    line: str,
    reason: str,
    actor: Actor = BY_CARD,
    note: str = "",
    ip: str | None = None,
) -> Transfer:
    """Set money aside that is about to go back to the card.

    Raises ValidationError for more than is left of the top-up, or than is available.
    """
    balance = _locked(tenant_id)
    if booked := _booked(tenant_id, line, Kind.PAY_BACK):
        return booked[0]
    repay(balance, actor=BY_CARD)  # what is owed goes first
    left = left_of(_paid_by_card(tenant_id, top_up_seq))
    most = min(left, balance.available)
    if not 0 < amount <= most:
        raise ValidationError(
            f"at most {in_dollars(Micros(max(most, 0)))} can be paid back now:"
            f" {in_dollars(Micros(max(left, 0)))} is left of the payment and"
            f" {in_dollars(balance.available)} is available"
        )
    source = balance.available_account_id
    move = _move(Kind.PAY_BACK, amount, source, Account.Platform.REFUNDING)
    why = TransferReason(actor=actor, reason=reason, note=note, ip=ip)
    return _enter(balance, move, of=top_up_seq, line=line, reason=reason, why=why)[0]


@transaction.atomic
def paid_back(*, tenant_id: UUID, line: str) -> Transfer:
    """Book that the card got the money of the pay-back `line`.

    Raises ValidationError if there is none, or if it has failed.
    """
    balance = _locked(tenant_id)
    if booked := _booked(tenant_id, line, Kind.PAID_BACK):
        return booked[0]
    begun = _pay_back_of(tenant_id, line)
    if _booked(tenant_id, line, Kind.PAY_BACK_FAILED):
        raise ValidationError(f"the pay-back {line} has failed")
    source = Account.Platform.REFUNDING
    move = _move(Kind.PAID_BACK, begun.amount, source, Account.Platform.TOP_UPS)
    return _enter(balance, move, of=begun.reverses_seq, line=line, reason=begun.reason)[0]


@transaction.atomic
def pay_back_failed(*, tenant_id: UUID, line: str) -> Transfer:
    """Make the money of the pay-back `line` available again, also after it was paid back.

    Raises ValidationError if there is none.
    """
    balance = _locked(tenant_id)
    if booked := _booked(tenant_id, line, Kind.PAY_BACK_FAILED):
        return booked[0]
    begun = _pay_back_of(tenant_id, line)
    was_paid = _booked(tenant_id, line, Kind.PAID_BACK)
    source = Account.Platform.TOP_UPS if was_paid else Account.Platform.REFUNDING
    move = _move(Kind.PAY_BACK_FAILED, begun.amount, source, balance.available_account_id)
    return _enter(balance, move, of=begun.reverses_seq, line=line, reason=begun.reason)[0]


@transaction.atomic
def charge_back(
    *, tenant_id: UUID, top_up_seq: int, amount: Micros, line: str, reason: str
) -> list[Transfer]:
    """Book money that left at the provider: from what is available, the rest becomes owed.

    Raises ValidationError if the top-up was not paid by card.
    """
    balance = _locked(tenant_id)
    if booked := _booked(tenant_id, line, Kind.CHARGEBACK):
        return booked
    _paid_by_card(tenant_id, top_up_seq)
    there, to = min(amount, balance.available), Account.Platform.TOP_UPS
    moves = (
        _move(Kind.CHARGEBACK, there, balance.available_account_id, to),
        _move(Kind.CHARGEBACK, amount - there, Account.Platform.OWED, to),
    )
    return _enter(balance, *moves, of=top_up_seq, line=line, reason=reason)


@transaction.atomic
def reinstate(
    *, tenant_id: UUID, top_up_seq: int, amount: Micros, line: str, taken_line: str
) -> list[Transfer]:
    """Give back what the chargeback `taken_line` took, or others with it: what is owed first.

    Raises ValidationError for more than is still taken of the top-up.
    """
    balance = _locked(tenant_id)
    if booked := _booked(tenant_id, line, Kind.REINSTATED):
        return booked
    taken = _booked(tenant_id, taken_line, Kind.CHARGEBACK)
    most = _still_taken(tenant_id, top_up_seq)
    if not taken or not 0 < amount <= most:
        raise ValidationError(f"only {in_dollars(Micros(most))} of it was taken")
    owed, source = min(amount, balance.owed), Account.Platform.TOP_UPS
    moves = (
        _move(Kind.REINSTATED, owed, source, Account.Platform.OWED),
        _move(Kind.REINSTATED, amount - owed, source, balance.available_account_id),
    )
    return _enter(balance, *moves, of=top_up_seq, line=line, reason=taken[0].reason)


def repay_what_is_owed() -> int:
    """Repay what tenants owe from money that ended holds released; return how many did.

    Each is repaid in its own transaction.
    """
    owing = TenantBalance.objects.filter(owed__gt=0, available__gt=0)
    tenants = list(owing.order_by("tenant_id").values_list("tenant_id", flat=True))
    for tenant_id in tenants:
        with transaction.atomic():
            repay(account_for_update(tenant_id), actor=BY_CARD)
    return len(tenants)


def _locked(tenant_id: UUID) -> TenantBalance:
    open_account(tenant_id=tenant_id)  # so that there is a row to lock
    return account_for_update(tenant_id)


def _booked(tenant_id: UUID, line: str, kind: Transfer.Kind) -> list[Transfer]:
    """The transfers of a movement, read under the lock: two at once must not both find none."""
    found = Transfer.objects.filter(tenant_id=tenant_id, kind=kind.value, line=line)
    return list(found.order_by("seq"))


def _paid_by_card(tenant_id: UUID, seq: int) -> Transfer:
    paid = Transfer.objects.filter(
        tenant_id=tenant_id, seq=seq, kind=Kind.TOP_UP.value, line__isnull=False
    ).first()
    if paid is None:
        raise ValidationError(f"the tenant has no payment by card with the number {seq}")
    return paid


def _pay_back_of(tenant_id: UUID, line: str) -> Transfer:
    begun = _booked(tenant_id, line, Kind.PAY_BACK)
    if not begun:
        raise ValidationError(f"there is no pay-back {line}")
    return begun[0]


def _still_taken(tenant_id: UUID, top_up_seq: int) -> int:
    """The micros of a top-up that banks took and did not give back."""
    signs = {Kind.CHARGEBACK.value: 1, Kind.REINSTATED.value: -1}
    named = Transfer.objects.filter(
        tenant_id=tenant_id, reverses_seq=top_up_seq, kind__in=list(signs)
    )
    return sum(signs[kind] * amount for kind, amount in named.values_list("kind", "amount"))


def _move(kind: Transfer.Kind, amount: int, debit: int, credit: int) -> Transfer:
    return Transfer(kind=kind.value, amount=amount, debit_id=debit, credit_id=credit)


def _enter(
    balance: TenantBalance,
    *moves: Transfer,
    line: str,
    reason: str,
    of: int | None = None,
    why: TransferReason | None = None,
) -> list[Transfer]:
    """Enter a movement's transfers that are not of 0; money that they add repays what is owed."""
    if sum(move.amount for move in moves) <= 0:
        raise ValidationError("the amount must be above 0")
    entered = [move for move in moves if move.amount]
    why = why or TransferReason(actor=BY_CARD, reason=reason)
    for move in entered:
        move.reverses_seq, move.line = of, line
        enter(balance, move, why)
    repay(balance, actor=why["actor"])
    return entered
