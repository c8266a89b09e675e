"""Moves card money, as part of the caller's transaction: paid, paid back, taken back, reinstated.

`line` names the movement at the provider. Each function locks the tenant's balance, and books a
movement once: called again, it returns what is booked. `reverses_seq` of all but the top-up is the
top-up's number. What was spent before a bank took it back is owed, and repaid from the next money.
"""

from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import TransferReason
from billing.locks import account_for_update
from billing.models import Account, TenantBalance, Transfer
from billing.services.office.accounts import enter, left_of, open_account, repay
from pictor.kit.words.money import Micros, in_dollars

BY_CARD = "card payments"
"""The actor of moves that follow the provider's events."""
Kind, TOP_UPS = Transfer.Kind, Account.Platform.TOP_UPS.value
_ALL = (
    Kind.TOP_UP, Kind.PAY_BACK, Kind.PAID_BACK, Kind.PAY_BACK_FAILED, Kind.CHARGEBACK,
    Kind.REINSTATED,
)  # fmt: skip
"""The kinds of card money, which have an index."""


@transaction.atomic
def top_up(*, tenant_id: UUID, amount: Micros, line: str, reason: str) -> Transfer:
    """Add money that was paid by card, and repay what is owed. No limit refuses it.

    Raises ValidationError unless the amount is above 0, as all of these do.
    """
    balance = _locked(tenant_id)
    if booked := moved_for(tenant_id, line, Kind.TOP_UP):
        return booked[0]
    paid = (amount, TOP_UPS, balance.available_account_id)
    return _enter(balance, Kind.TOP_UP, paid, line=line, reason=reason, actor=BY_CARD)[0]


@transaction.atomic
def pay_back(
    *,
    tenant_id: UUID,
    top_up_seq: int,
    amount: Micros,
    line: str,
    **why: Unpack[TransferReason],
) -> Transfer:
    """Set money aside that is about to go back to the card.

    Raises ValidationError for more than is left of the top-up, or than is available.
    """
    balance = _locked(tenant_id)
    if booked := moved_for(tenant_id, line, Kind.PAY_BACK):
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
    move = (amount, balance.available_account_id, Account.Platform.REFUNDING.value)
    return _enter(balance, Kind.PAY_BACK, move, of=top_up_seq, line=line, **why)[0]


def paid_back(*, tenant_id: UUID, line: str) -> Transfer:
    """Book that the card got the money of the pay-back `line`.

    Raises ValidationError if there is none, or if it has failed.
    """
    return _end_pay_back(tenant_id, line, Kind.PAID_BACK)


def pay_back_failed(*, tenant_id: UUID, line: str) -> Transfer:
    """Make the money of the pay-back `line` available again, also after it was paid back.

    Raises ValidationError if there is none.
    """
    return _end_pay_back(tenant_id, line, Kind.PAY_BACK_FAILED)


@transaction.atomic
def _end_pay_back(tenant_id: UUID, line: str, kind: Transfer.Kind) -> Transfer:
    balance = _locked(tenant_id)
    moved = {one.kind: one for one in moved_for(tenant_id, line)}
    if kind in moved:
        return moved[kind]
    begun = moved.get(Kind.PAY_BACK)
    if begun is None or Kind.PAY_BACK_FAILED in moved:
        raise ValidationError(
            f"the pay-back {line} has failed" if begun else f"there is no pay-back {line}"
        )
    source = TOP_UPS if Kind.PAID_BACK in moved else Account.Platform.REFUNDING
    to = TOP_UPS if kind == Kind.PAID_BACK else balance.available_account_id
    move = (begun.amount, source, to)
    why = TransferReason(actor=BY_CARD, reason=begun.reason)
    return _enter(balance, kind, move, of=begun.reverses_seq, line=line, **why)[0]


@transaction.atomic
def charge_back(
    *, tenant_id: UUID, top_up_seq: int, amount: Micros, line: str, reason: str
) -> list[Transfer]:
    """Book money that left at the provider: from what is available, the rest becomes owed.

    Raises ValidationError if the top-up was not paid by card.
    """
    balance = _locked(tenant_id)
    if booked := moved_for(tenant_id, line, Kind.CHARGEBACK):
        return booked
    _paid_by_card(tenant_id, top_up_seq)
    there = min(amount, balance.available)
    moves = (
        (there, balance.available_account_id, TOP_UPS),
        (amount - there, Account.Platform.OWED.value, TOP_UPS),
    )
    why = TransferReason(actor=BY_CARD, reason=reason)
    return _enter(balance, Kind.CHARGEBACK, *moves, of=top_up_seq, line=line, **why)


@transaction.atomic
def reinstate(
    *, tenant_id: UUID, top_up_seq: int, amount: Micros, line: str, taken_line: str
) -> list[Transfer]:
    """Give back what the chargeback `taken_line` took, or others with it: what is owed first.

    Raises ValidationError for more than is still taken of the top-up.
    """
    balance = _locked(tenant_id)
    if booked := moved_for(tenant_id, line, Kind.REINSTATED):
        return booked
    taken = moved_for(tenant_id, taken_line, Kind.CHARGEBACK)
    most = _still_taken(tenant_id, top_up_seq)
    if not taken or not 0 < amount <= most:
        raise ValidationError(f"only {in_dollars(Micros(most))} of it was taken")
    owed = min(amount, balance.owed)
    moves = (
        (owed, TOP_UPS, Account.Platform.OWED.value),
        (amount - owed, TOP_UPS, balance.available_account_id),
    )
    why = TransferReason(actor=BY_CARD, reason=taken[0].reason)
    return _enter(balance, Kind.REINSTATED, *moves, of=top_up_seq, line=line, **why)


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


def moved_for(tenant_id: UUID, line: str, *kinds: Transfer.Kind) -> list[Transfer]:
    """Return the transfers of a movement, all or of some kinds, in their order."""
    found = Transfer.objects.filter(tenant_id=tenant_id, kind__in=kinds or _ALL, line=line)
    return list(found.order_by("seq"))


def _paid_by_card(tenant_id: UUID, seq: int) -> Transfer:
    paid = Transfer.objects.filter(
        tenant_id=tenant_id, seq=seq, kind=Kind.TOP_UP.value, line__isnull=False
    ).first()
    if paid is None:
        raise ValidationError(f"the tenant has no payment by card with the number {seq}")
    return paid


def _still_taken(tenant_id: UUID, top_up_seq: int) -> int:
    """The micros of a top-up that banks took and did not give back."""
    signs = {Kind.CHARGEBACK.value: 1, Kind.REINSTATED.value: -1}
    named = Transfer.objects.filter(
        tenant_id=tenant_id, reverses_seq=top_up_seq, kind__in=list(signs)
    )
    return sum(signs[kind] * amount for kind, amount in named.values_list("kind", "amount"))


def _enter(
    balance: TenantBalance,
    kind: Transfer.Kind,
    *moves: tuple[int, int, int],
    line: str,
    of: int | None = None,
    **why: Unpack[TransferReason],
) -> list[Transfer]:
    """Enter a movement's amounts above 0, each from an account to another; repay what is owed."""
    entered = [
        Transfer(
            kind=kind.value,
            amount=amount,
            debit_id=debit,
            credit_id=credit,
            reverses_seq=of,
            line=line,
        )
        for amount, debit, credit in moves
        if amount > 0
    ]
    if not entered:
        raise ValidationError("the amount must be above 0")
    for move in entered:
        enter(balance, move, why)
    repay(balance, actor=why["actor"])
    return entered
