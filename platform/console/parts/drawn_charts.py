"""The buckets of charts as SVG: a template takes ten times as long for a week by the hour.

Each is a group with its words for the card that figures.js shows. Lengths are shares of the plot.
Names and addresses are escaped; all else is made here.
"""

from collections.abc import Callable
from datetime import date, datetime

from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from console.amounts import amount
from console.parts.charts import Bar, Bars, Lines, Point

Words = Callable[[int], str]


def bar_groups(chart: Bars, *, is_money: bool, is_over: bool) -> str:
    """The bars; unless it `is_over`, the last one is hatched as unfinished."""
    words = amount if is_money else "{:,}".format
    last = len(chart.buckets) - 1

    def group(place: int, bar: Bar) -> str:
        is_unfinished = place == last and not is_over
        when = _when(bar.start) + (", so far" if is_unfinished else "")
        across = f'x="{bar.x:.3f}%" width="{bar.width:.3f}%"'
        drawn = "".join(
            _linked(
                part.rows,
                f'<rect class="{part.colour} segment" {across} y="{part.y:.3f}%"'
                f' height="{part.height:.3f}%">'
                f"<title>{when} · {escape(part.name)}: {words(part.value or 0)}</title></rect>",
            )
            for part in bar.marks
        )
        if is_unfinished and bar.marks:
            drawn += (
                f'<rect class="pointer-events-none" fill="url(#so-far)" {across} y="{bar.y:.3f}%"'
                f' height="{bar.height:.3f}%"/>'
            )
        start, reach = bar.reach
        place_of = (
            f'<rect class="reach" x="{start:.3f}%" width="{reach:.3f}%" y="0" height="100%"/>'
        )
        total, rows = f"Total {words(bar.total)}", bar.rows if bar.total else ""
        return _group(when, total, _linked(rows, place_of) + drawn, is_hidden=chart.has_rows)

    return SafeString("".join(group(*one) for one in enumerate(chart.buckets)))


def line_groups(chart: Lines, *, is_money: bool) -> str:
    """What a pointer reaches of the lines: each bucket with its dots."""
    words = amount if is_money else seconds

    def group(point: Point) -> str:
        when = _when(point.start)
        known = [(mark, escape(mark.name), words(mark.value or 0)) for mark in point.known]
        all_words = ", ".join(f"{name} {value}" for _, name, value in known)
        reach = (
            f'<rect class="reach" x="{point.x:.3f}" width="{point.width:.3f}" y="0" height="100">'
            f"<title>{when} · {all_words}</title></rect>"
        )
        dots = "".join(
            f'<path class="line-{mark.colour} dot line" d="M{point.middle:.3f} {mark.y:.3f}h0">'
            f"<title>{when} · {name}: {value}</title></path>"
            for mark, name, value in known
        )
        images = f"{point.count:,} image{'' if point.count == 1 else 's'}"
        total = "" if is_money else images
        return _group(when, total, _linked(point.rows, reach) + dots, is_hidden=True)

    return SafeString("".join(group(point) for point in chart.known))


def _group(when: str, total: str, drawn: str, *, is_hidden: bool) -> str:
    totals = f' data-total="{total}"' if total else ""
    hidden = ' aria-hidden="true"' if is_hidden else ""
    return f'<g class="bucket" data-when="{when}"{totals}{hidden}>{drawn}</g>'


def _linked(rows: str, drawn: str) -> str:
    return f'<a href="{escape(rows)}" tabindex="-1">{drawn}</a>' if rows else drawn


def _when(start: date) -> str:
    """'29 Nov 2026', or '29 Nov, 14:00' for an hour in the page's time zone."""
    if isinstance(start, datetime):
        return f"{localtime(start):%-d %b, %H:%M}"
    return f"{start:%-d %b %Y}"


def seconds(milliseconds: int) -> str:
    """'4.1 s' for 4_120."""
    return f"{milliseconds / 1000:.1f} s"
