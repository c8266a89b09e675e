"""The page of usage, and its CSV."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from billing.latency import between
from console.parts.exports import csv_answer
from console.parts.filters import Chip, link_of
from console.parts.page_query import meant_by, word_of
from console.parts.periods import WORDS, Period, number_of
from console.workspace.access import Permission, Workspace, member, rendered
from console.workspace.forecast import forecast_of
from console.workspace.shared.filters import selects_of
from console.workspace.usage.drawn import Drawing
from console.workspace.usage.question import (
    MEASURES,
    SPLITS,
    TIMES,
    Question,
    asked_in,
    word_in_address,
)
from console.workspace.usage.usage_rows import (
    PeriodTotals,
    changes_in_words,
    in_class,
    rows_of,
    totals_by,
    used_in,
    why_changed,
)
from generation.models import FINAL, State
from generation.tenants.refused_days import refused_by_day
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

ROWS = 500
"""The most rows of the table on a page."""


@member(Permission.SEE_USAGE)
def dashboard(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show the figures, chart and table that the query string asks for; or the table's CSV."""
    now = clock.now()
    asked = asked_in(request, workspace, now)
    if request.GET.get("format") == "csv":
        return _csv(asked)
    from_row = meant_by(request.GET, "after", number_of) or 0
    # Times are most of the work, and those of two splits are not drawn.
    has_times = not asked.by or asked.measure in TIMES
    by_bucket = used_in(
        asked, asked.shown, [asked.split], bucket=asked.shown.bucket, has_times=has_times
    )
    in_parts = used_in(asked, asked.period, asked.splits) if asked.by else by_bucket
    earlier = asked.period.before_until(now)
    used_before = used_in(asked, earlier, asked.splits)
    totals, before = PeriodTotals.of(in_parts), PeriodTotals.of(used_before)
    rows = rows_of(asked, in_parts, used_before)
    context = {
        "asked": asked,
        "period": asked.shown,
        "until": min(now, asked.period.end),
        "is_over": asked.period.end <= now,
        "choices": _choices(asked),
        "selects": _selects(asked),
        "csv": asked.link(format="csv"),
        "totals": totals,
        "changes": changes_in_words(totals, before),
        "links": _generation_links(asked, asked.period),
        "earlier_links": _generation_links(asked, earlier) if before.generations else {},
        "causes": asked.link(show="failed", split="error", by=""),
        "rows": rows[from_row : from_row + ROWS],
        **_pages(asked, from_row, len(rows)),
        "is_cause": "error" in asked.splits,
        "has_table": word_of(request.GET, "table", ["1"]),
        "title": MEASURES[asked.measure],
        "by_words": " and ".join(SPLITS[split].lower() for split in asked.splits),
        "at": now,
        "refused": refused_by_day(workspace.id, tests=asked.tests, now=now),
        "forecast": forecast_of(request, workspace, now, kept=asked.words),
        **_drawn(asked, Drawing(asked, by_bucket), earlier),
    }
    return rendered(request, workspace, "workspace/usage.html", context)


def _pages(asked: Question, from_row: int, number: int) -> dict[str, str]:
    """The links to the first rows, and to those that follow."""
    until = from_row + ROWS
    return {
        "newest": asked.link() if from_row else "",
        "older": asked.link(after=str(until)) if number > until else "",
    }


def _drawn(asked: Question, drawing: Drawing, earlier: Period) -> dict[str, Any]:
    """What the measure is shown by: a chart, or the table of what changed."""
    measure = asked.measure
    if measure == "why":
        whys = why_changed(asked, earlier)
        parts = ("volume", "price", "mix", "difference")
        sums = {part: sum(getattr(why, part) for why in whys) for part in parts}
        return {"whys": whys, "sums": sums, "earlier": earlier, "is_why": True}
    shown = {"is_money": measure == "spend", "table_link": asked.link(table="1")}
    if measure in TIMES:
        return {**shown, "split_times": drawing.split_times(measure)}
    return {**shown, "chart": drawing.bars(measure), "times": drawing.times()}


