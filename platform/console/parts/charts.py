"""Stacked bars and lines over time, rendered by the server: geometry for an SVG template. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Generic, TypeVar

SERIES = 4
"""The most colours that everyone can tell apart; the rest becomes one grey series."""
LISTED = 30
"""The most series that have a column in the table beside a chart."""
REST = "Everything else"
HEIGHT = 100.0
SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 96, 24, 3
_ROUND: Sequence[int] = (*range(10, 16), 18, 20, 22, 25, 28, *range(30, 55, 5), *range(60, 110, 10))
"""Tenths of round numbers, none more than a fifth above the one before."""
MOST_TICKS = 7
MOST_DETAILED = 62
"""The most buckets of a chart that comes with its table, and whose parts lead to their rows; of a
longer one whole buckets do.
"""
TENTH = 100
"""A tenth of a second in milliseconds, which is the least that a chart of times shows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One series' value in a bucket, None if unknown; `rows` links to its list.

    `y` is from the plot's top, in its units, and `height` that of a bar's part.
    """

    name: str
    colour: str
    value: int | None
    rows: str
    y: float
    height: float = 0


@dataclass(frozen=True, slots=True)
class ChartBucket:
    """One bucket of time: a day by its date, an hour by its start; `rows` links to its list."""

    start: date
    x: float
    width: float
    rows: str
    marks: Sequence[Mark]

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def known(self) -> Sequence[Mark]:
        return [mark for mark in self.marks if mark.value is not None]


@dataclass(frozen=True, slots=True)
class Bar(ChartBucket):
    """The parts of a bar; `cells` are its values of `Bars.names`, each with a link to its rows."""

    total: int
    cells: Sequence[tuple[int, str]]

    @property
    def y(self) -> float:
        return min((part.y for part in self.marks), default=HEIGHT)

    @property
    def height(self) -> float:
        return HEIGHT - self.y

    @property
    def reach(self) -> tuple[float, float]:
        """Where its whole bucket begins, and how wide it is: no gap is between two."""
        return self.x - self.width / 8, self.width * 1.25


@dataclass(frozen=True, slots=True)
class Point(ChartBucket):
    """The values of the lines, in their order; `count` is the number of its rows."""

    count: int


Drawn = TypeVar("Drawn", bound=ChartBucket)


@dataclass(frozen=True, slots=True)
class Chart(Generic[Drawn]):
    """A chart over time; `half` is the round number at the middle of its axis."""

    buckets: Sequence[Drawn]
    half: int

    @property
    def top(self) -> int:
        return 2 * self.half

    @property
    def is_long(self) -> bool:
        """True if its table comes only to who asks for it."""
        return len(self.buckets) > MOST_DETAILED

    @property
    def known(self) -> Sequence[Drawn]:
        return [one for one in self.buckets if one.known]

    @property
    def has_rows(self) -> bool:
        return any(one.rows for one in self.known)

    @property
    def ticks(self) -> Sequence["Tick"]:
        """Label at most MOST_TICKS buckets, evenly spread and back from the last.

        At least five are labelled, if there are as many.
        """
        step = max(1, -(-(len(self.buckets) - 1) // MOST_TICKS))
        labelled = [*self.buckets[::-step][:MOST_TICKS]]
        return [
            Tick(round(one.middle, 3), one.start, one is self.buckets[-1])
            for one in reversed(labelled)
        ]


@dataclass(frozen=True, slots=True)
class Bars(Chart[Bar]):
    """A chart that ends now: the last bar's time is not over.

    `names` are the largest series, at most LISTED, and `others` the number of the rest. `legend` is
    each coloured series' name, colour, sum and link to its rows.
    """

    names: Sequence[str]
    others: int
    legend: Sequence[tuple[str, str, int, str]]

    @property
    def total(self) -> int:
        return sum(bar.total for bar in self.buckets)

    @property
    def peak(self) -> Bar | None:
        return max(self.buckets, key=lambda bar: bar.total, default=None)


@dataclass(frozen=True, slots=True)
class Lines(Chart[Point]):
    """A chart of lines: each has a name, a colour, and the outline of its SVG path."""

    lines: Sequence[tuple[str, str, str]]

    @property
    def peaks(self) -> Sequence[tuple[str, int]]:
        return [
            (name, max((point.marks[place].value or 0 for point in self.known), default=0))
            for place, (name, _, _) in enumerate(self.lines)
        ]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of the time axis: the middle of its bucket, and that bucket's start."""

    x: float
    start: date
    is_last: bool


@dataclass(frozen=True, slots=True)
class Spark:
    """A trend in a row of a list: the outline of its path, and the place of its last point."""

    outline: str
    x: float
    y: float
    total: int


Rows = Callable[[date | None, Sequence[str]], str]
"""Returns the link to a bucket's rows of these series; no series means all of them, and None means
all buckets."""


