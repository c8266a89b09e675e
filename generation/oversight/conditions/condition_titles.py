"""The titles of the kinds of conditions, on pages and in mails."""

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "part_fails": "Not served",
    "stopped": "Stopped",
    "calls_fail": "Calls fail",
    "breaker_open": "Breaker open",
    "channels_shrunk": "Channels lost",
    "update_overdue": "Update overdue",
    "route_untested": "Route not tested",
    "upstream_retires": "Vendor ends model",
    "other_model": "Another model answers",
    "queued_too_long": "Queue stalled",
    "past_deadline": "Past the deadline",
    "storage_refuses": "Storage refuses",
    "signing_fails": "Signing fails or ends",
    "sold_below_cost": "Sold below cost",
    "cost_unknown": "Cost unknown",
    "price_missing": "Price missing",
    "ledger_finding": "Ledger finding",
    "ledger_unproved": "Ledger not proved",
    "sold_behind": "Sales not counted",
    "price_change": "Prices change",
    "sunset_ahead": "Model ends",
    "money_waits": "Money waits",
    "balance_runs_out": "Balance runs out",
    "mail_overdue": "Mail overdue",
    "webhooks_overdue": "Webhooks overdue",
    "alerts_overdue": "Alerts overdue",
    "staff_as_member": "Staff among a customer's members",
    "operator_key_ends": "Program's key ends",
    "payment_unclear": "Payment for a person",
    "payment_disputed": "Payment disputed",
    "payment_warned": "Payment may be fraud",
    "payment_events": "Payment events not handled",
    "payment_bell": "Payment webhook silent",
    "payment_books": "Provider's books differ",
    "look_fails": "Check failed",
}

PUBLIC_WORDS: Mapping[str, str] = {
    "part_fails": "Many requests fail",
    "calls_fail": "Many requests fail",
    "breaker_open": "Many requests fail",
    "channels_shrunk": "Requests may take longer than usual",
    "queued_too_long": "Requests wait longer than usual",
    "past_deadline": "Requests wait longer than usual",
    "storage_refuses": "Images cannot be stored",
    "price_missing": "Some requests are refused",
    "mail_overdue": "Mail is late",
    "webhooks_overdue": "Webhooks are late",
}
"""Titles for customers by kind of condition; the condition's own words would name channels."""


def title_of(kind: str) -> str:
    """A kind's title; one from a newer release is shown by its own words."""
    return TITLES.get(kind) or kind.replace("_", " ").capitalize()
