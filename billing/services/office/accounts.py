"""Opens accounts, and makes staff's moves: top-ups, credits, refunds, adjustments, reversals.

Each is one transfer, its effect on the tenant's balance and an audit event, in one transaction. Its
`reason` is for the tenant; a `note` is only for staff, in an event without a tenant.
"""

import unicodedata
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet, Sum
from typing_extensions import Unpack

from accounts.ledger import TransferReason
from accounts.services import By, Subject, note_for_staff, record
from billing.locks import account_for_update
from billing.models import Account, TenantBalance, Transfer
from billing.selectors.office.balances import available_to
from billing.selectors.office.refunds_given import charge_sums_of
from billing.transfer_seals import first_seal, note_seal, seal_of
from pictor.kit.words import clock
from pictor.kit.words.money import MAX_MICROS, Micros, in_dollars

REVERSED_KINDS = (Transfer.Kind.TOP_UP.value, Transfer.Kind.CREDIT.value)
"""The kinds that can be reversed: money that people entered."""
_TAKE = (Transfer.Kind.REVERSAL, Transfer.Kind.PAY_BACK, Transfer.Kind.CHARGEBACK)
_RETURN = (Transfer.Kind.PAY_BACK_FAILED, Transfer.Kind.REINSTATED)


@transaction.atomic
def open_account(*, tenant_id: UUID) -> TenantBalance:
    """Make a tenant's two accounts and its balance of 0. Safe to repeat."""
    available, _ = Account.objects.get_or_create(
        tenant_id=tenant_id, kind=Account.Kind.AVAILABLE.value
    )
    held, _ = Account.objects.get_or_create(tenant_id=tenant_id, kind=Account.Kind.HELD.value)
    balance, _ = TenantBalance.objects.get_or_create(
        tenant_id=tenant_id,
        defaults={
            "available_account": available,
            "held_account": held,
            "seal": first_seal(tenant_id),
        },
    )
    return balance


def top_up(*, tenant_id: UUID, amount: Micros, **why: Unpack[TransferReason]) -> Transfer:
    """Add money the tenant paid in. Raises ValidationError unless the amount is above 0."""
    return _give(
        tenant_id=tenant_id,
        kind=Transfer.Kind.TOP_UP,
        source=Account.Platform.TOP_UPS,
        amount=amount,
        **why,
    )


