"""What a request changes: holds, usage and costs; `office/` has every other move of money.

No other package moves money. Amounts are whole micro-USD. `end_hold` runs inside the caller's
transaction, which must roll back when it raises. All others run in a transaction of their own, or
as part of the caller's.
Functions ending in `_statement` or `_part` run nothing.
"""

from billing.services.costs import (
    CorrectedAttempt,
    PaidCost,
    book_costs_part,
    book_upstream_cost,
    correct_cost,
    corrected_cost,
    count_uncharged,
)
from billing.services.holds import (
    PLACED,
    ConditionFailed,
    Hold,
    HoldEnd,
    HoldLimits,
    LedgerError,
    Placing,
    Refusal,
    budget_named,
    end_hold,
    end_holds_part,
    place_holds_statement,
)
from billing.services.usage import Usage, record_usage, record_usages_part, recount_usage
