"""Books a payment's present state at the provider, whole and in one transaction.

Each fact is applied as it is now and not as an event told it, so order, repetition and loss of
events change nothing. Money moves in the ledger once for each movement at the provider.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from billing.models import Payment, PaymentCustomer, PaymentDispute, PaymentMovement
from billing.payments import provider
from billing.payments.port import Dispute, Present
from billing.payments.shares import micros_of
from billing.services.office import automatic_pauses, card_money
from billing.services.office.payment_mail import tell
from billing.services.office.payment_movements import ask_whole, book_movements, seqs_of
from pictor.kit.words.money import Micros, in_dollars

KEPT = (
    "amount_cents", "tax_cents", "fee_cents", "fee_currency", "session_id", "payment_intent_id",
    "charge_id", "invoice_id", "invoice_number", "invoice_url", "receipt_url", "card_brand",
    "card_last4", "paid_at", "declined", "currency",
)  # fmt: skip
"""What a payment keeps of what the provider says, under the same names."""
Pause = PaymentCustomer.Pause
State = Payment.State
KEY_LASTS = timedelta(hours=23)
"""How long a call is repeated with its idempotency key, which the provider keeps for a day."""
WARNED = "The bank warned of fraud"


@transaction.atomic
def apply(payment_id: UUID, *, look: int, present: Present | None, now: datetime) -> Payment:
    """Book the answer of a look at the provider, unless a newer one is booked already."""
    payment = Payment.objects.select_for_update(of=("self",)).select_related("tenant").get(
        id=payment_id
    )  # fmt: skip
    if payment.applied >= look:
        return payment
    payment.applied = look
    if present is not None:
        waited = payment.declined
        _keep(payment, present)
        _take_state(payment, present, now, waited=bool(waited))
        book_movements(payment, present.movements, now=now)
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
    lasts = (
        KEY_LASTS
        if present is None and payment.automatic
        else payment.expires_at - payment.begun_at
    )
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
        paid, asked = (
            in_dollars(micros_of(n)) for n in (present.subtotal_cents, payment.asked_cents)
        )
        return f"{paid} was paid, and {asked} was asked for."
    return ""


def is_live() -> bool:
    """True if our key is for real money."""
    at = provider.card_provider()
    return at is not None and at.live


def _credit(payment: Payment, present: Present, now: datetime) -> None:
    """Book what was paid: no limit refuses it, and of an ended workspace it goes back."""
    payment.paid_at = present.paid_at or now
    charge = PaymentMovement.objects.create(
        payment=payment,
        kind=PaymentMovement.Kind.CHARGE,
        state=PaymentMovement.State.DONE,
        provider_id=present.charge_id or present.payment_intent_id or present.invoice_id or None,
        cents=payment.amount_cents or payment.asked_cents,
        micros=payment.credited_micros,
        at=payment.paid_at,
    )
    amount = in_dollars(payment.credited_micros)
    top_up = card_money.top_up(
        tenant_id=payment.tenant_id,
        amount=Micros(charge.micros),
        line=str(charge.id),
        reason="Paid by card",
    )
    payment.top_up_seq = top_up.seq
    charge.seqs = seqs_of([top_up])
    charge.save(update_fields=["seqs"])
    if payment.tenant.has_ended:
        ask_whole(payment, now=now, reason="The workspace had been deleted", asked_by="erasure")
        return
    what = "An automatic top-up" if payment.automatic else "A payment by card"
    if payment.automatic:
        automatic_pauses.paid(payment.tenant_id)
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
        automatic_pauses.declined(payment, now=now)
        return
    if is_new:
        why = Pause.CONFIRM if present.needs_customer else Pause.DECLINED
        automatic_pauses.pause(payment.tenant_id, why, now=now, invoice_url=payment.invoice_url)
    if present.state == "expired":
        payment.state = State.EXPIRED


def _keep_dispute(payment: Payment, dispute: Dispute, now: datetime) -> None:
    known = PaymentDispute.objects.filter(provider_id=dispute.provider_id)
    was = known.values_list("kind", flat=True).first()
    PaymentDispute.objects.update_or_create(
        provider_id=dispute.provider_id,
        defaults={
            "payment": payment,
            **{
                name: getattr(dispute, name)
                for name in (
                    "kind", "state", "reason", "cents", "fee_cents", "opened_at", "due_at", "link",
                )
            },
        },
    )  # fmt: skip
    if was == dispute.kind:  # an inquiry may become a dispute
        return
    automatic_pauses.pause(payment.tenant_id, Pause.DISPUTED, now=now)
    if dispute.kind == "dispute":
        amount = in_dollars(micros_of(dispute.cents))
        tell(
            payment.tenant_id,
            "a payment was disputed",
            f"The bank was asked to take back {amount} of the payment of"
            f" {in_dollars(payment.credited_micros)}. What it takes back leaves the balance.",
            "If that is a mistake, tell your bank, and the operator of this site.",
        )
    charged = micros_of(payment.amount_cents or payment.asked_cents)
    if dispute.kind == "warning" and charged < settings.STRIPE_REFUND_WARNED_BELOW:
        ask_whole(payment, now=now, reason=WARNED, asked_by="early fraud warning")
