"""One payment: its facts, and what the provider and the ledger did with its money."""

from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from billing.models import Payment, PaymentDispute
from billing.payments.dashboard import dashboard_page
from billing.selectors.office.payment_search import (
    events_of_payment,
    payment_by_id,
    sums_of_payment,
    transfers_of_payment,
)
from billing.selectors.office.payments import cards_on, left_of_payment
from console.amounts import amount
from console.ops.access import Operator, Permission, or_404, rendered, staff
from console.parts.cells import Fact, fact
from console.parts.entries import LedgerEntry
from console.parts.filters import link_of
from console.parts.payment_words import DISPUTES, badge_of, card_of, cents_in_words
from console.parts.periods import TO


@staff(Permission.SEE)
def one(request: HttpRequest, operator: Operator, payment: UUID) -> HttpResponse:
    """Show its facts, movements with their transfers, disputes, and the events that told of it."""
    if not cards_on():
        raise Http404
    found = or_404(payment_by_id(str(payment)))
    transfers = transfers_of_payment(found)
    context = {
        "payment": found,
        "badge": badge_of(found),
        "left": left_of_payment(found),
        "facts": _facts(found),
        "ids": _ids(found),
        "moves": [
            (
                move,
                cents_in_words(move.cents, found.currency),
                [LedgerEntry(transfers[seq]) for seq in move.seqs if seq in transfers],
            )
            for move in sorted(found.movements.all(), key=lambda move: move.at)
        ],
        "disputes": [_dispute(found, one) for one in found.disputes.all()],
        "events": [(event, dashboard_page(event.id)) for event in events_of_payment(found)],
    }
    return rendered(request, operator, "ops/payment.html", context)


def _facts(payment: Payment) -> list[Fact]:
    tenant, currency = payment.tenant, payment.currency
    sums, by = sums_of_payment(payment), payment.begun_by
    known = {
        "Buys": amount(payment.credited_micros),
        "Charged": cents_in_words(payment.amount_cents, currency),
        "Of that, tax": cents_in_words(payment.tax_cents, currency),
        "The provider\N{RIGHT SINGLE QUOTATION MARK}s fee": cents_in_words(
            payment.fee_cents, payment.fee_currency
        ),
        "Paid back": amount(sums.paid_back) if sums.paid_back else "",
        "Taken by disputes": amount(sums.taken) if sums.taken else "",
        "Left to pay back": amount(left_of_payment(payment)),
        "Card": card_of(payment),
        "Declined": payment.declined,
        "Made": "automatically" if payment.automatic else f"by {by.email if by else 'a member'}",
        "Begun": _time(payment.begun_at),
        "Paid": _time(payment.paid_at),
        "Last look": f"{_time(payment.looked_at)} ({payment.looks})" if payment.looked_at else "",
    }
    return [
        fact("Tenant", tenant.name, reverse("ops:tenant", args=[tenant.public_id])),
        *(fact(label, words) for label, words in known.items() if words),
    ]


def _ids(payment: Payment) -> list[Fact]:
    known = {
        "Checkout": payment.session_id,
        "Payment intent": payment.payment_intent_id,
        "Charge": payment.charge_id,
        "Invoice": payment.invoice_id,
    }
    links = {
        payment.invoice_number or "Invoice": payment.invoice_url,
        "Receipt": payment.receipt_url,
    }
    return [
        *(fact(name, of, dashboard_page(of), is_code=True) for name, of in known.items() if of),
        *(fact("For the customer", words, url) for words, url in links.items() if url),
    ]


def _dispute(payment: Payment, dispute: PaymentDispute) -> dict[str, object]:
    """A dispute with the address of what the customer made from the payment until it."""
    first = (payment.paid_at or payment.begun_at).date()
    days = f"{first}{TO}{dispute.opened_at.date()}"
    made = link_of({"tenant": payment.tenant.public_id, "period": days}, format="csv")
    return {
        "of": dispute,
        "kind": DISPUTES.get(dispute.kind, dispute.kind),
        "amount": cents_in_words(dispute.cents, payment.currency),
        "fee": cents_in_words(dispute.fee_cents, payment.currency),
        "made": reverse("ops:generations") + made,
    }


def _time(at: datetime | None) -> str:
    return f"{at:%-d %b %Y, %H:%M:%S} UTC" if at else ""