def _choices(asked: Question) -> dict[str, list[Chip]]:
    """The links to other periods, measures and splits."""

    def links(name: str, words: Mapping[str, str], shown: str, **changes: str) -> list[Chip]:
        return [
            Chip(asked.link(**changes, **{name: word}), label, word == shown)
            for word, label in words.items()
        ]

    by = asked.by or ""
    others: dict[str, str] = {word: label for word, label in SPLITS.items() if word != asked.split}
    return {
        "period": links("period", WORDS, asked.period.name, per=""),
        "per": links("per", {per: f"By {per}" for per in asked.pers}, asked.shown.bucket),
        "show": links("show", MEASURES, asked.measure),
        "split": [
            Chip(asked.link(split=word, by="" if word == by else by), label, word == asked.split)
            for word, label in SPLITS.items()
        ]
        + _customers(asked),
        "by": links("by", {"": "None", **others}, by),
    }


def _customers(asked: Question) -> list[Chip]:
    """The link to usage by end customer, for those who may read what callers sent."""
    if asked.workspace.support or Permission.SEE_GENERATIONS not in asked.workspace.may:
        return []
    page = reverse("workspace:customers", args=[asked.workspace.tenant.public_id])
    period = asked.words["period"] if asked.period.bucket == "day" else ""
    link = page + (link_of({"period": period}) if period else "")
    return [Chip(link, "End customer", is_chosen=False)]


def _selects(asked: Question) -> list[tuple[str, str, str, Sequence[tuple[str, str]], str]]:
    """The filters with words to choose from; no usage is under way."""
    selects = selects_of(asked.workspace, asked.filters, asked.keys, among=tuple(SPLITS))
    return [
        (name, label, every, [one for one in choices if name != "status" or one[0] in FINAL], word)
        for name, label, every, choices, word in selects
    ]


def _generation_links(asked: Question, period: Period) -> dict[str, str]:
    return {
        "spend": asked.rows_of(**period.query()),
        "images": asked.rows_of(**period.query(), status=State.SUCCEEDED),
        "failed": asked.rows_of(**period.query(), status=State.FAILED),
    }


def _csv(asked: Question) -> HttpResponseBase:
    """A line for each bucket and part."""
    split, by = asked.split, asked.by
    used = used_in(asked, asked.shown, [*asked.splits, "error"], bucket=asked.shown.bucket)
    failed: dict[Any, Counter[str]] = defaultdict(Counter)

    def part(row: Any) -> tuple[datetime, Any, Any]:
        return row.start, row.group[split], row.group[by] if by else None

    for row in used:
        if row.group["status"] == State.FAILED:
            failed[part(row)][row.group["error"]] += row.generations
    columns = [
        "start", split, "name", "generations", "images", "cost", "currency", "seconds_p50",
        "seconds_p95", "failed", "seconds_p50_between", "seconds_p95_between", "errors",
        *([by, f"{by}_name"] if by else []),
    ]  # fmt: skip
    lines = [
        [
            start.isoformat(), word_in_address(split, value), asked.names(split, value),
            all_of.generations, all_of.images, to_decimal(all_of.captured), "USD",
            in_class(all_of.p50), in_class(all_of.p95), all_of.failed, between(all_of.p50),
            between(all_of.p95), _in_words(failed[start, value, other]),
            *([word_in_address(by, other), asked.names(by, other)] if by else []),
        ]
        for (start, value, other), all_of in totals_by(used, part).items()
    ]  # fmt: skip
    return csv_answer("usage.csv", columns, [lines])


def _in_words(failed: Mapping[str, int]) -> str:
    """'generation_timeout 2, upstream_error 1'."""
    return ", ".join(f"{code} {number}" for code, number in sorted(failed.items()))
