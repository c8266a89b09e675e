"""Conditions about payments by card: what a person decides, and what was not heard or booked."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from billing.models import PaymentDispute
from billing.payments.shares import micros_of
from billing.selectors.office.payments import (
    differences,
    for_a_person,
    open_disputes,
    refused_refunds,
    silent_since,
    unhandled_events,
)
from generation.oversight.conditions.detected import Outlook, PresentCondition
from pictor.kit.words.money import Micros, in_dollars

SILENT_FOR = timedelta(hours=1)
WARNING = "warning"


def unclear(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Payments of another amount, currency or mode than asked for, and refused refunds."""
    waiting = [(payment, payment.person_why) for payment in for_a_person()]
    # A deleted workspace has nobody to ask for it again.
    waiting += [(one.payment, f"not paid back. {one.reason}") for one in refused_refunds()]
    for payment, why in waiting:
        words = f"{payment.tenant.name}: {why}"
        yield PresentCondition(str(payment.id), Micros(payment.credited_micros), words)


def disputed(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Open disputes and inquiries, from when they are opened until they are decided."""
    return (_about(one, one.kind) for one in open_disputes() if one.kind != WARNING)


def warned(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Payments that a bank takes for fraud, and will probably dispute."""
    warnings = (one for one in open_disputes() if one.kind == WARNING)
    return (_about(one, "its bank warns of fraud") for one in warnings)


def unhandled(outlook: Outlook) -> Iterator[PresentCondition]:
    """Events whose payment could not be looked at and booked for five minutes."""
    events = unhandled_events(outlook.now)
    if events:
        minutes = (outlook.now - events[0].received_at).total_seconds() / 60
        trouble = next((f": {event.trouble}" for event in events if event.trouble), "")
        words = f"{len(events)} wait, the first for {minutes:.0f} minutes{trouble}"
        yield PresentCondition("events", None, words)


def silent(outlook: Outlook) -> Iterator[PresentCondition]:
    """The provider's webhook, if it has a secret and its events are only found by looking."""
    since = silent_since() if settings.STRIPE_WEBHOOK_SECRETS else None
    if since is not None and outlook.now - since > SILENT_FOR:
        words = f"no event rang since {since:%-d %B, %H:%M} UTC: payments are booked a minute late"
        yield PresentCondition("webhook", None, words)


def differing(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Entries of the provider's books that ours do not have, or the other way round."""
    for difference in differences():
        name = str(difference.payment_id or difference.id)
        yield PresentCondition(name, None, difference.trouble)


def _about(dispute: PaymentDispute, what: str) -> PresentCondition:
    payment, micros = dispute.payment, micros_of(dispute.cents)
    due = f", answer by {dispute.due_at:%-d %B, %H:%M} UTC" if dispute.due_at else ""
    words = f"{what}, {dispute.reason or 'no reason given'}{due}"
    about = f"{in_dollars(micros)} of {payment.tenant.name}"
    return PresentCondition(str(payment.id), micros, f"{about}: {words}")
