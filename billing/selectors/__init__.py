"""Reads: balances and statements by tenant, the prices in force, the ledger's proof.

BALANCES, HOLDS, KEY_COUNTERS and PRICE_BOOKS are SQL that another app's statement may join.
"""

from billing.selectors.balances import Balance, available_to, balance_of, statement, transfers_of
from billing.selectors.findings import Finding, found_by
from billing.selectors.ledger import ledger_findings, ledger_totals, usage_findings
from billing.selectors.prices import (
    book_in_force,
    book_named,
    current_table,
    has_price_books,
    price_books,
    row_of,
    rows_of,
    table_of,
    unpriced,
)
from billing.selectors.relations import BALANCES, HOLDS, KEY_COUNTERS, PRICE_BOOKS

__all__ = [
    "BALANCES",
    "HOLDS",
    "KEY_COUNTERS",
    "PRICE_BOOKS",
    "Balance",
    "Finding",
    "available_to",
    "balance_of",
    "book_in_force",
    "book_named",
    "current_table",
    "found_by",
    "has_price_books",
    "ledger_findings",
    "ledger_totals",
    "price_books",
    "row_of",
    "rows_of",
    "statement",
    "table_of",
    "transfers_of",
    "unpriced",
    "usage_findings",
]
