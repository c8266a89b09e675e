"""A caller's limits, and budget windows: days and months in UTC. Pure.

A window is named by its first day, so a counter row can say which window it counts.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pictor.kit.words.money import Micros

Period = Literal["day", "month"]

_DAYS_INTO_NEXT_MONTH = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """A caller's limits; None is unlimited. Requests and images per minute, budgets in micros.

    A key's budgets that only warn stop nothing and are left out.
    """

    tenant_rpm: int | None
    tenant_ipm: int | None
    key_rpm: int | None
    key_ipm: int | None
    tenant_in_flight: int | None
    key_in_flight: int | None
    tenant_budget_day: Micros | None
    tenant_budget_month: Micros | None
    key_budget_day: Micros | None
    key_budget_month: Micros | None


def window_start(period: Period, now: datetime) -> date:
    """The first day of the window that contains `now`: today, or the first of this month."""
    today = now.astimezone(UTC).date()
    return today if period == "day" else today.replace(day=1)


def resets_at(period: Period, now: datetime) -> datetime:
    """The end of the window that contains `now`, when its budget starts afresh."""
    start = window_start(period, now)
    if period == "day":
        following = start + timedelta(days=1)
    else:
        following = (start + timedelta(days=_DAYS_INTO_NEXT_MONTH)).replace(day=1)
    return datetime(following.year, following.month, following.day, tzinfo=UTC)
