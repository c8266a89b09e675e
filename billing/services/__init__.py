"""Everything that moves money or changes prices; no other module moves money.

Amounts are whole micro-USD. `end_hold` runs inside the caller's transaction, which must roll back
when it raises; so must the statement of `place_hold_statement` if it has no `writes`. All others
run in a transaction of their own, or as part of the caller's. Functions ending in `_statement` or
`_part` run nothing.
"""

from billing.services.accounts import (
    REVERSED_KINDS,
    adjust,
    book_payment,
    credit,
    open_account,
    refund,
    reverse,
    reversible,
    top_up,
)
from billing.services.alerts import look_at_balances, set_balance_alert
from billing.services.backfill import PastCost, PastHold, Refills, write_past
from billing.services.budget_warnings import look_at_budgets
from billing.services.costs import (
    CorrectedAttempt,
    book_cost_part,
    book_upstream_cost,
    correct_cost,
    corrected_cost,
)
from billing.services.holds import (
    PLACED,
    ConditionFailed,
    Hold,
    HoldLimits,
    LedgerError,
    end_hold,
    end_hold_part,
    place_hold_statement,
)
from billing.services.moves import (
    approve_move,
    decline_move,
    is_typed_twice,
    max_compensation_per_day,
    move_money,
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
    change_price_book,
    discard_price_book,
    draft_price_book,
    publish_price_book,
    restore_price_book,
    set_prices,
    withdraw_price_book,
)
from billing.services.proofs import alone, is_due, keep_checkpoints, keep_head, record_proof
from billing.services.repricing import change_prices, check_plan, undo_prices
from billing.services.sealing import SealBroken, seal_ledger
from billing.services.second_person import day_so_far, needs_another, why_it_waits
from billing.services.sold import Sold, add_next, rebuild_sold
from billing.services.uncharged import count_uncharged
from billing.services.usage import Usage, record_usage, record_usage_part, recount_usage
