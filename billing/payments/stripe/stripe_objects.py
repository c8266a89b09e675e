"""Stripe's objects, read as the port's values. Facts of API version 2026-10-28.endive.

Amounts of objects are in the currency that the customer paid in. Those of balance transactions are
in the account's own, which may be another.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import stripe

from billing.payments.port import BalanceEntry, Dispute, Event, Movement, Present

if TYPE_CHECKING:
    from stripe import BalanceTransaction, Charge, Invoice, PaymentIntent, Refund, StripeObject
    from stripe.checkout import Session
    from stripe.radar import EarlyFraudWarning

PAYMENT, TENANT, MOVEMENT = "pictor_payment", "pictor_tenant", "pictor_movement"
"""Our metadata. Objects without it are others', as an account may be shared."""

EVENTS = (
    *("checkout.session.completed", "checkout.session.expired"),
    *("checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"),
    *("invoice.paid", "invoice.payment_failed", "invoice.payment_action_required"),
    "invoice.voided",
    "charge.updated",  # its balance transaction, and so its fee, may come late
    *("refund.created", "refund.updated", "refund.failed"),
    *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
    *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
    *("radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"),
)
"""The types that tell of a payment's state; one call lists at most 20."""

_READ = {"object", "id", "metadata", "payment_intent", "charge", "invoice"}
"""The fields of an event's object."""
_CONFIRM = {"authentication_required", "invoice_payment_intent_requires_action"}
_DASHBOARD = "https://dashboard.stripe.com"


def id_of(thing: Any) -> str:
    """Return the id of an object, expanded or not; empty for none."""
    return thing if isinstance(thing, str) else getattr(thing, "id", "") or ""


def our_id(thing: "StripeObject", name: str) -> UUID | None:
    """Return an id of ours from an object's metadata."""
    metadata = getattr(thing, "metadata", None)
    try:
        return UUID(metadata[name]) if metadata and name in metadata else None
    except ValueError:
        return None


