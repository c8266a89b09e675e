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


class CheckedKind(NamedTuple):
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


PAYMENT_KINDS: Mapping[str, CheckedKind] = {
    "payment_unclear": CheckedKind(paying.unclear, "Payment for a person"),
    "payment_disputed": CheckedKind(paying.disputed, "Payment disputed"),
    "payment_warned": CheckedKind(paying.warned, "Payment may be fraud"),
    "payment_events": CheckedKind(paying.unhandled, "Payment events not handled"),
    "payment_bell": CheckedKind(paying.silent, "Payment webhook silent"),
    "payment_books": CheckedKind(paying.differing, "Provider's books differ"),
}


def _with_cards(kind: CheckedKind) -> CheckedKind:
    """Return the kind, which finds nothing where customers cannot pay by card."""
    return kind._replace(look=lambda outlook: kind.look(outlook) if cards_on() else iter(()))


KINDS: Mapping[str, CheckedKind] = {
    PART_FAILS: CheckedKind(supply.parts, "Not served", "Many requests fail"),
    "calls_fail": CheckedKind(supply.failing, "Calls fail", "Many requests fail"),
    "breaker_open": CheckedKind(supply.breakers, "Breaker open", "Many requests fail"),
    "channels_shrunk": CheckedKind(
        supply.shrunk, "Channels lost", "Requests may take longer than usual"
    ),
    "route_untested": CheckedKind(supply.untested, "Route not tested"),
    "upstream_retires": CheckedKind(supply.retiring, "Vendor ends model"),
    "other_model": CheckedKind(supply.answering_otherwise, "Another model answers"),
    "stopped": CheckedKind(supply.stopped, "Stopped"),
    "sunset_ahead": CheckedKind(supply.sunsets, "Model ends"),
    "queued_too_long": CheckedKind(
        stalled_work.queued, "Queue stalled", "Requests wait longer than usual"
    ),
    "past_deadline": CheckedKind(
        stalled_work.past_deadline, "Past the deadline", "Requests wait longer than usual"
    ),
    "storage_refuses": CheckedKind(
        stalled_work.storage, "Storage refuses", "Images cannot be stored"
    ),
    "signing_fails": CheckedKind(stalled_work.signing, "Signing fails or ends"),
    "sold_below_cost": CheckedKind(sold_cells.below_cost, "Sold below cost"),
    "cost_unknown": CheckedKind(sold_cells.cost_unknown, "Cost unknown"),
    "price_missing": CheckedKind(money.unpriced, "Price missing", "Some requests are refused"),
    "ledger_finding": CheckedKind(money.findings, "Ledger finding"),
    "ledger_unproved": CheckedKind(money.unproved, "Ledger not proved"),
    "sold_behind": CheckedKind(money.sold_behind, "Sales not counted"),
    "price_change": CheckedKind(money.price_changes, "Prices change"),
    "money_waits": CheckedKind(money.waiting, "Money waits"),
    "balance_runs_out": CheckedKind(money.runway, "Balance runs out"),
    "update_overdue": CheckedKind(stalled_work.updates, "Update overdue"),
    "mail_overdue": CheckedKind(stalled_work.mail, "Mail overdue", "Mail is late"),
    "webhooks_overdue": CheckedKind(stalled_work.webhooks, "Webhooks overdue", "Webhooks are late"),
    "alerts_overdue": CheckedKind(alerting.overdue, "Alerts overdue"),
    "staff_as_member": CheckedKind(staffing.among_customers, "Staff among a customer's members"),
    "operator_key_ends": CheckedKind(staffing.keys_ending, "Program's key ends"),
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
