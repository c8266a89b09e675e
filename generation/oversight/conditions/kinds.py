"""Every kind of condition, with the function that looks for it."""

from collections.abc import Callable, Iterator, Mapping

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

Kind = Callable[[Outlook], Iterator[PresentCondition]]

PAYMENT_KINDS: Mapping[str, Kind] = {
    "payment_unclear": paying.unclear,
    "payment_disputed": paying.disputed,
    "payment_warned": paying.warned,
    "payment_events": paying.unhandled,
    "payment_bell": paying.silent,
    "payment_books": paying.differing,
}


def _with_cards(kind: Kind) -> Kind:
    """Return the kind, which finds nothing where customers cannot pay by card."""
    return lambda outlook: kind(outlook) if cards_on() else iter(())


KINDS: Mapping[str, Kind] = {
    PART_FAILS: supply.parts,
    "calls_fail": supply.failing,
    "breaker_open": supply.breakers,
    "channels_shrunk": supply.shrunk,
    "route_untested": supply.untested,
    "upstream_retires": supply.retiring,
    "other_model": supply.answering_otherwise,
    "stopped": supply.stopped,
    "sunset_ahead": supply.sunsets,
    "queued_too_long": stalled_work.queued,
    "past_deadline": stalled_work.past_deadline,
    "storage_refuses": stalled_work.storage,
    "signing_fails": stalled_work.signing,
    "sold_below_cost": sold_cells.below_cost,
    "cost_unknown": sold_cells.cost_unknown,
    "price_missing": money.unpriced,
    "ledger_finding": money.findings,
    "ledger_unproved": money.unproved,
    "sold_behind": money.sold_behind,
    "price_change": money.price_changes,
    "money_waits": money.waiting,
    "balance_runs_out": money.runway,
    "update_overdue": stalled_work.updates,
    "mail_overdue": stalled_work.mail,
    "webhooks_overdue": stalled_work.webhooks,
    "alerts_overdue": alerting.overdue,
    "staff_as_member": staffing.among_customers,
    "operator_key_ends": staffing.keys_ending,
    **{name: _with_cards(kind) for name, kind in PAYMENT_KINDS.items()},
}
"""The functions by the kind's name in a condition's row."""
