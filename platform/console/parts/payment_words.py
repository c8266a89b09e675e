"""Payments by card on the pages of both consoles: words, columns, and pages of rows."""

from collections.abc import Callable, Collection, Mapping
from operator import attrgetter

from billing.models import Payment
from billing.selectors.office.payment_search import PaymentFilter, payments_like, sums_of_payment
from console.parts.cells import Cell, Column
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


def page_of_payments(sought: PaymentFilter, after: str, limit: int) -> RowPage[Payment]:
    rows = payments_like(sought, after=ids.parse_uuid(after), limit=limit + 1)
    return RowPage(rows[:limit], str(rows[limit - 1].pk) if rows[limit:] else "")


def _charged(payment: Payment) -> Cell:
    charged, tax = (in_currency(cents, payment.currency) for cents in charged_of(payment))
    return Cell(charged, note=tax and f"tax {tax}")


def _returned(payment: Payment) -> Cell:
    back, taken = (in_currency(cents, payment.currency) for cents in sums_of_payment(payment))
    return Cell(back, note=taken and f"disputed {taken}")


MONEY = (
    Column[Payment](title="Charged", cell=_charged, is_number=True),
    Column[Payment](title="Paid back", cell=_returned, is_number=True),
    Column[Payment](title="Card", cell=card_of),
)
"""The columns of what the provider moved."""
CSV: Mapping[str, Callable[[Payment], object]] = {
    "begun": lambda payment: payment.begun_at.isoformat(),
    "paid": lambda payment: payment.paid_at.isoformat() if payment.paid_at else "",
    "credited_usd": lambda payment: cents_of(payment.asked_cents),
    "charged": lambda payment: cents_of(charged_of(payment)[0]),
    "tax": lambda payment: cents_of(charged_of(payment)[1]),
    "paid_back": lambda payment: cents_of(sums_of_payment(payment)[0]),
    "disputed": lambda payment: cents_of(sums_of_payment(payment)[1]),
    "card": card_of,
    **{name: attrgetter(name) for name in ("state", "automatic", "currency", "invoice_number")},
}
"""Columns of files; what the provider moved is in the card's currency."""
