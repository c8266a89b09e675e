"""Words for payments by card."""

from collections.abc import Collection

from billing.models import Payment

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
    """An amount in the currency of a card: '$20.50', '18.20 EUR'; empty if unknown."""
    if cents is None:
        return ""
    return (
        f"{cents_of(cents)} {currency.upper()}"
        if currency not in {"", "usd"}
        else (f"${cents // 100:,}.{cents % 100:02}")
    )


def card_of(payment: Payment) -> str:
    return f"{payment.card_brand.capitalize()} …{payment.card_last4}" if payment.card_last4 else ""
