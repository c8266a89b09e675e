"""Conditions that need a person now, the worst first; then figures of requests and money."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import HttpRequest, HttpResponse

from billing.selectors.office.hours import Hour, hours_of
from billing.selectors.office.repricing import taken_over
from billing.selectors.office.sold import Margin, margins, sold_until, total_of
from console.ops.access import Mode, Operator, Permission, modes_of, rendered, staff
from console.ops.now import conditions
from console.parts.filters import PAGE_ROWS, link_of
from console.parts.page_query import meant_by, word_of
from console.parts.periods import number_of
from generation.oversight.conditions import conditions_now
from generation.oversight.conditions import is_quiet as is_quiet_now
from pictor.kit.words import clock

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Figures:
    """The last whole hour and the same hour a week before; margins of both days, in UTC.

    Test requests move no money and have no margins.
    """

    begins: datetime
    hour: Hour
    hour_before: Hour
    today: Margin | None
    day_before: Margin | None
    counted_until: datetime | None


@staff(Permission.SEE)
def overview(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Show open conditions with their actions; with `?show=quiet`, silenced and accepted ones."""
    now = clock.now()
    standing = conditions_now(now=now)
    is_quiet = bool(word_of(request.GET, "show", ["quiet"]))
    quiet = [condition for condition in standing.conditions if is_quiet_now(condition, now)]
    needing = conditions.needing_rows(operator, standing.needing(now), now)
    rows = conditions.rows_of(operator, quiet) if is_quiet else needing
    filters = {"show": "quiet" if is_quiet else "", "mode": request.GET.get("mode", "")}
    start = meant_by(request.GET, "from", number_of) or 0
    start = start if start < len(rows) else 0
    context = {
        "standing": standing,
        "rows": rows[start : start + PAGE_ROWS],
        "first": link_of(filters) if start else "",
        "more": link_of(filters, **{"from": str(start + PAGE_ROWS)})
        if rows[start + PAGE_ROWS :]
        else "",
        "needing": len(needing),
        "quiet": len(quiet),
        "is_quiet": is_quiet,
        "modes": modes_of(operator),
        "figures": figures_of(operator.mode, now),
        "back": taken_over(now),
        "now": now,
    }
    return rendered(request, operator, "ops/overview.html", context)


def figures_of(mode: Mode, now: datetime) -> Figures:
    """Return the figures of live requests, test requests or demo data."""
    begins = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    hours = hours_of(mode.value, [begins, begins - WEEK])
    today, day_before = _margins(mode, now) if mode != Mode.TEST else (None, None)
    return Figures(
        begins=begins,
        hour=hours[begins],
        hour_before=hours[begins - WEEK],
        today=today,
        day_before=day_before,
        counted_until=sold_until(),
    )


def _margins(mode: Mode, now: datetime) -> tuple[Margin, Margin]:
    """Return the margins of today so far and of the whole day a week before."""
    today = now.astimezone(UTC).date()
    rows = margins(by="model", first=today - WEEK, last=today, per="day", is_demo=mode == Mode.DEMO)
    of_day = {
        day: total_of([row for row in rows if row.start == day]) for day in (today, today - WEEK)
    }
    return of_day[today], of_day[today - WEEK]
