"""What a request reads of billing: prices and usage; `office/` reads the rest.

The names in capitals of `usage.py` and `office/relations.py` are SQL for other apps' statements.
"""

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
    last_of,
    own_book_name,
    price_book_by_id,
    price_books,
    price_books_like,
    state_of,
    withdrawals,
)
from billing.selectors.prices import (
    current_table,
    known_table_of,
    numbers_of,
    price_tables,
    rows_of,
    table_of,
    table_to_charge,
    without_price,
)
from billing.selectors.usage import (
    FAILURES_BY_HOUR,
    USAGE_BY_HOUR,
    failures_of,
    uncharged_costs,
    uncharged_of_day,
    usage_of,
    used_of,
)
