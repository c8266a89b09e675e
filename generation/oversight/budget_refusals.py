"""Refusals by budgets, from the refused requests that were written down."""

from datetime import datetime

from billing.selectors.office.reached_budgets import BudgetOf
from billing.services import budget_named
from generation.models import RefusedRequest
from pictor.kit.words import ids
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.money import Micros


def refused_by_budgets(since: datetime) -> dict[BudgetOf, Micros]:
    """The most that a request needed which a budget refused since then."""
    rows = RefusedRequest.objects.filter(
        id__gte=ids.first_at(since),
        code=InsufficientQuota.default_code,
        stopped_by__in=["workspace", "key"],
    )
    columns = ("stopped_by", "tenant_id", "key_id", "day", "message")
    found: dict[BudgetOf, Micros] = {}
    for stopped_by, tenant, key, day, message in rows.values_list(*columns).distinct():
        owner, named = key if stopped_by == "key" else tenant, budget_named(message)
        if owner and named:
            period, needed = named
            of = (owner, period, day if period == "day" else day.replace(day=1))
            found[of] = max(needed, found.get(of, needed))
    return found
