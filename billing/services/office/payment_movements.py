"""Books a payment's present state at the provider, whole and in one transaction.

Each fact is applied as it is now and not as an event told it, so order, repetition and loss of
events change nothing. A refund that staff asked for of what is available has set its money aside
(`pay_back`); any other, of a whole payment or made in the provider's dashboard, takes what is there
when it is done, and the rest becomes owed. `apply` and `refuse_movement` lock the payment; all else
that books runs in a transaction that has.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from billing.models import (
    Account,
    Payment,
    PaymentCustomer,
    PaymentDispute,
    PaymentMovement,
    Transfer,
)
from billing.payments import provider
from billing.payments.port import Dispute, Movement, Present
from billing.payments.shares import CardCharge, dollars_of, micros_of
from billing.selectors.office.payments import gone_of
from billing.services.office import card_money
from billing.services.office.payment_mail import declined, pause, tell
from pictor.kit.words import ids
from pictor.kit.words.money import Micros, in_dollars, scale_half_up

KEPT = (
    "amount_cents", "tax_cents", "fee_cents", "fee_currency", "session_id", "payment_intent_id",
    "charge_id", "invoice_id", "invoice_number", "invoice_url", "receipt_url", "card_brand",
    "card_last4", "paid_at", "declined", "currency",
)  # fmt: skip
"""What a payment keeps of what the provider says, under the same names."""
KEY_LASTS = timedelta(hours=23)
"""How long a call is repeated with its idempotency key, which the provider keeps for a day."""
Pause, State = PaymentCustomer.Pause, Payment.State
Kind, Moved, Booked = PaymentMovement.Kind, PaymentMovement.State, Transfer.Kind
_ORDER = {Kind.REFUND: 0, Kind.WITHDRAWAL: 1, Kind.REINSTATEMENT: 2}


@transaction.atomic
def apply(payment_id: UUID, *, look: int, present: Present | None, now: datetime) -> Payment:
    """Book the answer of a look at the provider, unless a newer one is booked already."""
    locked = Payment.objects.select_for_update(of=("self",)).select_related("tenant")
    payment = locked.get(id=payment_id)
    if payment.applied >= look:
        return payment
    payment.applied = look
    if present is not None:
        waited = bool(payment.declined)
        _keep(payment, present)
        _take_state(payment, present, now, waited=waited)
        moved = [movement for movement in present.movements if movement.kind != "charge"]
        for movement in sorted(moved, key=lambda one: (one.at, _ORDER[Kind(one.kind)])):
            book_movement(payment, movement, now=now)
        for dispute in present.disputes:
            _keep_dispute(payment, dispute, now)
    if payment.state == State.BEGUN and not _may_come(payment, present, now):
        payment.state = State.EXPIRED
    payment.save()
    return payment


def _may_come(payment: Payment, present: Present | None, now: datetime) -> bool:
    """True while the provider may still take the money."""
    if present is not None and present.state in {"open", "paid"}:
        return True
    # What the provider does not know is not asked for again once its key is old.
    is_unknown = present is None and payment.automatic
    lasts = KEY_LASTS if is_unknown else payment.expires_at - payment.begun_at
    return now - payment.begun_at < lasts


def _keep(payment: Payment, present: Present) -> None:
    """Keep its facts; of a workspace that has ended, no personal ones."""
    for name in KEPT:
        value = getattr(present, name)
        if value not in {None, ""} and not (payment.tenant.has_ended and name in Payment.PERSONAL):
            setattr(payment, name, value)


def _take_state(payment: Payment, present: Present, now: datetime, *, waited: bool) -> None:
    if payment.top_up_seq is not None or (payment.person_why and payment.state == State.FAILED):
        return
    if present.state == "paid":
        payment.person_why = _why_not(payment, present)
        payment.state = State.PERSON if payment.person_why else State.PAID
        if payment.state == State.PAID:
            _credit(payment, present, now)
    elif payment.state != State.BEGUN or present.state == "open":
        return
    elif payment.automatic:
        _take_decline(payment, present, now, waited=waited)
    else:
        payment.state = State.FAILED if present.state == "failed" else State.EXPIRED


def _why_not(payment: Payment, present: Present) -> str:
    """Return why what was paid is not what was asked for; empty if it is."""
    if present.live != is_live():
        return "It was paid in the provider's other mode, test or live."
    if present.currency.lower() != "usd":
        return f"It was paid in {present.currency.upper()}, and asked for in USD."
    if present.subtotal_cents != payment.asked_cents:
        paid, asked = dollars_of(present.subtotal_cents), dollars_of(payment.asked_cents)
        return f"{paid} was paid, and {asked} was asked for."
    return ""


def is_live() -> bool:
    """True if our key is for real money."""
    at = provider.card_provider()
    return at is not None and at.live


def _credit(payment: Payment, present: Present, now: datetime) -> None:
    """Book what was paid: no limit refuses it, and of an ended workspace it goes back."""
    payment.paid_at = present.paid_at or now
    charge = PaymentMovement(
        payment=payment,
        kind=Kind.CHARGE,
        state=Moved.DONE,
        provider_id=present.charge_id or present.payment_intent_id or present.invoice_id or None,
        cents=payment.amount_cents or payment.asked_cents,
        micros=payment.credited_micros,
        at=payment.paid_at,
    )
    top_up = card_money.top_up(
        tenant_id=payment.tenant_id,
        amount=Micros(charge.micros),
        line=str(charge.id),
        reason="Paid by card",
    )
    payment.top_up_seq, charge.seqs = top_up.seq, [top_up.seq or 0]
    charge.save(force_insert=True)
    if payment.tenant.has_ended:
        ask_whole(payment, now=now, reason="The workspace had been deleted", asked_by="erasure")
        return
    if payment.automatic:  # declines are counted anew
        PaymentCustomer.objects.filter(tenant_id=payment.tenant_id).update(tries=0, next_at=None)
    amount = in_dollars(payment.credited_micros)
    what = "An automatic top-up" if payment.automatic else "A payment by card"
    tell(
        payment.tenant_id,
        f"{amount} was added",
        f"{what} of {amount} was made and added to the balance.",
        link=payment.invoice_url or payment.receipt_url,
        link_words="Invoice" if payment.invoice_url else "Receipt",
    )


def _take_decline(payment: Payment, present: Present, now: datetime, *, waited: bool) -> None:
    """Let an automatic top-up that the bank wants confirmed wait; any other decline ends it.

    One that `waited` already does so until it is paid or void. A decline counts even if its invoice
    was void before that was booked.
    """
    is_new = not waited and bool(present.state == "failed" or present.declined)
    if is_new and not (present.needs_customer or present.stops):
        payment.state = State.FAILED
        declined(payment, now=now)
        return
    if is_new:
        why = Pause.CONFIRM if present.needs_customer else Pause.DECLINED
        pause(payment.tenant_id, why, now=now, invoice_url=payment.invoice_url)
    if present.state == "expired":
        payment.state = State.EXPIRED


def _keep_dispute(payment: Payment, dispute: Dispute, now: datetime) -> None:
    known = PaymentDispute.objects.filter(provider_id=dispute.provider_id)
    was = known.values_list("kind", flat=True).first()
    PaymentDispute(payment=payment, **asdict(dispute)).save()
    if was == dispute.kind:  # an inquiry may become a dispute
        return
    pause(payment.tenant_id, Pause.DISPUTED, now=now)
    if dispute.kind == "dispute":
        tell(
            payment.tenant_id,
            "a payment was disputed",
            f"The bank was asked to take back {dollars_of(dispute.cents)} of the payment of"
            f" {in_dollars(payment.credited_micros)}. What it takes back leaves the balance.",
            "If that is a mistake, tell your bank, and the operator of this site.",
        )
    charged = micros_of(payment.amount_cents or payment.asked_cents)
    if dispute.kind == "warning" and charged < settings.STRIPE_REFUND_WARNED_BELOW:
        reason = "The bank warned of fraud"
        ask_whole(payment, now=now, reason=reason, asked_by="early fraud warning")


def charge_of(payment: Payment) -> CardCharge:
    """Return a payment's charge, and what of it went back or is going."""
    cents = payment.amount_cents or payment.asked_cents
    gone = gone_of(payment.movements.exclude(seqs=[]))
    return CardCharge(Micros(payment.credited_micros), cents, *gone)


