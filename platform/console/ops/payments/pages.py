"""One payment: its facts, and what the provider and the ledger did with its money."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from billing.models import Payment, PaymentDispute
from billing.payments.dashboard import dashboard_page
from billing.selectors.office.payment_search import (
    complaints_of,
    events_of_payment,
    payment_by_id,
    transfers_of_payment,
)
from billing.selectors.office.payments import cards_on, left_of_payment
from console.amounts import amount
from console.ops.access import Operator, Permission, or_404, rendered, staff
from console.parts.cells import Fact, fact
from console.parts.entries import LedgerEntry
from console.parts.filters import link_of
from console.parts.payment_words import DISPUTES, badge_of, facts_of, in_currency, moved_of
from console.parts.periods import TO
from pictor.kit.words.money import Micros

OPEN = {"open": "warn", "lost": "bad"}
"""The looks of a dispute's states; others rest."""


@staff(Permission.SEE)
def one(request: HttpRequest, operator: Operator, payment: UUID) -> HttpResponse:
    """Show its facts, movements with their transfers, disputes, and the events that told of it."""
    if not cards_on():
        raise Http404
    found = or_404(payment_by_id(str(payment)))
    transfers, left = transfers_of_payment(found), left_of_payment(found)
    context = {
        "payment": found,
        "badge": badge_of(found, complaints_of(found)),
        "left": left,
        "facts": _facts(found, left),
        "ids": _ids(found),
        "moves": [
            (
                move,
                in_currency(move.cents, found.currency),
                [LedgerEntry(transfers[seq]) for seq in move.seqs if seq in transfers],
            )
            for move in sorted(found.movements.all(), key=lambda move: move.at)
        ],
        "disputes": [
            (one, DISPUTES[one.kind][1], _dispute(found, one), _made_until(found, one))
            for one in found.disputes.all()
        ],
        "events": [(event, dashboard_page(event.id)) for event in events_of_payment(found)],
    }
    return rendered(request, operator, "ops/payment.html", context)


def _facts(payment: Payment, left: Micros) -> list[Fact]:
    tenant, by = payment.tenant, payment.begun_by
    known = {
        "Buys": amount(payment.credited_micros),
        **moved_of(payment),
        "Provider\N{RIGHT SINGLE QUOTATION MARK}s fee": in_currency(
            payment.fee_cents, payment.fee_currency
        ),
        "Left to pay back": amount(left),
        "Declined": payment.declined,
        "Made": "automatically" if payment.automatic else f"by {by.email if by else 'a member'}",
    }
    times = {"Begun": payment.begun_at, "Paid": payment.paid_at, "Last look": payment.looked_at}
    known |= {label: f"{at:%-d %b %Y, %H:%M:%S} UTC" for label, at in times.items() if at}
    page = reverse("ops:tenant", args=[tenant.public_id])
    return [fact("Tenant", tenant.name, page), *facts_of(known)]


def _ids(payment: Payment) -> list[Fact]:
    known = {
        "Checkout": payment.session_id,
        "Payment intent": payment.payment_intent_id,
        "Charge": payment.charge_id,
        "Invoice": payment.invoice_id,
    }
    number, invoice, receipt = payment.invoice_number, payment.invoice_url, payment.receipt_url
    return [
        *(fact(name, of, dashboard_page(of), is_code=True) for name, of in known.items() if of),
        *([fact("Invoice, for the customer", number or "Open", invoice)] if invoice else []),
        *([fact("Receipt, for the customer", "Open", receipt)] if receipt else []),
    ]


def _dispute(payment: Payment, dispute: PaymentDispute) -> list[Fact]:
    cents, fee = (
        in_currency(cents, payment.currency) for cents in (dispute.cents, dispute.fee_cents)
    )
    times = {"Opened": dispute.opened_at, "To be answered by": dispute.due_at}
    return [
        fact("State", dispute.state.capitalize(), badge=OPEN.get(dispute.state, "idle")),
        fact("Reason", dispute.reason or "none given"),
        fact("Amount", f"{cents}, fee {fee}" if fee else cents),
        *(fact(label, f"{at:%-d %b %Y, %H:%M} UTC") for label, at in times.items() if at),
    ]


def _made_until(payment: Payment, dispute: PaymentDispute) -> str:
    """Return the address of what the customer made from the payment until the dispute, as CSV."""
    first = (payment.paid_at or payment.begun_at).date()
    days = f"{first}{TO}{dispute.opened_at.date()}"
    query = link_of({"tenant": payment.tenant.public_id, "period": days}, format="csv")
    return reverse("ops:generations") + query
