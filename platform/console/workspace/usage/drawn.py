"""The charts of usage: bars of what adds up, lines of times. Each leads to its generations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from billing.latency import rounded
from billing.selectors.office.reports import Used
from console.parts.charts import SERIES, Bars, Lines, Point, Rows, lines, stacked_bars
from console.parts.filters import several
from console.workspace.shared.filters import MANY
from console.workspace.usage.question import Question, word_in_address
from console.workspace.usage.usage_rows import PeriodTotals, totals_by
from generation.models import State

_MADE = {"status": State.SUCCEEDED.value}


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the charts draw: usage by bucket, first split and status."""

    asked: Question
    used: Sequence[Used]

    def bars(self, measure: str) -> Bars:
        """The measure by bucket and split; failures count the failed requests."""
        series: dict[str, dict[date, int]] = {}
        for (start, value), totals in self._split_totals().items():
            values = {
                "spend": totals.captured,
                "images": totals.images,
                "requests": totals.generations,
                "failed": totals.failed,
            }
            points = series.setdefault(self._name(value), {})
            when = self.asked.shown.name_of(start)
            points[when] = points.get(when, 0) + values[measure]
        return stacked_bars(
            self._starts,
            {name: points for name, points in series.items() if any(points.values())},
            rows=self._slices({"status": State.FAILED.value} if measure == "failed" else {}),
        )

    def times(self) -> Lines:
        """Time to image by bucket, in milliseconds: the median and the 95th percentile."""
        by_start = {
            self.asked.shown.name_of(start): totals
            for start, totals in self._bucket_totals().items()
            if totals.p50 is not None
        }
        quantiles = {
            "p50": {name: _milliseconds(totals.p50) for name, totals in by_start.items()},
            "p95": {name: _milliseconds(totals.p95) for name, totals in by_start.items()},
        }
        return lines(self._points(), quantiles)

    def split_times(self, measure: str) -> Lines:
        """One of these quantiles by bucket and split, for the parts with the most images."""
        by_part = {
            part: totals for part, totals in self._split_totals().items() if totals.p50 is not None
        }
        images: Counter[Any] = Counter()
        for (_, value), totals in by_part.items():
            images[value] += totals.images
        quantiles: dict[str, dict[date, int]] = {
            self._name(value): {} for value, _ in images.most_common(SERIES)
        }
        for (start, value), totals in by_part.items():
            points = quantiles.get(self._name(value), {})
            took = totals.p95 if measure == "p95" else totals.p50
            points[self.asked.shown.name_of(start)] = _milliseconds(took)
        return lines(self._points(), quantiles, rows=self._slices(_MADE))

    @property
    def _starts(self) -> list[date]:
        return [self.asked.shown.name_of(start) for start in self.asked.shown.starts]

    def _name(self, value: Any) -> str:
        return self.asked.names(self.asked.split, value)

    def _bucket_totals(self) -> dict[datetime, PeriodTotals]:
        return totals_by(self.used, lambda row: row.start)

    def _split_totals(self) -> dict[tuple[datetime, Any], PeriodTotals]:
        return totals_by(self.used, lambda row: (row.start, row.group[self.asked.split]))

    def _points(self) -> list[Point]:
        """Every bucket, with its number of images."""
        images = {
            self.asked.shown.name_of(start): totals.images
            for start, totals in self._bucket_totals().items()
        }
        return [
            Point(
                name,
                images.get(name, 0),
                self.asked.rows_of(**self.asked.shown.query(name), **_MADE),
            )
            for name in self._starts
        ]

    def _slices(self, filters: Mapping[str, str]) -> Rows:
        """Return a function that links to the rows of a bar, of one series in it or of all.

        `filters` are for every link.
        """
        split = self.asked.split
        values = {row.group[split] for row in self.used}
        words = {self._name(value): word_in_address(split, value) for value in values}

        def slices(start: date | None, names: Sequence[str]) -> str:
            if len(names) > 1 and split not in MANY:
                return ""
            narrowed = several(split, [words[name] for name in names])
            query = {**self.asked.shown.query(start), **filters, **narrowed}
            return self.asked.rows_of(**query)

        return slices


def _milliseconds(exact: float | None) -> int:
    return round(1000 * rounded(exact or 0))
