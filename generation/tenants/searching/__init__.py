"""Search over a tenant's generations: filtered, page by page, with sums.

Rows are read along the tenant's index, newest first. If few of very many match, usage tells in
which hours they may be (`narrow`). A search that still takes too long reads one stretch of rows
at a time, and a search by words reads only the newest rows.
"""

from generation.tenants.searching.bounds import SEARCHED, TooBroad
from generation.tenants.searching.criteria import Criteria, is_id
from generation.tenants.searching.paging import (
    ListPage,
    every,
    has_called,
    newest_matching,
    newest_of_key,
    page_of,
    whole_rows,
)
from generation.tenants.searching.sums import Sums, narrow, sums, sums_of_all
