"""A tenant's generations as people look for them: filtered, a page at a time, with their sums.

Rows are read along the tenant's index, newest first. Where few of very many are wanted, usage tells
in which hours they may be (`narrowed`); what still takes too long is looked for in one stretch of
rows at a time, and words among so many of the newest.
"""

from generation.tenants.searching.bounds import SEARCHED, TooBroad
from generation.tenants.searching.paging import ListPage, every, found, newest_of_key, page_of
from generation.tenants.searching.sums import Sums, narrowed, sums, sums_of_all
from generation.tenants.searching.wanted import Wanted

__all__ = [
    "SEARCHED",
    "ListPage",
    "Sums",
    "TooBroad",
    "Wanted",
    "every",
    "found",
    "narrowed",
    "newest_of_key",
    "page_of",
    "sums",
    "sums_of_all",
]
