"""Refusals by budgets, from the refused requests that were written down."""

from datetime import datetime

from billing.selectors.office.reached_budgets import BudgetRefusal
from billing.services import budget_named
from generation.models import RefusedRequest
from pictor.kit.words import ids
from pictor.kit.words.errors import InsufficientQuota


def refused_by_budgets(since: datetime) -> list[BudgetRefusal]:
    """The refusals by budgets since then, alike ones once."""
    rows = RefusedRequest.objects.filter(
        id__gte=ids.first_at(since),
        code=InsufficientQuota.default_code,
        stopped_by__in=["workspace", "key"],
    )
    columns = ("stopped_by", "tenant_id", "key_id", "day", "message")
    found = []
    for stopped_by, tenant, key, day, message in rows.values_list(*columns).distinct():
        owner, named = key if stopped_by == "key" else tenant, budget_named(message)
        if owner and named:
            found.append(BudgetRefusal(owner, *named, day))
    return found