def reference_of(text: str) -> str:
    """Return a payment's reference in its usual spacing and width (NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


@transaction.atomic
def book_payment(*, tenant_id: UUID, amount: Micros, **why: Unpack[TransferReason]) -> Transfer:
    """Book a payment once; its `reason` is the payment's reference.

    Raises ValidationError if a payment with that reference, in any spacing, width or case, is
    booked already and not wholly reversed; and unless the amount is above 0.
    """
    why["reason"] = reason = reference_of(why["reason"])
    open_account(tenant_id=tenant_id)  # so that there is a row to lock
    account_for_update(tenant_id)  # two bookings at once must not both find it new
    paid = Transfer.objects.filter(tenant_id=tenant_id, kind=Transfer.Kind.TOP_UP.value)
    for booked in paid.filter(reason__iexact=reason).order_by("seq"):
        if left := left_of(booked):
            rest = "" if left == booked.amount else f"; {in_dollars(left)} of it is not reversed"
            raise ValidationError(
                f"{in_dollars(booked.amount)} with the reference {reason!r} was booked on"
                f" {booked.created_at:%Y-%m-%d} as transfer {booked.seq}{rest}"
            )
    return top_up(tenant_id=tenant_id, amount=amount, **why)


def credit(
    *,
    tenant_id: UUID,
    amount: Micros,
    generation_id: UUID | None = None,
    **why: Unpack[TransferReason],
) -> Transfer:
    """Give a tenant money; with a generation, for one that failed and cost nothing.

    Raises ValidationError unless the amount is above 0.
    """
    return _give(
        tenant_id=tenant_id,
        kind=Transfer.Kind.CREDIT,
        source=Account.Platform.CREDITS,
        amount=amount,
        generation_id=generation_id,
        **why,
    )


@transaction.atomic
def refund(
    *,
    tenant_id: UUID,
    generation_id: UUID,
    amount: Micros | None = None,
    **why: Unpack[TransferReason],
) -> Transfer:
    """Give a generation's charge, or a part of it, back out of revenue.

    Without an amount, refunds the rest. Raises ValidationError unless the amount is above 0 and at
    most the charge less earlier refunds.
    """
    open_account(tenant_id=tenant_id)
    account_for_update(tenant_id)  # two refunds at once must not both find it unrefunded
    # Read under the lock: a value from before may be old.
    left = charge_sums_of([generation_id], tenants=[tenant_id])[generation_id].left
    amount = left if amount is None else amount
    if amount > left or left == 0:
        raise ValidationError(f"only {in_dollars(left)} of it is charged and not refunded")
    return _give(
        tenant_id=tenant_id,
        kind=Transfer.Kind.REFUND,
        source=Account.Platform.PLATFORM_REVENUE,
        amount=amount,
        generation_id=generation_id,
        **why,
    )


@transaction.atomic
def adjust(*, tenant_id: UUID, amount: Micros, **why: Unpack[TransferReason]) -> Transfer:
    """Correct a mistake: a positive amount gives, a negative one takes what is available.

    Raises ValidationError for 0, or for more than is available.
    """
    if amount >= 0:
        return _give(
            tenant_id=tenant_id,
            kind=Transfer.Kind.ADJUSTMENT,
            source=Account.Platform.CREDITS,
            amount=amount,
            **why,
        )
    open_account(tenant_id=tenant_id)
    balance = account_for_update(tenant_id)
    if balance.available + amount < 0:
        raise ValidationError(f"only {in_dollars(balance.available)} is available")
    return enter(
        balance,
        Transfer(
            kind=Transfer.Kind.ADJUSTMENT.value,
            amount=-amount,
            debit_id=balance.available_account_id,
            credit_id=Account.Platform.CREDITS.value,
        ),
        why,
    )


@dataclass(frozen=True, slots=True)
class Reversal:
    """A reversal, and the part of the transfer that the tenant has spent or on hold."""

    transfer: Transfer
    shortfall: Micros

    @property
    def amount(self) -> Micros:
        return Micros(self.transfer.amount)


@transaction.atomic
def reverse(
    *, tenant_id: UUID, seq: int, amount: Micros | None = None, **why: Unpack[TransferReason]
) -> Reversal:
    """Take back a mistaken top-up or credit: the tenant's transfer `seq`.

    Without an amount, takes as much of the rest as is available. Raises ValidationError for another
    kind of transfer, or one that is wholly reversed; if less than the amount is available or left;
    and unless the amount is above 0.
    """
    open_account(tenant_id=tenant_id)
    balance = account_for_update(tenant_id)  # two reversals at once must not both find it whole
    transfer, left = _reversible_transfer(tenant_id, seq)
    # A debt would be a balance below 0, which no hold could tell from a right one (ADR 0048).
    most = Micros(min(left, balance.available))
    wanted = most if amount is None else amount
    if not 0 < wanted <= most:
        raise ValidationError(
            f"from $0.000001 to {in_dollars(most)} of transfer {seq} can be reversed now:"
            f" {in_dollars(left)} of it is left and {in_dollars(balance.available)} is"
            f" available, {in_dollars(left - most)} too little"
        )
    taken = enter(
        balance,
        Transfer(
            kind=Transfer.Kind.REVERSAL.value,
            amount=wanted,
            debit_id=balance.available_account_id,
            # Back to where it came from, so that totals come out right (ADR 0048).
            credit_id=transfer.debit_id,
            reverses_seq=seq,  # the number is sealed, the row's id is not
        ),
        why,
    )
    return Reversal(taken, Micros(left - wanted))


def reversible(*, tenant_id: UUID, seq: int) -> tuple[Micros, Micros]:
    """Return the rest of a top-up or credit, and the part that can be taken back now.

    Raises ValidationError for another kind, or one that is wholly reversed.
    """
    _, left = _reversible_transfer(tenant_id, seq)
    return left, Micros(min(left, available_to(tenant_id)))


def _reversible_transfer(tenant_id: UUID, seq: int) -> tuple[Transfer, Micros]:
    """Return a top-up or credit, and the part that is not reversed. Raises ValidationError."""
    transfer = Transfer.objects.filter(
        tenant_id=tenant_id, seq=seq, kind__in=REVERSED_KINDS
    ).first()
    if transfer is None:
        raise ValidationError(f"the tenant has no top-up or credit with the number {seq}")
    if transfer.line is not None:
        raise ValidationError(f"transfer {seq} was paid by card: it is paid back, never reversed")
    left = left_of(transfer)
    if left == 0:
        raise ValidationError(f"transfer {seq} is reversed already")
    return transfer, left


def left_of(transfer: Transfer) -> Micros:
    """The part of a top-up or credit that was not taken back in any way, in micros.

    Below 0 if a bank took back what had been paid back.
    """
    named = Transfer.objects.filter(tenant=transfer.tenant_id, reverses_seq=transfer.seq)
    return Micros(transfer.amount - _sum(named, *_TAKE) + _sum(named, *_RETURN))


@transaction.atomic
def _give(
    *,
    tenant_id: UUID,
    kind: Transfer.Kind,
    source: Account.Platform,
    amount: Micros,
    generation_id: UUID | None = None,
    **why: Unpack[TransferReason],
) -> Transfer:
    """Move money from a platform account to the tenant's available account."""
    if amount <= 0:
        raise ValidationError("the amount must be above 0")
    open_account(tenant_id=tenant_id)  # so that there is a row to lock
    balance = account_for_update(tenant_id)
    if balance.available + balance.held + amount > MAX_MICROS:
        raise ValidationError("the tenant would have more than nine billion USD")
    given = Transfer(
        kind=kind.value,
        amount=amount,
        debit_id=source.value,
        credit_id=balance.available_account_id,
        generation_id=generation_id,
    )
    enter(balance, given, why)
    repay(balance, actor=why["actor"], ip=why.get("ip"))
    return given


