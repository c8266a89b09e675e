"""The buckets of charts as SVG: a template takes ten times as long for a week by the hour.

Each is a group with its words for the card that charts.js shows. Lengths are shares of the plot.
"""

from collections.abc import Callable
from datetime import date, datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from console.amounts import amount
from console.parts.charts import Bar, Bars, Lines, Point

Words = Callable[[int], str]
_GROUP = '<g class="bucket" data-when="{}"{}{}>{}{}</g>'
_HIDDEN = SafeString(' aria-hidden="true"')


def bar_groups(chart: Bars, *, is_money: bool, is_over: bool) -> str:
    """The bars; unless it `is_over`, the last one is hatched as unfinished."""
    words = amount if is_money else _number
    last = len(chart.bars) - 1

    def group(place: int, bar: Bar) -> str:
        is_unfinished = place == last and not is_over
        when = _when(bar.start) + (", so far" if is_unfinished else "")
        x, width = f"{bar.x:.3f}%", f"{bar.width:.3f}%"
        segments = format_html_join(
            "",
            "{}",
            (
                (
                    _linked(
                        part.rows,
                        format_html(
                            '<rect class="{} segment" x="{}" width="{}" y="{}%" height="{}%">'
                            "<title>{} · {}: {}</title></rect>",
                            part.colour, x, width, f"{part.y:.3f}", f"{part.height:.3f}", when,
                            part.name, words(part.value),
                        ),
                    ),
                )
                for part in bar.segments
            ),
        )  # fmt: skip
        if is_unfinished and bar.segments:
            segments += format_html(
                '<rect class="pointer-events-none" fill="url(#so-far)" x="{}" width="{}" y="{}%"'
                ' height="{}%"/>',
                x, width, f"{bar.y:.3f}", f"{bar.height:.3f}",
            )  # fmt: skip
        start, reach = bar.reach
        place_of = format_html(
            '<rect class="reach" x="{}%" width="{}%" y="0" height="100%"/>',
            f"{start:.3f}", f"{reach:.3f}",
        )  # fmt: skip
        total = format_html(' data-total="Total {}"', words(bar.total))
        hidden = _HIDDEN if chart.has_rows else ""
        rows = bar.rows if bar.total else ""
        return format_html(_GROUP, when, total, hidden, _linked(rows, place_of), segments)

    return format_html_join("", "{}", ((group(*one),) for one in enumerate(chart.bars)))


def line_groups(chart: Lines, *, is_money: bool) -> str:
    """What a pointer reaches of the lines: each bucket with its dots."""
    words = amount if is_money else _seconds

    def group(point: Point) -> str:
        when = _when(point.start)
        all_words = ", ".join(f"{one.name} {words(one.value or 0)}" for one in point.known)
        reach = format_html(
            '<rect class="reach" x="{}" width="{}" y="0" height="100">'
            "<title>{} · {}</title></rect>",
            f"{point.x:.3f}", f"{point.width:.3f}", when, all_words,
        )  # fmt: skip
        dots = format_html_join(
            "",
            '<path class="line-{} dot line" d="M{} {}h0"><title>{} · {}: {}</title></path>',
            (
                (
                    mark.colour, f"{point.middle:.3f}", f"{mark.y:.3f}", when, mark.name,
                    words(mark.value or 0),
                )
                for mark in point.known
            ),
        )  # fmt: skip
        images = f"{point.count:,} image{'' if point.count == 1 else 's'}"
        total = "" if is_money else format_html(' data-total="{}"', images)
        return format_html(_GROUP, when, total, _HIDDEN, _linked(point.rows, reach), dots)

    return format_html_join("", "{}", ((group(point),) for point in chart.known))


def _linked(rows: str, drawn: str) -> str:
    return format_html('<a href="{}" tabindex="-1">{}</a>', rows, drawn) if rows else drawn


def _when(start: date) -> str:
    """'29 Nov 2026', or '29 Nov, 14:00' for an hour in the page's time zone."""
    if isinstance(start, datetime):
        return f"{localtime(start):%-d %b, %H:%M}"
    return f"{start:%-d %b %Y}"


def _number(value: int) -> str:
    return f"{value:,}"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"