def left_at_the_provider(payment: Payment) -> int:
    """Return the cents of what was paid that are neither withdrawn, nor refunded or asked back."""
    if payment.state not in {State.PAID, State.PERSON} and not payment.person_why:
        return 0
    cents, _ = gone_of(payment.movements.all())
    return max((payment.amount_cents or payment.asked_cents) - cents, 0)


def ask_whole(payment: Payment, *, now: datetime, reason: str, asked_by: str) -> None:
    """Ask for a refund of all that is left of a charge: what is spent meanwhile becomes owed."""
    if cents := left_at_the_provider(payment):
        ask(payment, cents, now=now, reason=reason, asked_by=asked_by)


def ask(
    payment: Payment, cents: int, micros: int = 0, *, now: datetime, reason: str, asked_by: str
) -> PaymentMovement:
    """Store what the provider is asked for, before it is."""
    return PaymentMovement.objects.create(
        payment=payment,
        kind=Kind.REFUND,
        state=Moved.ASKED,
        cents=cents,
        micros=micros,
        key=str(ids.new_uuid()),
        key_at=now,
        asked_by_name=asked_by,
        reason=reason,
        at=now,
    )


def book_movement(payment: Payment, movement: Movement, *, now: datetime) -> None:
    """Bring one movement to its present state; a payment that is not credited moves no money."""
    row = _row_of(payment, movement)
    was = row.state
    if movement.state != "pending" or was not in {Moved.DONE, Moved.FAILED}:
        row.state = movement.state
    row.provider_id = movement.provider_id
    row.save()
    if payment.top_up_seq is not None:
        _book(payment, payment.top_up_seq, row)
    elif left_at_the_provider(payment):
        payment.state = State.PERSON  # again, where its pay-back failed after it was done
    elif row.state == Moved.DONE:
        payment.state = State.FAILED  # a person had it paid back: it is over
    payment.save(update_fields=["state"])
    if row.state == Moved.DONE and was != Moved.DONE and row.kind == Kind.REFUND:
        _tell_paid_back(payment, row, now)


