"""Filters that lists of both consoles have: a code, and a period of UTC days or hours."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from console.parts.filters import like, period_choices
from console.parts.listing import Choices, Filter, Search, understood
from console.parts.periods import DAY, UTC_ZONE, WORDS, Period, period_in, period_of
from pictor.kit.words import clock

MONTH = 31 * DAY
_CODE = re.compile("[a-z0-9_.]{1,64}", re.ASCII)


def _period(word: str) -> Period | None:
    return period_of(word, clock.now(), UTC_ZONE) if word in WORDS else period_in(word, UTC_ZONE)


def _period_words(period: Period) -> str:
    first, after = period.first, period.last + DAY
    if period.name not in WORDS and first.day == after.day == 1 and period.last - first < MONTH:
        return f"{first:%B %Y}"
    return dict(period_choices("", period))[period.name if period.name in WORDS else ""]


def periods(
    label: str,
    *,
    chip: str = "",
    every: Callable[[Search[Any]], str] | str = "All time",
    among: Callable[[Search[Any]], Collection[str]] = lambda _search: WORDS,
) -> Filter:
    """The filter `period`; `among` returns the names of those to choose from."""

    def choices(search: Search[Any]) -> Choices:
        word = search.texts.get("period", "")
        found = period_choices(word, search.meant.get("period"))
        return [choice for choice in found if choice[0] in {*among(search), word}]

    return Filter(
        label=label,
        chip=chip,
        read=understood(_period, "“{}” is no period."),
        words=_period_words,
        choices=choices,
        every=every,
    )


def span_in(search: Search[Any]) -> tuple[datetime | None, datetime | None]:
    """The first moment of the filter `period`, and the one after its last; None without it."""
    period: Period | None = search.meant.get("period")
    if period is None:
        return None, None
    return period.start.astimezone(UTC), period.end.astimezone(UTC)


CODE = Filter(
    label="Code",
    read=understood(like(_CODE), "“{}” is no code of an error."),
    example="rate_limit_exceeded",
)