def time_of(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def event_from(event: "stripe.Event") -> Event:
    """Read an event, whose object is of any kind; unexpanded objects have plain ids."""
    about: Any = event.data.object
    kind = about.object

    def named(field: str, own: str) -> str:
        return about.id if kind == own else id_of(getattr(about, field, None))

    return Event(
        id=event.id,
        type=event.type,
        created_at=time_of(event.created),
        live=event.livemode,
        payment_id=our_id(about, PAYMENT),
        session_id=about.id if kind == "checkout.session" else "",
        payment_intent_id=named("payment_intent", "payment_intent"),
        charge_id=named("charge", "charge"),
        invoice_id=named("invoice", "invoice"),
    )


def event_in(posted: dict[str, Any]) -> Event | None:
    """Read a posted event, None for one of an unknown type. Raises whatever a bad one causes.

    Only what is read of its object becomes the library's: the whole takes it 7 ms.
    """
    about = posted["data"]["object"]
    read = {name: about[name] for name in about if name in _READ}
    event: Any = stripe.Event.construct_from({**posted, "data": {"object": read}}, "")
    return event_from(event) if event.type in EVENTS else None


def session_present(session: "Session", invoice: "Invoice | None") -> Present:
    """Read what a Checkout Session says of its payment."""
    intent: Any = session.payment_intent
    status = getattr(intent, "status", "")
    state: Literal["open", "paid", "failed", "expired"] = "open"
    if session.payment_status == "paid":
        state = "paid"
    elif session.status == "expired":
        state = "expired"
    elif session.status == "complete" and status in {"requires_payment_method", "canceled"}:
        state = "failed"
    totals = session.total_details
    return Present(
        **_of_invoice(invoice),
        state=state,
        live=session.livemode,
        subtotal_cents=session.amount_subtotal or 0,
        currency=session.currency or "",
        amount_cents=session.amount_total,
        tax_cents=totals.amount_tax if totals else None,
        session_id=session.id,
    )


def invoice_present(invoice: "Invoice", intent: "PaymentIntent | None") -> Present:
    """Read what an invoice, and the PaymentIntent that pays it, say of a payment."""
    error = intent and intent.last_payment_error
    code, decline, advice = (  # an error has only what there is to say
        getattr(error, name, None) or "" for name in ("code", "decline_code", "advice_code")
    )
    asks = intent is not None and intent.status == "requires_action"
    state: Literal["open", "paid", "failed", "expired"] = "open"
    if invoice.status == "paid":
        # Marked as paid by hand, it brought no money.
        state = "paid" if intent is not None and intent.status == "succeeded" else "failed"
    elif invoice.status in {"void", "uncollectible"}:
        state = "expired"
    elif error or asks:
        state = "failed"
    return Present(
        **_of_invoice(invoice),
        state=state,
        live=invoice.livemode,
        subtotal_cents=invoice.subtotal,
        currency=invoice.currency,
        amount_cents=invoice.total,
        tax_cents=sum(tax.amount for tax in invoice.total_taxes or ()),
        declined=decline or code or ("requires_action" if asks else ""),
        stops=advice == "do_not_try_again",
        needs_customer=asks or bool({code, decline} & _CONFIRM),
    )


def _of_invoice(invoice: "Invoice | None") -> dict[str, Any]:
    if invoice is None:
        return {}
    of = {"invoice_id": invoice.id, "invoice_number": invoice.number or ""}
    return {**of, "invoice_url": invoice.hosted_invoice_url or ""}


def with_charge(present: Present, charge: "Charge") -> Present:
    """Add what a charge says. What was bought is what was charged, without its tax."""
    fees: Any = charge.balance_transaction
    has_fee = fees is not None and not isinstance(fees, str)
    card: Any = getattr(charge.payment_method_details, "card", None)
    at = time_of(charge.created)
    state: Literal["done", "pending"] = "done" if charge.status == "succeeded" else "pending"
    return replace(
        present,
        subtotal_cents=charge.amount - (present.tax_cents or 0),
        currency=charge.currency,
        amount_cents=charge.amount,
        fee_cents=fees.fee if has_fee else None,
        fee_currency=fees.currency if has_fee else "",
        charge_id=charge.id,
        receipt_url=charge.receipt_url or "",
        card_brand=getattr(card, "brand", "") or "",
        card_last4=getattr(card, "last4", "") or "",
        paid_at=at,
        movements=(Movement("charge", charge.id, charge.amount, state, at),),
    )


def refund_movement(refund: "Refund", ours: UUID | None) -> Movement:
    """Read a refund; one that a credit note made has our id there."""
    state, at = _REFUNDS.get(refund.status or "", "pending"), time_of(refund.created)
    return Movement("refund", refund.id, refund.amount, state, at, our_id(refund, MOVEMENT) or ours)


_REFUNDS: dict[str, Literal["pending", "done", "failed"]]
_REFUNDS = {"succeeded": "done", "failed": "failed", "canceled": "failed"}
_DISPUTES: dict[str, Literal["open", "won", "lost", "closed"]] = {
    "won": "won",
    "lost": "lost",
    "warning_closed": "closed",
    "prevented": "closed",
}


def dispute_from(dispute: "stripe.Dispute") -> Dispute:
    """Read a dispute. An inquiry, and one that was prevented, withdraw nothing."""
    is_inquiry = dispute.status.startswith("warning") or dispute.status == "prevented"
    state = _DISPUTES.get(dispute.status, "open")
    due = dispute.evidence_details.due_by
    taken = dispute.balance_transactions
    return Dispute(
        kind="inquiry" if is_inquiry else "dispute",
        provider_id=dispute.id,
        state=state,
        reason=dispute.reason,
        cents=dispute.amount,
        opened_at=time_of(dispute.created),
        fee_cents=sum(each.fee for each in taken) if taken else None,
        due_at=time_of(due) if due and state == "open" else None,
        link=f"{_DASHBOARD}{'' if dispute.livemode else '/test'}/disputes/{dispute.id}",
    )


def dispute_movements(dispute: "stripe.Dispute") -> Iterable[Movement]:
    """Read the money that a dispute took and gave back, as often as it did."""
    for taken in dispute.balance_transactions:
        if taken.amount:
            yield Movement(
                kind="withdrawal" if taken.amount < 0 else "reinstatement",
                provider_id=taken.id,
                cents=abs(_paid_cents(taken, dispute.currency, dispute.amount)),
                state="done",
                at=time_of(taken.created),
                dispute=dispute.id,
            )


def warning_from(warning: "EarlyFraudWarning", charge: "Charge") -> Dispute:
    state: Literal["open", "closed"] = "open" if warning.actionable else "closed"
    at = time_of(warning.created)
    return Dispute("warning", warning.id, state, warning.fraud_type, charge.amount, at)


def entry_from(entry: "BalanceTransaction") -> BalanceEntry:
    """Read a line of the account's books, with its source expanded, by the source's own amount."""
    source: Any = entry.source
    kind = _ENTRIES.get(entry.reporting_category, "other")
    has_amount = kind != "other" and source is not None and not isinstance(source, str)
    return BalanceEntry(
        id=entry.id,
        kind=kind,
        source_id=id_of(source),
        cents=_paid_cents(entry, source.currency, source.amount) if has_amount else entry.amount,
        payment_intent_id=id_of(getattr(source, "payment_intent", None)),
        at=time_of(entry.created),
    )


_ENTRIES: dict[str, Literal["charge", "refund", "dispute", "other"]] = {
    "charge": "charge",
    "charge_failure": "charge",
    "refund": "refund",
    "refund_failure": "refund",
    "partial_capture_reversal": "refund",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
}


def _paid_cents(entry: "BalanceTransaction", currency: str, most: int) -> int:
    """Return a balance transaction's amount in the currency that the customer paid in.

    The rate converts with a rounding to whole units of the account's currency: within one of them
    it is the whole, `most`.
    """
    if entry.currency == currency or not entry.exchange_rate:
        return entry.amount
    rate = Decimal(str(entry.exchange_rate))
    cents = int((abs(entry.amount) / rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    if abs(cents - most) * rate <= 1:
        cents = most
    return cents if entry.amount > 0 else -cents
