"""Books what the provider moved for a payment: refunds, withdrawals and reinstatements.

A refund that we asked for has set its money aside (`pay_back`); any other, also one made in the
provider's dashboard, takes what is there when it is done, and the rest becomes owed. All but
`refuse_movement` runs within a transaction that has the payment locked.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from billing.models import Account, Payment, PaymentCustomer, PaymentMovement, Transfer
from billing.payments.port import Movement
from billing.payments.shares import CardCharge, micros_of
from billing.selectors.office.payments import gone_of
from billing.services.office import automatic_pauses, card_money
from billing.services.office.payment_mail import tell
from pictor.kit.words import ids
from pictor.kit.words.money import Micros, in_dollars, scale_half_up

Kind, State, Moved = PaymentMovement.Kind, PaymentMovement.State, Transfer.Kind
_ORDER = {Kind.REFUND: 0, Kind.WITHDRAWAL: 1, Kind.REINSTATEMENT: 2}


def charge_of(payment: Payment) -> CardCharge:
    """Return a payment's charge, and what of it went back or is going."""
    cents = payment.amount_cents or payment.asked_cents
    return CardCharge(Micros(payment.credited_micros), cents, *gone_of(payment))


def left_at_the_provider(payment: Payment) -> int:
    """Return the cents of what was paid that are neither withdrawn, nor refunded or asked back."""
    is_paid = payment.state in {Payment.State.PAID, Payment.State.PERSON}
    if not is_paid and not payment.person_why:
        return 0
    stands = payment.movements.exclude(state=State.FAILED).order_by()
    sums: dict[str, int] = dict(stands.values_list("kind").annotate(Sum("cents")))
    out = sums.get(Kind.REFUND, 0) + sums.get(Kind.WITHDRAWAL, 0)
    charged = payment.amount_cents or payment.asked_cents
    return max(charged - out + sums.get(Kind.REINSTATEMENT, 0), 0)


def ask_whole(payment: Payment, *, now: datetime, reason: str, asked_by: str) -> None:
    """Ask for a refund of all that is left of a charge: what is spent meanwhile becomes owed."""
    if cents := left_at_the_provider(payment):
        asked = PaymentMovement(
            payment=payment,
            kind=Kind.REFUND,
            state=State.ASKED,
            cents=cents,
            micros=0,
            key=str(ids.new_uuid()),
            key_at=now,
            asked_by_name=asked_by,
            reason=reason,
            at=now,
        )
        asked.save(force_insert=True)


def book_movements(payment: Payment, movements: Iterable[Movement], *, now: datetime) -> None:
    """Bring a payment's movements, and their transfers, to the provider's present state."""
    moved = [movement for movement in movements if movement.kind != "charge"]
    for movement in sorted(moved, key=lambda one: (one.at, _ORDER[Kind(one.kind)])):
        book_movement(payment, movement, now=now)


def book_movement(payment: Payment, movement: Movement, *, now: datetime) -> None:
    """Bring one movement to its present state; a payment that is not credited moves no money."""
    row = _row_of(payment, movement)
    was = row.state
    if not (movement.state == "pending" and was in {State.DONE, State.FAILED}):
        row.state = movement.state
    row.provider_id = movement.provider_id
    row.save()
    if payment.top_up_seq is not None:
        _book(payment, payment.top_up_seq, row)
    elif left_at_the_provider(payment):
        payment.state = Payment.State.PERSON  # again, where its pay-back failed after it was done
        payment.save(update_fields=["state"])
    elif row.state == State.DONE:
        payment.state = Payment.State.FAILED  # a person had it paid back: it is over
        payment.save(update_fields=["state"])
    if row.state == State.DONE and was != State.DONE and row.kind == Kind.REFUND:
        _tell_paid_back(payment, row, now)


@transaction.atomic
def refuse_movement(row: PaymentMovement, why: str) -> None:
    """Keep that the provider refused a pay-back: its money becomes available again."""
    payment = Payment.objects.select_for_update().get(id=row.payment_id)
    row = PaymentMovement.objects.get(id=row.id)
    if row.state != State.ASKED:
        return
    row.state, row.reason = State.FAILED, f"Refused: {why}"[:200]
    row.save(update_fields=["state", "reason"])
    if payment.top_up_seq is not None:
        _book(payment, payment.top_up_seq, row)