def _nowhere(_start: date | None, _names: Sequence[str]) -> str:
    return ""


def stacked_bars(
    starts: Sequence[date],
    values: Mapping[str, Mapping[date, int]],
    *,
    rows: Rows = _nowhere,
) -> Bars:
    """Bars for these buckets; `values` by series and bucket. Only the largest get a colour."""
    sums = {name: sum(points.values()) for name, points in values.items()}
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    parts = [(name, f"c{place + 1}", [name]) for place, name in enumerate(ranked[:SERIES])]
    if rest := ranked[SERIES:]:
        parts.append((REST, "c-rest", rest))
    legend = [
        (name, colour, sum(sums[series] for series in its), rows(None, its))
        for name, colour, its in parts
    ]
    totals = {start: sum(points.get(start, 0) for points in values.values()) for start in starts}
    half = _round_half(max(totals.values(), default=0), 1)
    step = 100 / max(1, len(starts))

    def linked(start: date, its: Sequence[str]) -> tuple[int, str]:
        value = sum(values[series].get(start, 0) for series in its)
        return value, rows(start, its) if value and len(starts) <= MOST_DETAILED else ""

    def bar(place: int, start: date) -> Bar:
        stack = _stack([(name, colour, *linked(start, its)) for name, colour, its in parts], half)
        cells = [linked(start, [name]) for name in ranked[:LISTED]]
        x, width = place * step + step * 0.1, step * 0.8
        return Bar(start, x, width, rows(start, []), stack, totals[start], cells)

    bars = [bar(place, start) for place, start in enumerate(starts)]
    return Bars(bars, half, ranked[:LISTED], len(ranked[LISTED:]), legend)


def lines(
    starts: Sequence[date],
    values: Mapping[str, Mapping[date, int]],
    *,
    counts: Mapping[date, int],
    rows: Callable[[date, Sequence[str]], str] = _nowhere,
) -> Lines:
    """Build a line for each series of `values`, by bucket, in their order.

    `counts` are the numbers of rows by bucket, and `rows` links to a bucket's rows as for bars.
    """
    most = max((each for line in values.values() for each in line.values()), default=0)
    half = _round_half(most, TENTH)
    step = 100 / max(1, len(starts))
    colours = {name: f"c{number}" for number, name in enumerate(values, 1)}

    def mark(name: str, start: date) -> Mark:
        value = values[name].get(start)
        y = round(HEIGHT - HEIGHT * max(value or 0, 0) / (2 * half), 3)
        return Mark(name, colours[name], value, rows(start, [name]), y)

    def point(place: int, start: date) -> Point:
        marks = [mark(name, start) for name in values]
        return Point(start, place * step, step, rows(start, []), marks, counts.get(start, 0))

    points = [point(place, start) for place, start in enumerate(starts)]
    outlines = [
        (name, colour, _outline(points, place))
        for place, (name, colour) in enumerate(colours.items())
    ]
    return Lines(points, half, outlines)


def spark(values: Sequence[int]) -> Spark:
    """A line through these values, at least one, in its plot's units; 0 is at the bottom."""
    top, last = max(1, *values), max(1, len(values) - 1)
    width, height = SPARK_WIDTH - 2 * SPARK_MARGIN, SPARK_HEIGHT - 2 * SPARK_MARGIN
    points = [
        (SPARK_MARGIN + width * place / last, SPARK_MARGIN + height * (1 - value / top))
        for place, value in enumerate(values)
    ]
    outline = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Spark(outline, round(points[-1][0], 1), round(points[-1][1], 1), sum(values))


def _outline(points: Sequence[Point], place: int) -> str:
    """One line's path: broken at missing values, a dash for a single value."""
    path = ""
    for is_known, run in groupby(points, lambda point: point.marks[place].value is not None):
        if is_known:
            (first, y), *others = [(point, point.marks[place].y) for point in run]
            start, dash = (first.middle, "") if others else (first.x, f"h{first.width:.3f}")
            path += f"M{start:.3f} {y:.3f}{dash}"
            path += "".join(f"L{point.middle:.3f} {y:.3f}" for point, y in others)
    return path


def _stack(parts: Sequence[tuple[str, str, int, str]], half: int) -> list[Mark]:
    below = 0.0
    marks = []
    for name, colour, value, rows in parts:
        if value:
            height = HEIGHT * value / (2 * half)
            below += height
            marks.append(
                Mark(name, colour, value, rows, round(HEIGHT - below, 3), round(height, 3))
            )
    return marks


def _round_half(most: int, unit: int) -> int:
    """The least round multiple of `unit`, never 0, whose double is at least `most`."""
    least = max(1, -(-most // (2 * unit)))
    power: int = 10 ** (len(str(least)) - 1)
    return unit * next(power * step // 10 for step in _ROUND if power * step >= 10 * least)
