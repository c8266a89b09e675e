"""Usage: charges and figures by period. Read only from the rollups."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar, cast, get_args

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import ApiKey
from billing.latency import between, counts_of, quantile, rounded
from billing.periods import Bucket
from billing.selectors.office.reports import Group, Used, usage_between
from console.amounts import amount
from console.parts.charts import SERIES, Bars, Lines, Point, Rows, lines, stacked_bars
from console.parts.exports import csv_answer
from console.parts.filters import link_of, several
from console.parts.generation_words import BADGES, ERRORS
from console.parts.page_query import word_of
from console.parts.periods import WORDS, Period, period_of
from console.workspace.access import Permission, Workspace, keys_of, member
from console.workspace.shared.filters import rows_for
from generation.models import State
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros, scale_half_up, to_decimal

T = TypeVar("T")

SPLITS: tuple[Group, ...] = get_args(Group)
SPLIT_WORDS: Mapping[Group, str] = {
    "model": "Model",
    "key": "Key",
    "tier": "Size tier",
    "status": "Status",
    "error": "Error",
}
_BEFORE = "on the period before"
_SAME = "the same as in the period before"
_NOTHING = "nothing in the period before"
TIMES_MORE = 10
MEASURES = {"spend": "Spend", "images": "Images", "requests": "Requests", "failed": "Failures"}
TIMES = {"p50": "Time to image, p50", "p95": "Time to image, p95"}
"""Measures that cannot be added up: they are drawn as lines instead of bars."""


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The figures of a period or of a part of it; `p50` and `p95` are seconds."""

    generations: int
    images: int
    captured: int
    failed: int
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, rows: Iterable[Used]) -> "PeriodTotals":
        """Sum these rows, each of one status."""
        generations = images = captured = failed = times = 0
        for row in rows:
            generations += row.generations
            images += row.images
            captured += row.captured
            times += row.times
            if row.group["status"] == State.FAILED:
                failed += row.generations
        counts = counts_of(times)
        return cls(
            generations, images, captured, failed, quantile(counts, 0.5), quantile(counts, 0.95)
        )

    @property
    def each(self) -> Micros | None:
        return scale_half_up(self.captured, 1, self.images) if self.images else None

    @property
    def failed_share(self) -> float | None:
        """The percentage of requests that ended without an image."""
        return 100 * self.failed / self.generations if self.generations else None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One group's figures, with links to its generations, if the member may list them.

    `images_link` leads to those with an image, which the times cover.
    """

    name: str
    totals: PeriodTotals
    link: str
    images_link: str
    failures_link: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The page's data: a period, split by a group whose values have `names`.

    `used` is by bucket, split and status; `link` returns the address of a figure's generations.
    """

    used: Sequence[Used]
    period: Period
    split: Group
    names: Callable[[Any], str]
    link: Callable[..., str]


