"""Charts drawn by the server: their colours, axes and gaps."""

from datetime import date, timedelta

import pytest

from console.parts.charts import REST, lines, stacked_bars
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
    (bar,) = chart.buckets
    assert (chart.top, chart.half) == (120, 60)
    assert bar.total == 107
    assert bar.reach == pytest.approx((0, 100))
    assert list(zip(chart.names, [value for value, _ in bar.cells], strict=True)) == [
        ("b", 60), ("c", 30), ("e", 9), ("a", 5), ("d", 2), ("f", 1),
    ]  # fmt: skip
    assert sum(part.height for part in bar.marks) == pytest.approx(100 * 107 / 120, abs=0.01)
    assert bar.marks[-1].y == pytest.approx(100 - 100 * 107 / 120, abs=0.01)


@pytest.mark.parametrize(
    ("most", "half"),
    [
        (0, 1), (1, 1), (2, 1), (3, 2), (10, 5), (11, 6), (21, 11), (26, 13), (31, 18), (55, 28),
        (101, 60), (20_000, 10_000), (20_001, 11_000), (55_000, 28_000), (1_000_001, 600_000),
    ],
)  # fmt: skip
def test_the_axis_ends_near_the_most_and_its_middle_is_a_round_whole_number(most, half):
    day = clock.now()

    chart = stacked_bars([day], {"a": {day: most}})

    assert (chart.half, chart.top) == (half, 2 * half)


def test_no_axis_is_more_than_a_fifth_longer_than_its_bars():
    day = clock.now()

    tops = {most: stacked_bars([day], {"a": {day: most}}).top for most in range(10, 3_000)}

    assert [most for most, top in tops.items() if not most <= top <= 1.2 * most] == []


@pytest.mark.parametrize(
    ("most", "half"),
    [(0, 100), (40, 100), (300, 200), (4_100, 2_200), (9_000, 4_500), (61_000, 35_000)],
)
def test_the_middle_of_times_is_a_tenth_of_a_second_or_rounder(most, half):
    day = date(2026, 11, 1)

    assert lines([day], {"p50": {day: most}}, counts={}).half == half


@pytest.mark.parametrize(
    ("count", "labelled"),
    [
        (1, [0]),
        (4, [0, 1, 2, 3]),
        (7, [0, 1, 2, 3, 4, 5, 6]),
        (8, [1, 2, 3, 4, 5, 6, 7]),
        (24, [3, 7, 11, 15, 19, 23]),
        (30, [4, 9, 14, 19, 24, 29]),
        (90, [11, 24, 37, 50, 63, 76, 89]),
    ],
)
def test_the_time_axis_is_labelled_back_from_its_end(count, labelled):
    days = [date(2026, 1, 1) + timedelta(days=day) for day in range(count)]

    ticks = stacked_bars(days, {"a": {days[0]: 1}}).ticks

    assert [days.index(tick.start) for tick in ticks] == labelled
    assert [tick.is_last for tick in ticks] == [False] * (len(labelled) - 1) + [True]
    # In the middle of its bar; both kinds of charts have their buckets in the same places.
    assert ticks[-1].x == pytest.approx(100 - 50 / count, abs=0.01)
    assert lines(days, {}, counts={}).ticks == ticks


def test_five_to_seven_labels_stand_on_each_longer_axis():
    days = [date(2026, 1, 1) + timedelta(days=day) for day in range(400)]

    counts = {len(stacked_bars(days[:count], {}).ticks) for count in range(5, 401)}

    assert counts == {5, 6, 7}


def test_a_line_is_broken_where_nothing_is_known():
    days = [date(2026, 11, day) for day in (1, 2, 3, 4)]

    chart = lines(days, {"p50": {days[0]: 1000, days[1]: 2000, days[3]: 500}}, counts={})

    assert chart.top == 2000
    assert chart.lines == [
        ("p50", "c1", "M12.500 50.000L37.500 0.000M75.000 75.000h25.000"),
    ]
    assert [point.start for point in chart.known] == [days[0], days[1], days[3]]
    assert chart.peaks == [("p50", 2000)]


def test_a_negative_value_is_drawn_at_the_bottom_and_said():
    days = [date(2026, 11, 1), date(2026, 11, 2)]

    chart = lines(days, {"Revenue": {days[0]: 200, days[1]: -7}}, counts={})

    assert chart.lines == [("Revenue", "c1", "M25.000 0.000L75.000 100.000")]
    assert chart.buckets[1].marks[0].value == -7
