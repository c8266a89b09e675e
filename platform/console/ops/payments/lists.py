"""Payments by card, of all tenants."""

from operator import attrgetter
from typing import Any

from django.urls import reverse

from billing.models import Payment
from billing.selectors.office.payment_search import PaymentFilter, complaints_of
from billing.selectors.office.payments import cards_on
from console.amounts import amount
from console.ops.access import Permission
from console.ops.lists import TENANT
from console.parts.cells import Cell, Column
from console.parts.list_filters import periods, span_in
from console.parts.listing import Listing, Search, chosen, ticked
from console.parts.payment_words import BADGES, CSV, MONEY, badge_of, cents_of, page_of_payments

SAME = ("person_why", "declined", "fee_currency", "payment_intent_id", "charge_id", "invoice_id")
"""Columns of the CSV that are the payment's own."""


def _query(search: Search[Any]) -> PaymentFilter:
    since, until = span_in(search)
    tenant = search.meant.get("tenant")
    return PaymentFilter(
        tenant_id=tenant and tenant.id,
        state=search.meant.get("state"),
        automatic="automatic" in search.meant or None,
        begun_at__gte=since,
        begun_at__lt=until,
        is_disputed="disputed" in search.meant,
    )


def _payment(payment: Payment) -> Cell:
    page = reverse("ops:payment", args=[payment.pk])
    note = "automatic" if payment.automatic else ""
    return Cell(amount(payment.credited_micros), page, note=note)


def _tenant(payment: Payment) -> Cell:
    page = reverse("ops:tenant", args=[payment.tenant.public_id])
    return Cell(payment.tenant.name, page)


def _state(payment: Payment) -> Cell:
    badge, words = badge_of(payment, complaints_of(payment))
    return Cell(words, badge=badge, note=payment.person_why or payment.declined)


PAYMENTS = Listing[Payment](
    name="payments",
    title="Payments",
    lead="Customers\N{RIGHT SINGLE QUOTATION MARK} payments by card, as the provider has them.",
    things="payments",
    needs=Permission.SEE,
    is_on=cards_on,
    order="newest first",
    query=_query,
    read=page_of_payments,
    filters={
        "tenant": TENANT,
        "state": chosen("State", {state.value: words for state, (_, words) in BADGES.items()}),
        "period": periods("Begun, UTC", chip="Begun"),
        "disputed": ticked("Disputed", chip="Disputes", words="had one, or an inquiry or warning"),
        "automatic": ticked("Automatic", chip="Made", words="automatically"),
    },
    columns=[
        Column(title="Payment", cell=_payment, csv={"id": attrgetter("pk")}),
        Column(
            title="Tenant",
            cell=_tenant,
            csv={"tenant": attrgetter("tenant.name"), "tenant_id": attrgetter("tenant.public_id")},
        ),
        Column(title="State", cell=_state, place="lead"),
        *MONEY,
        Column(title="Begun", cell=lambda payment: Cell(at=payment.begun_at), is_number=True),
        Column(
            csv={
                **CSV,
                "fee": lambda payment: cents_of(payment.fee_cents),
                **{name: attrgetter(name) for name in SAME},
                "disputes": lambda payment: " ".join(
                    f"{one.kind}:{one.state}" for one in payment.disputes.all()
                ),
            }
        ),
    ],
    empty=("No payments yet", "One appears here when a customer begins it, or automatically."),
)