@require_safe
@member(Permission.SEE_USAGE)
def dashboard(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show the figures, chart and table of one period, split by the query string; or its CSV."""
    report, measures = _report(request, workspace), MEASURES | TIMES
    measure = word_of(request.GET, "show", measures, "spend")
    if request.GET.get("format") == "csv":
        return _csv(report)
    totals = PeriodTotals.of(report.used)
    now = clock.now()
    earlier = report.period.before_until(now)
    before = PeriodTotals.of(_usage(workspace, earlier, None, "status"))
    context = {
        "workspace": workspace,
        "period": report.period,
        "periods": [(name, words, _link(request, period=name)) for name, words in WORDS.items()],
        "split": report.split,
        "splits": [
            (name, words, _link(request, split=name)) for name, words in SPLIT_WORDS.items()
        ],
        "measure": measure,
        "measures": [(name, words, _link(request, show=name)) for name, words in measures.items()],
        "title": measures[measure],
        "csv": _link(request, format="csv"),
        "totals": totals,
        "changes": _changes(totals, before),
        "links": _generation_links(report.link, report.period),
        "earlier_links": _generation_links(report.link, earlier) if before.generations else {},
        "lines": _lines(report),
        "chart": None if measure in TIMES else _chart(report, measure),
        "split_times": _split_times(report, measure) if measure in TIMES else None,
        "times": _times(report),
        "is_money": measure == "spend",
        "at": now,
    }
    return render(request, "workspace/usage.html", context)


def _report(request: HttpRequest, workspace: Workspace) -> UsageReport:
    named = word_of(request.GET, "period", WORDS)
    period = period_of(named, clock.now(), workspace.tenant.zone)
    split = cast("Group", word_of(request.GET, "split", SPLITS, SPLITS[0]))
    keys = keys_of(workspace) if split == "key" else []
    used = _usage(workspace, period, period.bucket, split)
    return UsageReport(used, period, split, _names(split, keys), rows_for(workspace, keys))


def _generation_links(link: Callable[..., str], period: Period) -> dict[str, str]:
    return {
        "spend": link(**period.query()),
        "images": link(**period.query(), status=State.SUCCEEDED),
        "failed": link(**period.query(), status=State.FAILED),
    }


def _link(request: HttpRequest, **changes: str) -> str:
    kept = {name: request.GET.get(name, "") for name in ("period", "split", "show")}
    return link_of(kept, **changes)


def _usage(workspace: Workspace, period: Period, bucket: Bucket | None, split: Group) -> list[Used]:
    return usage_between(
        workspace.tenant.id,
        start=period.start,
        end=period.end,
        bucket=bucket,
        groups=[split] if split == "status" else [split, "status"],
        zone=period.zone,
    )


def _totals_by(used: Iterable[Used], by: Callable[[Used], T]) -> dict[T, PeriodTotals]:
    parts: dict[T, list[Used]] = {}
    for row in used:
        parts.setdefault(by(row), []).append(row)
    return {part: PeriodTotals.of(rows) for part, rows in parts.items()}


def _bucket_totals(report: UsageReport) -> dict[datetime, PeriodTotals]:
    return _totals_by(report.used, lambda row: row.start)


def _split_totals(report: UsageReport) -> dict[tuple[datetime, Any], PeriodTotals]:
    return _totals_by(report.used, lambda row: (row.start, row.group[report.split]))


def _names(split: Group, keys: Sequence[ApiKey]) -> Callable[[Any], str]:
    """Return a function that names a group's values; keys the member may not see, by their ids."""
    if split == "key":
        known = {key.id: str(key) for key in keys}
        return lambda value: known.get(value) or ids.public(ids.KEY, value)
    if split == "status":
        return lambda value: BADGES[State(value)][1]
    if split == "error":
        return lambda value: ERRORS.get(value, value) or "Did not fail"
    return str


def _chart(report: UsageReport, measure: str) -> Bars:
    """The measure by bucket and split; failures count the failed requests."""
    filters = {"status": State.FAILED.value} if measure == "failed" else {}
    series: dict[str, dict[date, int]] = {}
    for (start, value), totals in _split_totals(report).items():
        values = {
            "spend": totals.captured,
            "images": totals.images,
            "requests": totals.generations,
            "failed": totals.failed,
        }
        points = series.setdefault(report.names(value), {})
        when = report.period.name_of(start)
        points[when] = points.get(when, 0) + values[measure]
    return stacked_bars(
        [report.period.name_of(start) for start in report.period.starts],
        {name: points for name, points in series.items() if any(points.values())},
        rows=_slices(report, filters),
    )


def _times(report: UsageReport) -> Lines:
    """Time to image by bucket, in milliseconds: the median and the 95th percentile."""
    by_period = {
        report.period.name_of(start): totals
        for start, totals in _bucket_totals(report).items()
        if totals.p50 is not None
    }
    quantiles = {
        "p50": {name: _milliseconds(totals.p50) for name, totals in by_period.items()},
        "p95": {name: _milliseconds(totals.p95) for name, totals in by_period.items()},
    }
    return lines(_points(report), quantiles)


def _split_times(report: UsageReport, measure: str) -> Lines:
    """One of these quantiles by bucket and split, for the parts with the most images."""
    by_part = {
        part: totals for part, totals in _split_totals(report).items() if totals.p50 is not None
    }
    images: Counter[Any] = Counter()
    for (_, value), totals in by_part.items():
        images[value] += totals.images
    quantiles: dict[str, dict[date, int]] = {
        report.names(value): {} for value, _ in images.most_common(SERIES)
    }
    for (start, value), totals in by_part.items():
        points = quantiles.get(report.names(value), {})
        took = totals.p95 if measure == "p95" else totals.p50
        points[report.period.name_of(start)] = _milliseconds(took)
    return lines(
        _points(report), quantiles, rows=_slices(report, {"status": State.SUCCEEDED.value})
    )


def _milliseconds(exact: float | None) -> int:
    return round(1000 * rounded(exact or 0))


def _points(report: UsageReport) -> list[Point]:
    """Every bucket, with its number of images."""
    images = {
        report.period.name_of(start): totals.images
        for start, totals in _bucket_totals(report).items()
    }
    return [
        Point(
            name,
            images.get(name, 0),
            report.link(**report.period.query(name), status=State.SUCCEEDED.value),
        )
        for name in map(report.period.name_of, report.period.starts)
    ]


def _slices(report: UsageReport, filters: Mapping[str, str]) -> Rows:
    """Return a function that links to the rows of a bar, of one series in it or of all.

    `filters` are for every link.
    """
    values = {row.group[report.split] for row in report.used}
    words = {report.names(value): _word(report.split, value) for value in values}

    def slices(start: date | None, names: Sequence[str]) -> str:
        narrowed = several(report.split, [words[name] for name in names])
        return report.link(**{**report.period.query(start), **filters, **narrowed})

    return slices


def _lines(report: UsageReport) -> list[UsageRow]:
    period, split = report.period, report.split
    listed = []
    for value, totals in _totals_by(report.used, lambda row: row.group[split]).items():
        filters = {split: _word(split, value), **period.query()}
        listed.append(
            UsageRow(
                name=report.names(value),
                totals=totals,
                link=report.link(**filters),
                images_link=""
                if totals.p50 is None
                else report.link(**filters | {"status": State.SUCCEEDED}),
                failures_link=report.link(**filters | {"status": State.FAILED}),
            )
        )
    return sorted(
        listed, key=lambda line: (-line.totals.captured, -line.totals.generations, line.name)
    )


def _word(split: Group, value: Any) -> str:
    return ids.public(ids.KEY, value) if split == "key" else str(value)


def _changes(now: PeriodTotals, before: PeriodTotals) -> dict[str, str]:
    """Each figure compared with the period before, in words."""
    return {
        "spend": _by_share(now.captured, before.captured, amount),
        "images": _by_share(now.images, before.images, "{:,}".format),
        "time": _by(_rounded(now.p50), _rounded(before.p50), "s"),
        "failed": _by(now.failed_share, before.failed_share, "points"),
    }


def _by_share(now: int, before: int, words: Callable[[int], str]) -> str:
    """'+12% on the period before'; above TIMES_MORE times as much, the former figure instead."""
    if not before:
        return _NOTHING
    if now > TIMES_MORE * before:
        return f"{words(before)} in the period before"
    percent = round(100 * (now - before) / before)
    return f"{percent:+}% {_BEFORE}" if percent else _SAME


def _by(now: float | None, before: float | None, unit: str) -> str:
    """'-0.3 s on the period before'; empty without a present figure."""
    if now is None:
        return ""
    if before is None:
        return _NOTHING
    moved = round(now - before, 1)
    return f"{moved:+.1f} {unit} {_BEFORE}" if moved else _SAME


def _rounded(exact: float | None) -> float | None:
    return None if exact is None else rounded(exact)


def _csv(report: UsageReport) -> HttpResponseBase:
    split = report.split
    columns = [
        "start", split, "name", "generations", "images", "cost", "currency", "seconds_p50",
        "seconds_p95", "failed", "seconds_p50_between", "seconds_p95_between",
    ]  # fmt: skip
    rows = [
        [
            start.isoformat(), _word(split, value), report.names(value), all_of.generations,
            all_of.images, to_decimal(all_of.captured), "USD", _rounded(all_of.p50),
            _rounded(all_of.p95), all_of.failed, between(all_of.p50), between(all_of.p95),
        ]
        for (start, value), all_of in _split_totals(report).items()
    ]  # fmt: skip
    return csv_answer("usage.csv", columns, [rows])
