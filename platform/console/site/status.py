"""The status of each part, now and on each of 90 days, as bars and words.

The height and colour of a day's bar show how many checks found the part working; a day without
checks is a stub, whatever its neighbours were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from console.site.news import News
from console.uptime import State, bars_of
from generation.models import WatchedDay
from generation.oversight.watch import API, SHOWN_DAYS, Sight

SHARE_OF_A_BAD_DAY = 0.05
FEWEST_DAYS = 14


@dataclass(frozen=True, slots=True)
class Component:
    """One part: whether it works, and its days, oldest first, None for days without checks."""

    name: str
    trouble: str
    announced: str
    """The word for a current incident or maintenance of this part; empty without one."""
    days: tuple[WatchedDay | None, ...]

    @property
    def state(self) -> State:
        return "bad" if self.trouble else "warn" if self.announced else "ok"

    @property
    def words(self) -> str:
        return self.trouble or self.announced or "Operational"

    @property
    def share(self) -> str | None:
        """The percentage of good checks, such as '99.97', rounded down; None before the first."""
        looks = sum(day.looks for day in self.days if day)
        if not looks:
            return None
        whole, places = divmod(10_000 * (looks - self._failures) // looks, 100)
        return f"{whole}.{places:02}".rstrip("0").rstrip(".")

    @property
    def sentence(self) -> str:
        watched = [day for day in self.days if day]
        if not watched:
            return "Not checked yet"
        data = "" if len(watched) == SHOWN_DAYS else " with data"
        over = f"{self.share}% over {len(watched)} day{'s' if len(watched) > 1 else ''}{data}"
        if not self._failures:
            return over
        worst = max(watched, key=lambda day: (day.failed / day.looks, day.day))
        return f"{over}, worst {day_words(worst.day)}"

    @property
    def shown_days(self) -> int:
        """How many days the bars show: a new installation's since its first check."""
        first = next((number for number, day in enumerate(self.days) if day), len(self.days))
        return max(len(self.days) - first, FEWEST_DAYS)

    @property
    def bars(self) -> list[tuple[State, str]]:
        return bars_of([_state_of(day) for day in self.days[-self.shown_days :]])

    @property
    def _failures(self) -> int:
        return sum(day.failed for day in self.days if day)


def components(
    sights: Sequence[Sight],
    history: Sequence[WatchedDay],
    *,
    today: date,
    troubles: Mapping[str, str] = MappingProxyType({}),
) -> list[Component]:
    """A component for each part that was checked; `troubles` are the current incidents by part.

    The API counts as working wherever this is shown, because the same process and database make the
    page.
    """
    known = {(row.part, row.day): row for row in history}
    dates = [today - timedelta(days=back) for back in reversed(range(SHOWN_DAYS))]
    return [
        Component(
            name=sight.part,
            trouble="" if sight.part == API else sight.trouble,
            announced=troubles.get(sight.part, ""),
            days=tuple(known.get((sight.part, day)) for day in dates),
        )
        for sight in sights
    ]


def incidents(history: Sequence[WatchedDay]) -> list[WatchedDay]:
    """The days with failed checks, newest first."""
    failed = [row for row in history if row.last_failed_at]
    return sorted(failed, key=lambda row: (row.day, row.part), reverse=True)


def day_words(day: date) -> str:
    """'3 November'."""
    return f"{day.day} {day:%B}"


def as_json(components: Sequence[Component], news: News) -> dict[str, Any]:
    """The contents of /status.json; the guide on the status page explains each field."""
    return {
        "at": news.at.isoformat(timespec="seconds"),
        "works": not any(component.trouble for component in components),
        **news.as_json(),
        "components": [
            {
                "name": component.name,
                "works": not component.trouble,
                "words": component.words,
                "share": component.share,
                "days": [
                    {"day": day.day.isoformat(), "looks": day.looks, "failed": day.failed}
                    for day in component.days
                    if day
                ],
            }
            for component in components
        ],
    }


def _state_of(day: WatchedDay | None) -> State:
    if day is None:
        return "idle"
    if not day.failed:
        return "ok"
    return "bad" if day.failed / day.looks >= SHARE_OF_A_BAD_DAY else "warn"
