"""Every kind of condition: the function that looks for it, and its titles."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from billing.selectors.office.payments import cards_on
from generation.oversight.conditions import (
    alerting,
    money,
    paying,
    sold_cells,
    staffing,
    stalled_work,
    supply,
)
from generation.oversight.conditions.detected import Outlook, PresentCondition
from generation.oversight.watch import PART_FAILS

FAILED = "look_fails"
"""The kind of a condition about a kind whose look failed."""
Look = Callable[[Outlook], Iterator[PresentCondition]]


class Kind(NamedTuple):
    """A kind of condition.

    Attributes:
        look: finds what is wrong now.
        title: on pages and in mails.
        public_title: for customers, as a condition's own words would name channels; empty for a
            kind that is none of their business.
    """

    look: Look
    title: str
    public_title: str = ""


PAYMENT_KINDS: Mapping[str, Kind] = {
    "payment_unclear": Kind(paying.unclear, "Payment for a person"),
    "payment_disputed": Kind(paying.disputed, "Payment disputed"),
    "payment_warned": Kind(paying.warned, "Payment may be fraud"),
    "payment_events": Kind(paying.unhandled, "Payment events not handled"),
    "payment_bell": Kind(paying.silent, "Payment webhook silent"),
    "payment_books": Kind(paying.differing, "Provider's books differ"),
}


def _with_cards(kind: Kind) -> Kind:
    """Return the kind, which finds nothing where customers cannot pay by card."""
    return kind._replace(look=lambda outlook: kind.look(outlook) if cards_on() else iter(()))


KINDS: Mapping[str, Kind] = {
    PART_FAILS: Kind(supply.parts, "Not served", "Many requests fail"),
    "calls_fail": Kind(supply.failing, "Calls fail", "Many requests fail"),
    "breaker_open": Kind(supply.breakers, "Breaker open", "Many requests fail"),
    "channels_shrunk": Kind(supply.shrunk, "Channels lost", "Requests may take longer than usual"),
    "route_untested": Kind(supply.untested, "Route not tested"),
    "upstream_retires": Kind(supply.retiring, "Vendor ends model"),
    "other_model": Kind(supply.answering_otherwise, "Another model answers"),
    "stopped": Kind(supply.stopped, "Stopped"),
    "sunset_ahead": Kind(supply.sunsets, "Model ends"),
    "queued_too_long": Kind(
        stalled_work.queued, "Queue stalled", "Requests wait longer than usual"
    ),
    "past_deadline": Kind(
        stalled_work.past_deadline, "Past the deadline", "Requests wait longer than usual"
    ),
    "storage_refuses": Kind(stalled_work.storage, "Storage refuses", "Images cannot be stored"),
    "signing_fails": Kind(stalled_work.signing, "Signing fails or ends"),
    "sold_below_cost": Kind(sold_cells.below_cost, "Sold below cost"),
    "cost_unknown": Kind(sold_cells.cost_unknown, "Cost unknown"),
    "price_missing": Kind(money.unpriced, "Price missing", "Some requests are refused"),
    "ledger_finding": Kind(money.findings, "Ledger finding"),
    "ledger_unproved": Kind(money.unproved, "Ledger not proved"),
    "sold_behind": Kind(money.sold_behind, "Sales not counted"),
    "price_change": Kind(money.price_changes, "Prices change"),
    "money_waits": Kind(money.waiting, "Money waits"),
    "balance_runs_out": Kind(money.runway, "Balance runs out"),
    "update_overdue": Kind(stalled_work.updates, "Update overdue"),
    "mail_overdue": Kind(stalled_work.mail, "Mail overdue", "Mail is late"),
    "webhooks_overdue": Kind(stalled_work.webhooks, "Webhooks overdue", "Webhooks are late"),
    "alerts_overdue": Kind(alerting.overdue, "Alerts overdue"),
    "staff_as_member": Kind(staffing.among_customers, "Staff among a customer's members"),
    "operator_key_ends": Kind(staffing.keys_ending, "Program's key ends"),
    **{name: _with_cards(kind) for name, kind in PAYMENT_KINDS.items()},
}
"""The kinds by their names in conditions' rows."""


def title_of(kind: str) -> str:
    """A kind's title; one from a newer release is shown by its own words."""
    if kind == FAILED:
        return "Check failed"
    return KINDS[kind].title if kind in KINDS else kind.replace("_", " ").capitalize()


def public_title_of(kind: str) -> str:
    """A kind's title for customers; empty for none."""
    return KINDS[kind].public_title if kind in KINDS else ""
