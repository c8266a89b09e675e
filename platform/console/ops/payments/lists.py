"""Payments by card, of all tenants."""

from functools import partial
from operator import attrgetter
from typing import Any

from django.urls import reverse

from billing.models import Payment
from billing.selectors.office.payment_search import (
    PaymentFilter,
    complaints_of,
    payments_like,
    sums_of_payment,
)
from billing.selectors.office.payments import cards_on
from console.amounts import amount
from console.ops.access import Permission
from console.ops.lists import TENANT
from console.parts.cells import Cell, Column
from console.parts.list_filters import periods, span_in
from console.parts.listing import Listing, RowPage, Search, chosen, ticked
from console.parts.payment_words import BADGES, badge_of, card_of, cents_of, in_currency
from pictor.kit.words import ids
from pictor.kit.words.money import to_decimal

SAME = (
    *("state", "person_why", "automatic", "currency", "fee_currency", "declined"),
    *("payment_intent_id", "charge_id", "invoice_id", "invoice_number"),
)
"""Columns of the CSV that are the payment's own."""
CENTS = {"charged": "amount_cents", "tax": "tax_cents", "fee": "fee_cents"}


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


def _read(sought: PaymentFilter, after: str, limit: int) -> RowPage[Payment]:
    rows = payments_like(sought, after=ids.parse_uuid(after), limit=limit + 1)
    return RowPage(rows[:limit], str(rows[limit - 1].pk) if rows[limit:] else "")


def _payment(payment: Payment) -> Cell:
    page = reverse("ops:payment", args=[payment.pk])
    note = "automatic" if payment.automatic else ""
    return Cell(amount(payment.credited_micros), page, note=note)


def _state(payment: Payment) -> Cell:
    badge, words = badge_of(payment, complaints_of(payment))
    return Cell(words, badge=badge, note=payment.person_why or payment.declined)


def _charged(payment: Payment) -> Cell:
    tax = f"tax {in_currency(payment.tax_cents, payment.currency)}" if payment.tax_cents else ""
    return Cell(in_currency(payment.amount_cents, payment.currency), note=tax)


def _back(payment: Payment) -> Cell:
    back, taken = sums_of_payment(payment)
    return Cell(amount(back) if back else "", note=f"taken {amount(taken)}" if taken else "")


def _cents(name: str, payment: Payment) -> str:
    return cents_of(getattr(payment, name))


PAYMENTS = Listing[Payment](
    name="payments",
    title="Payments",
    lead="Customers\N{RIGHT SINGLE QUOTATION MARK} payments by card, as the provider has them.",
    things="payments",
    needs=Permission.SEE,
    is_on=cards_on,
    order="newest first",
    query=_query,
    read=_read,
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
            cell=lambda payment: Cell(
                payment.tenant.name, reverse("ops:tenant", args=[payment.tenant.public_id])
            ),
            csv={
                "tenant": attrgetter("tenant.name"),
                "tenant_id": attrgetter("tenant.public_id"),
            },
        ),
        Column(title="State", cell=_state, place="lead"),
        Column(title="Charged", cell=_charged, is_number=True),
        Column(title="Paid back", cell=_back, is_number=True),
        Column(title="Card", cell=card_of),
        Column(title="Begun", cell=lambda payment: Cell(at=payment.begun_at), is_number=True),
        Column(
            csv={
                "begun": lambda payment: payment.begun_at.isoformat(),
                "paid": lambda payment: payment.paid_at.isoformat() if payment.paid_at else "",
                "credited_usd": lambda payment: to_decimal(payment.credited_micros),
                "paid_back_usd": lambda payment: to_decimal(sums_of_payment(payment)[0]),
                "taken_usd": lambda payment: to_decimal(sums_of_payment(payment)[1]),
                **{name: partial(_cents, column) for name, column in CENTS.items()},
                **{name: attrgetter(name) for name in SAME},
                "card": card_of,
                "disputes": lambda payment: " ".join(
                    f"{one.kind}:{one.state}" for one in payment.disputes.all()
                ),
            }
        ),
    ],
    empty=("No payments yet", "One appears here when a customer begins it, or automatically."),
)
