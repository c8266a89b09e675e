"""The process's spools: one directory, one budget, whoever writes."""

from functools import cache

from django.conf import settings

from pictor.kit.spool import SpoolBudget, Spools


@cache
def process_spools() -> Spools:
    """Spools under PICTOR_DATA/spool within PICTOR_SPOOL_BUDGET_BYTES."""
    return Spools(settings.SPOOL, SpoolBudget(settings.SPOOL_BUDGET_BYTES))
