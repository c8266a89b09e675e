"""The charts of usage: bars of what adds up, lines of times. Each leads to its generations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.latency import rounded
from billing.selectors.office.reports import Used
from console.parts.charts import SERIES, Bars, Lines, Rows, lines, stacked_bars
from console.parts.filters import several
from console.workspace.shared.filters import MANY
from console.workspace.usage.question import TIMES, Question, word_in_address
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
        figure = {"spend": "captured", "requests": "generations"}.get(measure, measure)
        series: dict[str, dict[date, int]] = {}
        for (start, name), totals in self._split_totals().items():
            if value := getattr(totals, figure):
                series.setdefault(name, {})[start] = value
        filters = {"status": State.FAILED.value} if measure == "failed" else {}
        return stacked_bars(self._starts, series, rows=self._slices(filters))

    def times(self) -> Lines:
        """Time to image by bucket, in milliseconds: the median and the 95th percentile."""
        by_start = self._bucket_totals()
        quantiles = {
            name: {
                start: _milliseconds(exact)
                for start, totals in by_start.items()
                if (exact := getattr(totals, name)) is not None
            }
            for name in TIMES
        }
        slices = self._slices(_MADE)
        return self._lines(quantiles, lambda start, _names: slices(start, []))

    def split_times(self, measure: str) -> Lines:
        """One of these quantiles by bucket and split, for the parts with the most images."""
        images: Counter[str] = Counter()
        quantiles: dict[str, dict[date, int]] = {}
        for (start, name), totals in self._split_totals().items():
            if (exact := getattr(totals, measure)) is not None:
                images[name] += totals.images
                quantiles.setdefault(name, {})[start] = _milliseconds(exact)
        most = {name: quantiles[name] for name, _ in images.most_common(SERIES)}
        return self._lines(most, self._slices(_MADE))

    def _lines(self, quantiles: Mapping[str, Mapping[date, int]], rows: Rows) -> Lines:
        """The lines over every bucket, with its number of images."""
        images = {start: totals.images for start, totals in self._bucket_totals().items()}
        return lines(self._starts, quantiles, counts=images, rows=rows)

    @property
    def _starts(self) -> list[date]:
        return [self.asked.shown.name_of(start) for start in self.asked.shown.starts]

    def _name(self, value: Any) -> str:
        return self.asked.names(self.asked.split, value)

    def _bucket_totals(self) -> dict[date, PeriodTotals]:
        return totals_by(self.used, lambda row: self.asked.shown.name_of(row.start))

    def _split_totals(self) -> dict[tuple[date, str], PeriodTotals]:
        split, name_of = self.asked.split, self.asked.shown.name_of
        return totals_by(self.used, lambda row: (name_of(row.start), self._name(row.group[split])))

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


def _milliseconds(exact: float) -> int:
    return round(1000 * rounded(exact))
