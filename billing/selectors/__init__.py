"""Billing's reads: balances, statements, usage, the prices in force, the ledger's proof.

The names in capitals that `relations.py` and `usage.py` define are SQL for other apps' statements.
"""

from billing.selectors.balances import (
    NOTHING_USED,
    Balance,
    BudgetUse,
    PassedBudget,
    available_after,
    available_among,
    available_to,
    balance_alert_of,
    balance_of,
    balances_of,
    cost_changes,
    has_transfer,
    has_transfers,
    in_flight_of,
    key_uses,
    latest_transfers,
    passed_budgets,
    statement,
    transfer_numbered,
    transfers_of,
)
from billing.selectors.book_lists import all_books, book_page
from billing.selectors.book_reviews import (
    BookReview,
    review_of_publication,
    review_of_withdrawal,
)
from billing.selectors.budgets import (
    UNUSED_DAYS,
    KeyInUse,
    KeyState,
    StoppedBy,
    budgets_of,
    what_stops,
)
from billing.selectors.buyers import Buyer, CellUsers, Users, cells_bought, model_buyers
from billing.selectors.chain import Position
from billing.selectors.checkpoints import (
    Checkpoints,
    head_kept,
    is_head_kept,
    kept_checkpoints,
    kept_heads,
    last_proofs,
    proofs,
    proofs_with_findings,
    under_way,
)
from billing.selectors.customers import NO_FIGURES, CustomerFigures, customer_figures
from billing.selectors.findings import MAX_FINDINGS_PER_CHECK, Finding, findings_of
from billing.selectors.heads import Heads, head_findings, heads_before
from billing.selectors.hours import Hour, hours_of, is_of_demo, sorts_of
from billing.selectors.ledger import (
    audit_log_end,
    cost_findings,
    hold_findings,
    ledger_findings,
    ledger_totals,
    standing_findings,
    usage_findings,
)
from billing.selectors.money_overview import money_overview
from billing.selectors.moves import (
    all_decided_moves,
    booked_alone,
    credited_by_itself,
    credited_for,
    decided_moves,
    moves_among,
    waiting_moves,
)
from billing.selectors.price_books import (
    CURRENT,
    DRAFT,
    PAST,
    SCHEDULED,
    WITHDRAWN,
    book_in_force,
    book_named,
    books_of,
    books_owned_by,
    coming,
    decided_books,
    decided_for,
    following,
    has_price_books,
    last_change,
    own_book_name,
    price_book_by_id,
    price_books,
    price_books_like,
    state_of,
    with_states,
    withdrawals,
)
from billing.selectors.price_lists import (
    SharedList,
    list_history,
    list_of,
    lists_by_name,
    moved_by,
    price_list_by_id,
    price_list_named,
    price_lists,
    price_lists_like,
    tenants_on,
    whose,
)
from billing.selectors.price_stops import (
    assignment_of,
    faults_of,
    outlook_of,
    price_changes,
    stops_of,
    stops_of_withdrawal,
)
from billing.selectors.prices import (
    Layer,
    current_table,
    known_table_of,
    layers_of,
    numbers_of,
    price_tables,
    prices_below,
    rows_of,
    table_of,
    table_to_charge,
    tables_in_force,
    without_price,
)
from billing.selectors.proof import proof_of
from billing.selectors.protection import protection_findings, protections
from billing.selectors.refunds_given import (
    ChargeSums,
    charge_sums_of,
    compensated_by,
    credited_generations,
)
from billing.selectors.relations import (
    BALANCES,
    KEY_COUNTERS,
    PRICE_BOOKS,
    WITHDRAWN_BOOKS,
    corrections_of,
    costs_of,
    evidence_of,
    holds_of,
)
from billing.selectors.reports import (
    PACE,
    PACE_DAYS,
    EndedTotals,
    Group,
    Used,
    captured_since,
    days_lasting,
    days_left,
    ended_like,
    has_made_images,
    last_used,
    running_out,
    usage_between,
)
from billing.selectors.repricing import (
    Weighed,
    decided_by,
    image_cost,
    known_costs,
    last_repricing,
    price_book_in_full,
    published_since_drafted,
    sold_by_cell,
    taken_over,
)
from billing.selectors.sold import (
    Bought,
    By,
    CountedTransfers,
    Margin,
    Per,
    Settled,
    SoldCell,
    bought,
    cells_sold,
    counted_to,
    days_sold,
    images_by_model,
    margins,
    settled_position,
    sold_among,
    sold_on,
    sold_until,
    total_of,
)
from billing.selectors.statements import (
    GIVEN,
    BalanceAfter,
    MonthStatement,
    monthly_statement,
    monthly_statements,
)
from billing.selectors.totals import HOUR_OPEN_FOR, balance_totals, usage_together
from billing.selectors.transfers import (
    MAX_SCANNED_ROWS,
    TransferFilter,
    TransferPage,
    carries_its_seal,
    corrections_of_cost,
    reversals_of,
    transfers_like,
)
from billing.selectors.usage import (
    USAGE_BY_HOUR,
    sold_by_model,
    tenants_using,
    uncharged_costs,
    uncharged_of_day,
    usage_of,
    used_of,
)
from billing.selectors.walk import Step, Walk
from billing.selectors.whatif import Forecast, would_have_brought
