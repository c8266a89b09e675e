"""Reads: balances and statements by tenant, the prices in force, the ledger's proof."""

from billing.selectors.balances import Balance, available_to, balance_of, statement
from billing.selectors.ledger import Finding, ledger_findings, ledger_totals, usage_findings
from billing.selectors.prices import current_table, table_of

__all__ = [
    "Balance",
    "Finding",
    "available_to",
    "balance_of",
    "current_table",
    "ledger_findings",
    "ledger_totals",
    "statement",
    "table_of",
    "usage_findings",
]