def _row_of(payment: Payment, movement: Movement) -> PaymentMovement:
    """Return the movement's row: by the id that we gave it, by the provider's, or a new one."""
    mine = payment.movements.exclude(kind=Kind.CHARGE)
    row = mine.filter(id=movement.ours).first() if movement.ours else None
    return (
        row
        or mine.filter(provider_id=movement.provider_id).first()
        or PaymentMovement(
            payment=payment,
            kind=movement.kind,
            state=State.PENDING,
            dispute_id=movement.dispute,
            cents=movement.cents,
            micros=0,
            at=movement.at,
        )
    )


def _book(payment: Payment, top_up_seq: int, row: PaymentMovement) -> None:
    """Move its money, unless that is done: what was set aside first, or else what is there."""
    tenant_id, line = payment.tenant_id, str(row.id)
    moved = Transfer.objects.filter(tenant_id=tenant_id, seq__in=row.seqs)
    kinds = set(moved.values_list("kind", flat=True))
    is_aside = Moved.PAY_BACK in kinds and Moved.PAY_BACK_FAILED not in kinds
    is_taken = Moved.CHARGEBACK in kinds and Moved.REINSTATED not in kinds
    booked: list[Transfer] = []
    if row.kind == Kind.REINSTATEMENT:
        if row.state == State.DONE and not kinds:
            booked = _reinstate(payment, top_up_seq, row)
    elif row.state == State.DONE and is_aside:
        booked = [card_money.paid_back(tenant_id=tenant_id, line=line)]
    elif row.state == State.DONE and not is_taken:
        booked = _take(payment, top_up_seq, row)
    elif row.state == State.FAILED and is_aside:
        booked = [card_money.pay_back_failed(tenant_id=tenant_id, line=line)]
    elif row.state == State.FAILED and is_taken:
        booked = card_money.reinstate(
            tenant_id=tenant_id,
            top_up_seq=top_up_seq,
            amount=Micros(row.micros),
            line=line,
            taken_line=line,
        )
    row.seqs = sorted({*row.seqs, *seqs_of(booked)})
    row.save(update_fields=["seqs", "micros"])


def seqs_of(transfers: Iterable[Transfer]) -> list[int]:
    return [transfer.seq for transfer in transfers if transfer.seq is not None]


def _take(payment: Payment, top_up_seq: int, row: PaymentMovement) -> list[Transfer]:
    row.micros = charge_of(payment).share_of(row.cents)
    if not row.micros:
        return []
    reason = "Paid back" if row.kind == Kind.REFUND else "Taken back by the bank"
    booked = card_money.charge_back(
        tenant_id=payment.tenant_id,
        top_up_seq=top_up_seq,
        amount=Micros(row.micros),
        line=str(row.id),
        reason=row.reason or reason,
    )
    if owed := sum(one.amount for one in booked if one.debit_id == Account.Platform.OWED):
        tell(
            payment.tenant_id,
            "generations have stopped",
            f"{in_dollars(owed)} of what was taken back of a payment had been spent, and is owed.",
            "Generations go on as soon as funds are added.",
        )
    return booked


def _reinstate(payment: Payment, top_up_seq: int, row: PaymentMovement) -> list[Transfer]:
    """Give back exactly what the dispute took, or a part of it."""
    of_dispute = payment.movements.filter(dispute_id=row.dispute_id, state=State.DONE)
    taken = of_dispute.filter(kind=Kind.WITHDRAWAL).exclude(seqs=[]).order_by("-at").first()
    cents, micros = 0, 0
    for kind, each_cents, each_micros in of_dispute.exclude(seqs=[]).values_list(
        "kind", "cents", "micros"
    ):
        sign = 1 if kind == Kind.WITHDRAWAL else -1
        cents, micros = cents + sign * each_cents, micros + sign * each_micros
    if taken is None or cents <= 0:
        return []
    row.micros = scale_half_up(micros, min(row.cents, cents), cents)
    return card_money.reinstate(
        tenant_id=payment.tenant_id,
        top_up_seq=top_up_seq,
        amount=Micros(row.micros),
        line=str(row.id),
        taken_line=str(taken.id),
    )


def _tell_paid_back(payment: Payment, row: PaymentMovement, now: datetime) -> None:
    automatic_pauses.pause(payment.tenant_id, PaymentCustomer.Pause.PAID_BACK, now=now)
    back, paid = (in_dollars(micros_of(cents)) for cents in (row.cents, payment.amount_cents or 0))
    tell(
        payment.tenant_id,
        f"{back} was paid back",
        f"{back} of the payment of {paid} was paid back to the card. Banks take some days to show"
        " it.",
        row.reason,
    )