def repay(balance: TenantBalance, **by: Unpack[By]) -> None:
    """Repay what the tenant owes, or as much as is available, from its locked balance."""
    if amount := min(balance.owed, balance.available):
        repayment = Transfer(
            kind=Transfer.Kind.REPAYMENT.value,
            amount=amount,
            debit_id=balance.available_account_id,
            credit_id=Account.Platform.OWED.value,
        )
        enter(balance, repayment, TransferReason(actor=by["actor"], reason="", ip=by.get("ip")))


def _sum(transfers: QuerySet[Transfer], *kinds: Transfer.Kind) -> int:
    """The sum of these kinds, which have an index of their own."""
    found = transfers.filter(kind__in=[kind.value for kind in kinds])
    total: int = found.aggregate(sum=Sum("amount", default=0))["sum"]
    return total


def enter(balance: TenantBalance, transfer: Transfer, why: TransferReason) -> Transfer:
    """Change the locked balance; write the transfer and the audit event that explain it."""
    before = balance.available
    link = {} if transfer.reverses_seq is None else {"reverses_seq": transfer.reverses_seq}
    balance.available += transfer.change_of(balance.available_account_id)
    balance.owed -= transfer.change_of(Account.Platform.OWED)
    balance.seq += 1
    transfer.tenant_id = balance.tenant_id
    transfer.seq = balance.seq
    transfer.available_after = balance.available
    transfer.held_after = balance.held
    transfer.reason, note = why["reason"], why.get("note", "")
    # Moves from before there were notes have no evidence, and are told apart by that (ADR 0058).
    transfer.evidence = note_seal(tenant_id=balance.tenant_id, seq=balance.seq, note=note)
    transfer.created_at = clock.now()
    # An older ledger has no chain to continue until `ledger_seal` begins it (ADR 0014).
    if balance.seal is not None:
        transfer.seal = seal_of(transfer.sealed, bytes(balance.seal))
    transfer.save(force_insert=True)
    balance.previous_seal, balance.seal = balance.seal, transfer.seal
    balance.save(update_fields=["available", "owed", "seq", "previous_seal", "seal"])
    about = Subject("transfer", str(transfer.id), balance.tenant_id)
    # Older events say `reason`, which may be a staff's note: tenants are not shown it (ADR 0058).
    words = {"words": why["reason"]} if why["reason"] else {}
    by = By(actor=why["actor"], ip=why.get("ip"))
    record(
        about,
        f"balance.{transfer.kind}",
        before={"available_micros": before},
        after={"available_micros": balance.available, **words, **link},
        **by,
    )
    note_for_staff(about, note, **by)
    return transfer