@transaction.atomic
def refuse_movement(row: PaymentMovement, why: str) -> None:
    """Keep that the provider refused a pay-back: its money becomes available again."""
    payment = Payment.objects.select_for_update().get(id=row.payment_id)
    row = PaymentMovement.objects.get(id=row.id)
    if row.state != Moved.ASKED:
        return
    row.state, row.reason = Moved.FAILED, f"Refused: {why}"[:200]
    row.save(update_fields=["state", "reason"])
    if payment.top_up_seq is not None:
        _book(payment, payment.top_up_seq, row)


def _row_of(payment: Payment, movement: Movement) -> PaymentMovement:
    """Return the movement's row: by the id that we gave it, by the provider's, or a new one."""
    is_it = Q(id=movement.ours) | Q(provider_id=movement.provider_id)
    return payment.movements.exclude(kind=Kind.CHARGE).filter(is_it).first() or PaymentMovement(
        payment=payment,
        kind=movement.kind,
        state=Moved.PENDING,
        dispute_id=movement.dispute,
        cents=movement.cents,
        micros=0,
        at=movement.at,
    )


def _book(payment: Payment, top_up_seq: int, row: PaymentMovement) -> None:
    """Move its money, unless that is done: what was set aside first, or else what is there."""
    tenant_id, line = payment.tenant_id, str(row.id)
    kinds = {one.kind for one in card_money.moved_for(tenant_id, line)}
    is_aside = Booked.PAY_BACK in kinds and Booked.PAY_BACK_FAILED not in kinds
    is_taken = Booked.CHARGEBACK in kinds and Booked.REINSTATED not in kinds
    if row.kind == Kind.REINSTATEMENT:
        if row.state == Moved.DONE and not kinds:
            _reinstate(payment, top_up_seq, row)
    elif row.state == Moved.DONE and is_aside:
        card_money.paid_back(tenant_id=tenant_id, line=line)
    elif row.state == Moved.DONE and not is_taken:
        _take(payment, top_up_seq, row)
    elif row.state == Moved.FAILED and is_aside:
        card_money.pay_back_failed(tenant_id=tenant_id, line=line)
    elif row.state == Moved.FAILED and is_taken:
        amount = Micros(row.micros)
        card_money.reinstate(
            tenant_id=tenant_id, top_up_seq=top_up_seq, amount=amount, line=line, taken_line=line
        )
    row.seqs = [one.seq or 0 for one in card_money.moved_for(tenant_id, line)]
    row.save(update_fields=["seqs", "micros"])


def _take(payment: Payment, top_up_seq: int, row: PaymentMovement) -> None:
    row.micros = charge_of(payment).share_of(row.cents)
    if not row.micros:
        return
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


def _reinstate(payment: Payment, top_up_seq: int, row: PaymentMovement) -> None:
    """Give back exactly what the dispute took, or a part of it."""
    of_it = payment.movements.filter(dispute_id=row.dispute_id, state=Moved.DONE).exclude(seqs=[])
    taken = of_it.filter(kind=Kind.WITHDRAWAL).order_by("-at").first()
    cents, micros = gone_of(of_it)
    if taken is None or cents <= 0:
        return
    row.micros = scale_half_up(micros, min(row.cents, cents), cents)
    card_money.reinstate(
        tenant_id=payment.tenant_id,
        top_up_seq=top_up_seq,
        amount=Micros(row.micros),
        line=str(row.id),
        taken_line=str(taken.id),
    )


def _tell_paid_back(payment: Payment, row: PaymentMovement, now: datetime) -> None:
    pause(payment.tenant_id, Pause.PAID_BACK, now=now)
    back, paid = dollars_of(row.cents), dollars_of(payment.amount_cents or 0)
    tell(
        payment.tenant_id,
        f"{back} was paid back",
        f"{back} of the payment of {paid} was paid back to the card. Banks take some days to show"
        " it.",
        row.reason,
    )
