"""Payments by card on the pages of both consoles: words, columns, and pages of rows."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from operator import attrgetter

from billing.models import Payment
from billing.selectors.office.payment_search import PaymentFilter, payments_like, sums_of_payment
from console.parts.cells import Cell, Column, Fact, fact
from console.parts.listing import RowPage
from pictor.kit.words import ids

BADGES = {
    Payment.State.BEGUN: ("info", "Begun"),
    Payment.State.PAID: ("ok", "Paid"),
    Payment.State.FAILED: ("bad", "Failed"),
    Payment.State.EXPIRED: ("idle", "Expired"),
    Payment.State.PERSON: ("warn", "For a person"),
}
DISPUTES = {
    "dispute": ("bad", "Dispute"),
    "inquiry": ("warn", "Inquiry"),
    "warning": ("warn", "Fraud warning"),
}


def badge_of(payment: Payment, complaints: Collection[str]) -> tuple[str, str]:
    """Its state as a badge; open complaints of its cardholder or bank come first."""
    worst = [badge for kind, badge in DISPUTES.items() if kind in complaints]
    return [*worst, BADGES[Payment.State(payment.state)]][0]


def cents_of(cents: int | None) -> str:
    """Cents as a decimal: 2_050 -> '20.50'; empty if unknown."""
    return "" if cents is None else f"{cents // 100}.{cents % 100:02}"


def in_currency(cents: int | None, currency: str) -> str:
    """An amount in the currency of a card: '$1,020.50', '18.20 EUR'; empty for 0 or if unknown."""
    if not cents:
        return ""
    amount = f"{cents // 100:,}.{cents % 100:02}"
    return f"${amount}" if currency in {"", "usd"} else f"{amount} {currency.upper()}"


def card_of(payment: Payment) -> str:
    return f"{payment.card_brand.capitalize()} …{payment.card_last4}" if payment.card_last4 else ""


def charged_of(payment: Payment) -> tuple[int | None, int | None]:
    """The cents that were charged, and the tax in them; None before anything was."""
    is_charged = payment.paid_at or payment.person_why
    return (payment.amount_cents, payment.tax_cents) if is_charged else (None, None)


def moved_of(payment: Payment) -> dict[str, str]:
    """What the provider moved, by labels; in the card's currency, empty if nothing."""
    labels = ("Charged", "Of that, tax", "Paid back", "Taken by disputes")
    cents = (*charged_of(payment), *sums_of_payment(payment))
    amounts = [in_currency(number, payment.currency) for number in cents]
    return {**dict(zip(labels, amounts, strict=True)), "Card": card_of(payment)}


def facts_of(known: Mapping[str, str]) -> list[Fact]:
    """The facts that are known, by labels."""
    return [fact(label, words) for label, words in known.items() if words]


def page_of_payments(sought: PaymentFilter, after: str, limit: int) -> RowPage[Payment]:
    rows = payments_like(sought, after=ids.parse_uuid(after), limit=limit + 1)
    return RowPage(rows[:limit], str(rows[limit - 1].pk) if rows[limit:] else "")


def _moved(label: str, beside: str, word: str, payment: Payment) -> Cell:
    moved = moved_of(payment)
    return Cell(moved[label], note=f"{word} {moved[beside]}" if moved[beside] else "")


MONEY = (
    Column[Payment](
        title="Charged", cell=partial(_moved, "Charged", "Of that, tax", "tax"), is_number=True
    ),
    Column[Payment](
        title="Paid back",
        cell=partial(_moved, "Paid back", "Taken by disputes", "disputed"),
        is_number=True,
    ),
    Column[Payment](title="Card", cell=card_of),
)
"""The columns of what the provider moved."""
CSV: Mapping[str, Callable[[Payment], object]] = {
    "begun": lambda payment: payment.begun_at,
    "paid": lambda payment: payment.paid_at or "",
    "credited_usd": lambda payment: cents_of(payment.asked_cents),
    "charged": lambda payment: cents_of(charged_of(payment)[0]),
    "tax": lambda payment: cents_of(charged_of(payment)[1]),
    "paid_back": lambda payment: cents_of(sums_of_payment(payment)[0]),
    "disputed": lambda payment: cents_of(sums_of_payment(payment)[1]),
    "card": card_of,
    **{name: attrgetter(name) for name in ("state", "automatic", "currency", "invoice_number")},
}
"""Columns of files; what the provider moved is in the card's currency."""
