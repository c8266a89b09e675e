"""The figures of usage: sums of a period and its parts, each held against the period before."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from billing.latency import counts_of, quantile, rounded
from billing.periods import Bucket
from billing.selectors.office.reports import Group, Used, usage_between
from billing.spend_changes import Spend, SpendChange, changes_of_spend
from console.amounts import amount, signed
from console.parts.periods import Period
from console.workspace.usage.question import Question, word_in_address
from generation.models import State
from pictor.kit.words.money import Micros, scale_half_up

T = TypeVar("T")

_BEFORE = "on the period before"
_SAME = "the same as in the period before"
_NOTHING = "nothing in the period before"
TIMES_MORE = 10


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
        all_rows = [*rows]
        counts = counts_of(sum(row.times for row in all_rows))
        return cls(
            generations=sum(row.generations for row in all_rows),
            images=sum(row.images for row in all_rows),
            captured=sum(row.captured for row in all_rows),
            failed=sum(row.generations for row in all_rows if row.group["status"] == State.FAILED),
            p50=quantile(counts, 0.5),
            p95=quantile(counts, 0.95),
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
    """One part's figures, with links to its generations, if the member may list them.

    `change` is that of its charge in words. `images_link` leads to those with an image, which the
    times cover.
    """

    names: Sequence[str]
    totals: PeriodTotals
    change: str
    link: str
    images_link: str
    failures_link: str


def used_in(
    asked: Question,
    period: Period,
    groups: Sequence[Group],
    *,
    bucket: Bucket | None = None,
    has_times: bool = True,
) -> list[Used]:
    """Usage of a period that matches the page's filters, by group and status. One query.

    Keys that the member may not tell apart are one: None.
    """
    used = usage_between(
        asked.workspace.tenant.id,
        start=period.start,
        end=period.end,
        bucket=bucket,
        groups=list(dict.fromkeys([*groups, "status"])),
        only=asked.only,
        has_times=has_times,
        zone=period.zone,
    )
    if asked.known is None or "key" not in groups:
        return used
    return [
        row if row.group["key"] in asked.known else replace(row, group={**row.group, "key": None})
        for row in used
    ]


def totals_by(used: Iterable[Used], by: Callable[[Used], T]) -> dict[T, PeriodTotals]:
    """The figures of each part that `by` returns for some row."""
    parts: dict[T, list[Used]] = {}
    for row in used:
        parts.setdefault(by(row), []).append(row)
    return {part: PeriodTotals.of(rows) for part, rows in parts.items()}


def rows_of(asked: Question, used: Iterable[Used], before: Iterable[Used]) -> list[UsageRow]:
    """A row for each part that had usage in either period, the largest charge first."""

    def values(row: Used) -> tuple[Any, ...]:
        return tuple(row.group[split] for split in asked.splits)

    earlier = totals_by(before, values)
    now = totals_by(used, values)
    nothing = PeriodTotals.of([])
    rows = [
        _row(asked, part, now.get(part, nothing), earlier.get(part, nothing).captured)
        for part in {**now, **earlier}
    ]
    return sorted(rows, key=lambda row: (-row.totals.captured, -row.totals.generations, row.names))


def _row(asked: Question, part: Sequence[Any], totals: PeriodTotals, before: int) -> UsageRow:
    words: dict[str, str] = {
        by: word_in_address(by, value) for by, value in zip(asked.splits, part, strict=True)
    }
    filters = {**words, **asked.period.query()}
    made = filters | {"status": State.SUCCEEDED.value}
    return UsageRow(
        names=[*map(asked.names, asked.splits, part)],
        totals=totals,
        change=change_in_words(totals.captured, before),
        link=asked.rows_of(**filters),
        images_link="" if totals.p50 is None else asked.rows_of(**made),
        failures_link=asked.rows_of(**filters | {"status": State.FAILED.value}),
    )


def why_changed(asked: Question, earlier: Period) -> list[SpendChange[tuple[str, str]]]:
    """The change of the charge since the period before, by model and size tier. Two queries."""

    def spent(period: Period) -> dict[tuple[str, str], Spend]:
        used = used_in(asked, period, ["model", "tier"], has_times=False)
        by_cell = totals_by(used, lambda row: (row.group["model"], row.group["tier"]))
        return {cell: Spend(one.images, one.captured) for cell, one in by_cell.items()}

    return changes_of_spend(spent(earlier), spent(asked.period))


def change_in_words(now: int, before: int) -> str:
    """'+$1.000000 (+12%)', or '(new)' after nothing; empty without a change. Takes micros."""
    change = now - before
    if not change:
        return ""
    share = round(100 * change / before) if before else 0
    percent = f"{share:+,}%" if share else ("+" if change > 0 else "-") + "<1%"
    return f"{signed(change, 6)} ({percent if before else 'new'})"


def changes_in_words(now: PeriodTotals, before: PeriodTotals) -> dict[str, str]:
    """Each figure compared with the period before, in words."""
    return {
        "spend": _by_share(now.captured, before.captured, amount),
        "images": _by_share(now.images, before.images, "{:,}".format),
        "time": _by(in_class(now.p50), in_class(before.p50), "s"),
        "failed": _by(now.failed_share, before.failed_share, "points"),
    }


def in_class(exact: float | None) -> float | None:
    """A quantile as exact as times are counted."""
    return None if exact is None else rounded(exact)


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
