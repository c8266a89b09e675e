"""Words for payments by card."""

from billing.models import Payment, PaymentDispute

BADGES = {
    Payment.State.BEGUN: ("info", "Begun"),
    Payment.State.PAID: ("ok", "Paid"),
    Payment.State.FAILED: ("bad", "Failed"),
    Payment.State.EXPIRED: ("idle", "Expired"),
    Payment.State.PERSON: ("warn", "For a person"),
}
DISPUTES = {"dispute": "Dispute", "inquiry": "Inquiry", "warning": "Fraud warning"}


def badge_of(payment: Payment) -> tuple[str, str]:
    """Its state as a badge; what its cardholder or bank complains of comes first."""
    for kind, words in DISPUTES.items():
        if any(one.kind == kind for one in open_disputes_of(payment)):
            return ("bad" if kind == "dispute" else "warn"), words
    return BADGES[Payment.State(payment.state)]


def open_disputes_of(payment: Payment) -> list[PaymentDispute]:
    return [one for one in payment.disputes.all() if one.state == "open"]


def cents_of(cents: int | None) -> str:
    """Cents as a decimal: 2_050 -> '20.50'; empty if unknown."""
    return "" if cents is None else f"{cents // 100}.{cents % 100:02}"


def cents_in_words(cents: int | None, currency: str) -> str:
    """An amount in the currency of a card: '$20.50', '18.20 EUR'; empty if unknown."""
    words = cents_of(cents)
    return (
        f"${words}" if words and currency in {"", "usd"} else f"{words} {currency.upper()}".strip()
    )


def card_of(payment: Payment) -> str:
    return f"{payment.card_brand.capitalize()} …{payment.card_last4}" if payment.card_last4 else ""
