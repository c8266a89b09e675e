"""Reads: balances and statements by tenant, the prices in force, the ledger's proof.

The names in capitals are SQL that another app's statement may join.
"""

from billing.selectors.balances import (
    Balance,
    BudgetUse,
    available_to,
    balance_alert_of,
    balance_of,
    has_transfers,
    in_flight_of,
    key_uses,
    latest_transfers,
    statement,
    transfers_of,
)
from billing.selectors.findings import MAX_FINDINGS_PER_CHECK, Finding, found_by
from billing.selectors.heads import Heads, head_findings, heads_before
from billing.selectors.ledger import ledger_findings, ledger_totals, usage_findings
from billing.selectors.prices import (
    book_in_force,
    book_named,
    current_table,
    has_price_books,
    price_books,
    price_tables,
    row_of,
    rows_of,
    table_of,
    unpriced,
    without_price,
)
from billing.selectors.proof import Proof, proof_of
from billing.selectors.protection import protection_findings, protections
from billing.selectors.relations import (
    BALANCES,
    EVIDENCE,
    HOLDS,
    KEY_COUNTERS,
    PRICE_BOOKS,
    UPSTREAM_COSTS,
)
from billing.selectors.reports import (
    PACE_DAYS,
    Group,
    Used,
    captured_since,
    days_left,
    ended_like,
    last_used,
    pace_of,
    usage_between,
)
from billing.selectors.usage import USAGE_BY_HOUR, usage_of

__all__ = [
    "BALANCES",
    "EVIDENCE",
    "HOLDS",
    "KEY_COUNTERS",
    "MAX_FINDINGS_PER_CHECK",
    "PACE_DAYS",
    "PRICE_BOOKS",
    "UPSTREAM_COSTS",
    "USAGE_BY_HOUR",
    "Balance",
    "BudgetUse",
    "Finding",
    "Group",
    "Heads",
    "Proof",
    "Used",
    "available_to",
    "balance_alert_of",
    "balance_of",
    "book_in_force",
    "book_named",
    "captured_since",
    "current_table",
    "days_left",
    "ended_like",
    "found_by",
    "has_price_books",
    "has_transfers",
    "head_findings",
    "heads_before",
    "in_flight_of",
    "key_uses",
    "last_used",
    "latest_transfers",
    "ledger_findings",
    "ledger_totals",
    "pace_of",
    "price_books",
    "price_tables",
    "proof_of",
    "protection_findings",
    "protections",
    "row_of",
    "rows_of",
    "statement",
    "table_of",
    "transfers_of",
    "unpriced",
    "usage_between",
    "usage_findings",
    "usage_of",
    "without_price",
]
