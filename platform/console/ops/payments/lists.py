"""Payments by card, of all tenants."""

from operator import attrgetter
from typing import Any

from django.urls import reverse

from billing.models import Payment
from billing.selectors.office.payment_search import PaymentFilter, payments_like, sums_of_payment
from billing.selectors.office.payments import cards_on
from console.amounts import amount
from console.ops.access import Permission
from console.ops.lists import TENANT
from console.parts.cells import Cell, Column
from console.parts.list_filters import periods, span_in
from console.parts.listing import Listing, RowPage, Search, chosen, ticked
from console.parts.payment_words import BADGES, badge_of, card_of, cents_in_words, cents_of
from pictor.kit.words import ids
from pictor.kit.words.money import to_decimal


def _query(search: Search[Any]) -> PaymentFilter:
    meant, (since, until) = search.meant, span_in(search)
    return PaymentFilter(
        tenant_id=meant["tenant"].id if "tenant" in meant else None,
        state=meant.get("state", ""),
        is_automatic="automatic" in meant,
        is_disputed="disputed" in meant,
        since=since,
        until=until,
    )


def _read(sought: PaymentFilter, after: str, limit: int) -> RowPage[Payment]:
    rows = payments_like(sought, after=ids.parse_uuid(after), limit=limit + 1)
    return RowPage(rows[:limit], str(rows[limit - 1].pk) if rows[limit:] else "")


def _payment(payment: Payment) -> Cell:
    page = reverse("ops:payment", args=[payment.pk])
    return Cell(
        amount(payment.credited_micros), page, note="automatic" if payment.automatic else ""
    )


def _state(payment: Payment) -> Cell:
    badge, words = badge_of(payment)
    return Cell(words, badge=badge, note=payment.person_why or payment.declined)


def _charged(payment: Payment) -> Cell:
    tax = f"tax {cents_in_words(payment.tax_cents, payment.currency)}" if payment.tax_cents else ""
    return Cell(cents_in_words(payment.amount_cents, payment.currency), note=tax)


def _back(payment: Payment) -> Cell:
    sums = sums_of_payment(payment)
    taken = f"taken {amount(sums.taken)}" if sums.taken else ""
    return Cell(amount(sums.paid_back) if sums.paid_back else "", note=taken)


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
        Column(
            title="State",
            cell=_state,
            csv={"state": attrgetter("state"), "why": attrgetter("person_why")},
            place="lead",
        ),
        Column(title="Charged", cell=_charged, is_number=True),
        Column(title="Paid back", cell=_back, is_number=True),
        Column(title="Card", cell=card_of),
        Column(title="Begun", cell=lambda payment: Cell(at=payment.begun_at), is_number=True),
        Column(
            csv={
                "begun": lambda payment: payment.begun_at.isoformat(),
                "paid": lambda payment: payment.paid_at.isoformat() if payment.paid_at else "",
                "automatic": attrgetter("automatic"),
                "credited_usd": lambda payment: to_decimal(payment.credited_micros),
                "paid_back_usd": lambda payment: to_decimal(sums_of_payment(payment).paid_back),
                "taken_usd": lambda payment: to_decimal(sums_of_payment(payment).taken),
                "charged": lambda payment: cents_of(payment.amount_cents),
                "tax": lambda payment: cents_of(payment.tax_cents),
                "currency": attrgetter("currency"),
                "fee": lambda payment: cents_of(payment.fee_cents),
                "fee_currency": attrgetter("fee_currency"),
                "card": card_of,
                "disputes": lambda payment: " ".join(
                    f"{one.kind}:{one.state}" for one in payment.disputes.all()
                ),
                "declined": attrgetter("declined"),
                "payment_intent": attrgetter("payment_intent_id"),
                "charge": attrgetter("charge_id"),
                "invoice": attrgetter("invoice_id"),
                "invoice_number": attrgetter("invoice_number"),
            }
        ),
    ],
    empty=(
        "No payments yet",
        (
            "A payment appears here when a customer opens the provider"
            "\N{RIGHT SINGLE QUOTATION MARK}s page, or is charged automatically."
        ),
    ),
)
