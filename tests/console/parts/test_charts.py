"""Charts drawn by the server: their colours, axes and gaps."""

from datetime import date

import pytest

from console.parts.charts import REST, Point, lines, stacked_bars
from pictor.kit.words import clock


def test_the_largest_series_keep_a_colour_and_the_rest_is_one():
    day = clock.now()
    values: dict[str, dict[date, int]] = {
        name: {day: value} for name, value in zip("abcdef", (5, 60, 30, 2, 9, 1), strict=True)
    }

    chart = stacked_bars([day], values)

    assert [(name, value) for name, _, value, _ in chart.legend] == [
        ("b", 60), ("c", 30), ("e", 9), ("a", 5), (REST, 3),
    ]  # fmt: skip
    (bar,) = chart.bars
    assert (chart.top, chart.lines) == (120, [120, 90, 60, 30, 0])
    assert bar.total == 107
    assert list(zip(chart.names, [value for value, _ in bar.cells], strict=True)) == [
        ("b", 60), ("c", 30), ("e", 9), ("a", 5), ("d", 2), ("f", 1),
    ]  # fmt: skip
    assert sum(part.height for part in bar.segments) == pytest.approx(100 * 107 / 120, abs=0.01)
    assert bar.segments[-1].y == pytest.approx(100 - 100 * 107 / 120, abs=0.01)


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (1, 1), (3, 3), (10, 10), (11, 12), (21, 24), (55_000, 60_000)]
)
def test_the_axis_ends_at_a_round_number(most, top):
    day = clock.now()

    assert stacked_bars([day], {"a": {day: most}}).top == top


def test_only_whole_numbers_stand_at_the_lines_of_a_chart():
    day = clock.now()

    assert stacked_bars([day], {"a": {day: 1}}).lines == [1, None, None, None, 0]
    assert stacked_bars([day], {"a": {day: 2}}).lines == [2, None, 1, None, 0]


def test_a_line_is_broken_where_nothing_is_known():
    days = [date(2026, 11, day) for day in (1, 2, 3, 4)]
    points = [Point(day, 1, "") for day in days]

    chart = lines(points, {"p50": {days[0]: 1000, days[1]: 2000, days[3]: 500}})

    assert chart.top == 2000
    assert chart.lines == [
        ("p50", "c1", "M12.500 50.000L37.500 0.000M75.000 75.000h25.000"),
    ]
    assert [point.start for point in chart.known] == [days[0], days[1], days[3]]
    assert chart.peaks == [("p50", 2000)]


def test_a_negative_value_is_drawn_at_the_bottom_and_said():
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    points = [Point(day, 1, "") for day in days]

    chart = lines(points, {"Revenue": {days[0]: 100, days[1]: -7}})

    assert chart.lines == [("Revenue", "c1", "M25.000 0.000L75.000 100.000")]
    assert chart.points[1].marks[0].value == -7
