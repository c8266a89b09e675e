"""Every kind of condition, with the function that looks for it."""

from collections.abc import Callable, Iterator, Mapping

from generation.oversight.conditions import alerting, cells, money, supply, work
from generation.oversight.conditions.found import Outlook, PresentCondition

Kind = Callable[[Outlook], Iterator[PresentCondition]]

KINDS: Mapping[str, Kind] = {
    "calls_fail": supply.failing,
    "breaker_open": supply.breakers,
    "channels_shrunk": supply.shrunk,
    "route_untested": supply.untested,
    "upstream_retires": supply.retiring,
    "stopped": supply.stopped,
    "sunset_ahead": supply.sunsets,
    "queued_too_long": work.queued,
    "past_deadline": work.past_deadline,
    "storage_refuses": work.storage,
    "sold_below_cost": cells.below_cost,
    "cost_unknown": cells.cost_unknown,
    "price_missing": money.unpriced,
    "ledger_finding": money.findings,
    "ledger_unproved": money.unproved,
    "sold_behind": money.sold_behind,
    "price_change": money.price_changes,
    "money_waits": money.waiting,
    "balance_runs_out": money.runway,
    "update_overdue": work.updates,
    "mail_overdue": work.mail,
    "webhooks_overdue": work.webhooks,
    "alerts_overdue": alerting.overdue,
}
"""The functions by the kind's name in a condition's row."""
