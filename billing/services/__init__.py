"""What a request changes: holds, usage and costs; `office/` has every other move of money.

No other package moves money. Amounts are whole micro-USD. `end_hold` runs inside the caller's
transaction, which must roll back when it raises; so must the statement of `place_hold_statement` if
it has no `writes`. All others run in a transaction of their own, or as part of the caller's.
Functions ending in `_statement` or `_part` run nothing.
"""

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
from billing.services.uncharged import count_uncharged
from billing.services.usage import Usage, record_usage, record_usage_part, recount_usage
