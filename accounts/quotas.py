"""Budget windows: calendar days and months, always in UTC. Pure.

A window is named by its first day, so that a counter row can say which window it counts.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Literal

Period = Literal["day", "month"]

_DAYS_INTO_NEXT_MONTH = 32


def window_start(period: Period, now: datetime) -> date:
    """The first day of the window that contains `now`: today, or the first of this month."""
    today = now.astimezone(UTC).date()
    return today if period == "day" else today.replace(day=1)


def resets_at(period: Period, now: datetime) -> datetime:
    """When the window that contains `now` ends and its budget is whole again."""
    start = window_start(period, now)
    if period == "day":
        following = start + timedelta(days=1)
    else:
        following = (start + timedelta(days=_DAYS_INTO_NEXT_MONTH)).replace(day=1)
    return datetime(following.year, following.month, following.day, tzinfo=UTC)
