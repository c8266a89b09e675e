"""The process's spools: one directory and one budget for all writers."""

from functools import cache

from django.conf import settings
from prometheus_client import Gauge

from pictor.kit.bytes.spool import SpoolBudget, Spools

USED = Gauge("pictor_spool_bytes", "Spool files on disk.")
BUDGET = Gauge("pictor_spool_budget_bytes", "How much of them there may be.")

STRANGERS_SHARE = 8
"""Unauthenticated senders together get the budget divided by this."""


@cache
def process_spools() -> Spools:
    """Return the spools under PICTOR_DATA/spool within PICTOR_SPOOL_BUDGET_BYTES."""
    budget = SpoolBudget(settings.SPOOL_BUDGET_BYTES)
    USED.set_function(lambda: budget.used_bytes)
    BUDGET.set(settings.SPOOL_BUDGET_BYTES)
    return Spools(settings.SPOOL, budget)


@cache
def strangers_spools() -> Spools:
    """Return the spools of unauthenticated senders, in their own part of the budget."""
    whole = process_spools().budget
    budget = SpoolBudget(settings.SPOOL_BUDGET_BYTES // STRANGERS_SHARE, within=whole)
    return Spools(settings.SPOOL, budget)
