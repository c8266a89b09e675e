"""Everything that moves money or changes prices. Money moves nowhere else.

Amounts are whole micro-USD. `place_hold` and `end_hold` run inside the caller's transaction, which
must roll back when they raise; the others are a transaction themselves, or part of the caller's.
"""

from billing.services.accounts import (
    adjust,
    book_payment,
    credit,
    open_account,
    refund,
    top_up,
)
from billing.services.alerts import TOLD_ROLES, look_at_balances, set_balance_alert
from billing.services.budget_warnings import look_at_budgets
from billing.services.costs import book_upstream_cost
from billing.services.holds import (
    Hold,
    HoldLimits,
    LedgerError,
    end_hold,
    place_hold,
)
from billing.services.past import PastHold, Refills, write_past
from billing.services.prices import (
    change_price_book,
    discard_price_book,
    draft_price_book,
    publish_price_book,
    restore_price_book,
    set_prices,
)
from billing.services.sealing import SealBroken, seal_ledger
from billing.services.usage import rebuild_usage, record_usage

__all__ = [
    "TOLD_ROLES",
    "Hold",
    "HoldLimits",
    "LedgerError",
    "PastHold",
    "Refills",
    "SealBroken",
    "adjust",
    "book_payment",
    "book_upstream_cost",
    "change_price_book",
    "credit",
    "discard_price_book",
    "draft_price_book",
    "end_hold",
    "look_at_balances",
    "look_at_budgets",
    "open_account",
    "place_hold",
    "publish_price_book",
    "rebuild_usage",
    "record_usage",
    "refund",
    "restore_price_book",
    "seal_ledger",
    "set_balance_alert",
    "set_prices",
    "top_up",
    "write_past",
]
