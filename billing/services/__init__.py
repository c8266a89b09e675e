"""Everything that moves money or changes prices; no other module moves money.

Amounts are whole micro-USD. `end_hold` runs inside the caller's transaction, which must roll back
when it raises; so does the statement of `hold_placed` without `writes`. All others run in a
transaction of their own, or as part of the caller's. A function named by a past participle returns
a statement, or a part of one.
"""

from billing.services.accounts import (
    REVERSED_KINDS,
    Reversal,
    adjust,
    book_payment,
    credit,
    open_account,
    refund,
    reverse,
    reversible,
    top_up,
)
from billing.services.alerts import TOLD_ROLES, look_at_balances, set_balance_alert
from billing.services.backfill import PastCost, PastHold, Refills, write_past
from billing.services.budget_warnings import look_at_budgets
from billing.services.costs import (
    CorrectedAttempt,
    book_upstream_cost,
    correct_cost,
    upstream_cost_booked,
)
from billing.services.holds import (
    PLACED,
    ConditionFailed,
    Hold,
    HoldLimits,
    LedgerError,
    end_hold,
    hold_ended,
    hold_placed,
)
from billing.services.moves import (
    MoveEffect,
    approve_move,
    decline_move,
    is_typed_twice,
    max_given_per_day,
    move_money,
    needs_another,
    rehearse,
)
from billing.services.price_lists import (
    NO_LIST,
    assign_price_list,
    create_price_list,
    give_price_list,
    rename_price_list,
)
from billing.services.prices import (
    SEEN_ANOTHER,
    change_price_book,
    discard_price_book,
    draft_price_book,
    publish_price_book,
    restore_price_book,
    set_prices,
    withdraw_price_book,
)
from billing.services.proofs import alone, is_due, keep_checkpoints, keep_head, record_proof
from billing.services.repricing import change_prices, undo_prices
from billing.services.sealing import SealBroken, seal_ledger
from billing.services.sold import Sold, add_next, rebuild_sold
from billing.services.uncharged import count_uncharged
from billing.services.usage import Usage, record_usage, recount_usage, usage_recorded

__all__ = [
    "NO_LIST",
    "PLACED",
    "REVERSED_KINDS",
    "SEEN_ANOTHER",
    "TOLD_ROLES",
    "ConditionFailed",
    "CorrectedAttempt",
    "Hold",
    "HoldLimits",
    "LedgerError",
    "MoveEffect",
    "PastCost",
    "PastHold",
    "Refills",
    "Reversal",
    "SealBroken",
    "Sold",
    "Usage",
    "add_next",
    "adjust",
    "alone",
    "approve_move",
    "assign_price_list",
    "book_payment",
    "book_upstream_cost",
    "change_price_book",
    "change_prices",
    "correct_cost",
    "count_uncharged",
    "create_price_list",
    "credit",
    "decline_move",
    "discard_price_book",
    "draft_price_book",
    "end_hold",
    "give_price_list",
    "hold_ended",
    "hold_placed",
    "is_due",
    "is_typed_twice",
    "keep_checkpoints",
    "keep_head",
    "look_at_balances",
    "look_at_budgets",
    "max_given_per_day",
    "move_money",
    "needs_another",
    "open_account",
    "publish_price_book",
    "rebuild_sold",
    "record_proof",
    "record_usage",
    "recount_usage",
    "refund",
    "rehearse",
    "rename_price_list",
    "restore_price_book",
    "reverse",
    "reversible",
    "seal_ledger",
    "set_balance_alert",
    "set_prices",
    "top_up",
    "undo_prices",
    "upstream_cost_booked",
    "usage_recorded",
    "withdraw_price_book",
    "write_past",
]
