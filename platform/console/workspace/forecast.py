"""What comes next, on Usage: the month's end, and when balance and budgets run out.

All figures are about: they go on as the last week went.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest

from accounts.quotas import resets_at
from billing.selectors.office.budgets import Budget, budgets_in_use
from billing.selectors.office.forecasts import SpendingPace, spending_pace, stopped_last_month
from billing.selectors.office.reports import PACE_DAYS
from console.parts.form_fields import DollarsField, dressed
from console.workspace.access import Permission, Workspace, may_see

FORECAST_DAYS = 366
"""What lasts longer has no day on which it runs out."""
MOST_BUDGETS = 10


class BudgetQuestionForm(forms.Form):
    """A budget to try on the last month."""

    budget = DollarsField(label="A monthly budget of (USD)")


@dataclass(frozen=True, slots=True)
class BudgetForecast:
    """A budget, when it is used up at this pace (None: not in its window), and the window's end."""

    budget: Budget
    runs_out: datetime | None
    resets_at: datetime


def forecast_of(
    request: HttpRequest, workspace: Workspace, now: datetime, *, kept: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the card shows. Two queries, and one more where a budget is asked about.

    `kept` are the words of the page that the form sends on.
    """
    pace = spending_pace(workspace.tenant.id, now=now)
    month_end = resets_at("month", now)
    days_left = (month_end - now) / timedelta(days=1)
    ends = sorted(
        _budgets(workspace, pace, now),
        key=lambda one: (one.runs_out or one.resets_at, -one.budget.share),
    )
    form = BudgetQuestionForm(request.GET if "budget" in request.GET else None)
    asked = form.cleaned_data["budget"] if form.is_valid() else None
    return {
        "month_end": month_end,
        "a_day": round(pace.a_day),
        "pace_days": PACE_DAYS,
        "at_end": [
            round(workspace.balance.used.month + a_day * days_left)
            for a_day in (pace.a_day, min(pace.days), max(pace.days))
        ],
        "sees_balance": Permission.SEE_MONEY in workspace.may,
        "balance_runs_out": _runs_out(workspace.available, pace.a_day, now),
        "budgets": ends[:MOST_BUDGETS],
        "more": len(ends[MOST_BUDGETS:]),
        "form": dressed(form),
        "kept": [(name, word) for name, word in kept.items() if word],
        "stopped": asked and stopped_last_month(workspace.tenant.id, asked, now=now),
    }


def _budgets(workspace: Workspace, pace: SpendingPace, now: datetime) -> Iterator[BudgetForecast]:
    """The workspace's budgets, and those of the used keys that the member may see."""
    for budget in budgets_in_use(workspace.tenant, used=workspace.balance.used, now=now):
        if budget.key is not None and not may_see(workspace, budget.key):
            continue
        week = pace.keys.get(budget.key.id, 0) if budget.key else sum(pace.days)
        ends = resets_at(budget.window, now)
        out = _runs_out(budget.most - budget.used, week / PACE_DAYS, now)
        yield BudgetForecast(budget, out if out and out < ends else None, ends)


def _runs_out(left: int, a_day: float, now: datetime) -> datetime | None:
    """When this much is used up; None if that takes more than FORECAST_DAYS."""
    if left <= 0:
        return now
    if left > a_day * FORECAST_DAYS:
        return None
    return now + timedelta(days=left / a_day)
