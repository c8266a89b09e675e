"""Compare sales by day with the transfers and their generations.

Each day is read in its own snapshot: its rows, and its transfers counted by then.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from itertools import islice

from billing.models import FIGURES, SoldRow
from billing.selectors.office.balances import has_transfer
from billing.selectors.office.chain import Position
from billing.selectors.office.findings import MAX_FINDINGS_PER_CHECK, Finding
from billing.selectors.office.sold import CountedTransfers, counted_to, days_sold, sold_on
from billing.selectors.office.walk import Step
from generation.oversight.daily_sales import sold_by
from pictor.kit.words import ids

_CHECK = "sold by day"
_NOTHING = (0,) * len(FIGURES)


class SoldRound:
    """One proof of the days from a checkpoint on, or of all."""

    def __init__(self, kept: Position) -> None:
        self._first_day = date.fromordinal(kept.available or 1)
        self._after = kept.seq
        self._counted = 0
        self._days: Sequence[CountedTransfers] = ()

    def steps(self) -> Iterator[Step]:
        """Yield the step that finds the days, then one step per day."""
        yield self._look
        for day in self._days:
            yield partial(findings_of_day, day)

    def reached(self, now: datetime) -> Position:
        """The position before today, which is still open."""
        today = now.date()
        open_from = [day.first for day in self._days if day.day >= today and day.first]
        return Position(min(open_from, default=self._counted + 1) - 1, available=today.toordinal())

    def _look(self) -> list[Finding]:
        self._counted = counted_to()
        days = days_sold(self._after, self._counted)
        self._days = [day for day in days if day.day >= self._first_day]
        if not self._counted or has_transfer(self._counted):
            return []
        message = "is the last transfer that was counted as sold, and is missing"
        return [Finding(_CHECK, None, f"transfer {self._counted}", message)]


def findings_of_sold() -> list[Finding]:
    """Rows of all days that differ from their transfers."""
    return [finding for step in SoldRound(Position()).steps() for finding in step()]


def findings_of_day(day: CountedTransfers) -> list[Finding]:
    """Rows of one day that differ from their transfers; at most 100."""
    stored, true = sold_on(day.day), sold_by(day)
    rows = sorted(stored.keys() | true.keys(), key=str)
    wrong = (row for row in rows if stored.get(row) != tuple(true.get(row, ())))
    return [
        _finding(row, stored.get(row, _NOTHING), true.get(row, _NOTHING))
        for row in islice(wrong, MAX_FINDINGS_PER_CHECK)
    ]


def _finding(row: SoldRow, stored: Sequence[int], true: Sequence[int]) -> Finding:
    differing = [
        f"{figure} {one}, the ledger {other}"
        for figure, one, other in zip(FIGURES, stored, true, strict=True)
        if one != other
    ]
    named = [row.model, row.asked, row.quality, row.delivered and f"as {row.delivered}"]
    what = " ".join(part for part in named if part) or "what is of no model"
    via = f" by {row.channel}" if row.channel else ""
    demo = " of the demo data" if row.is_demo else ""
    return Finding(
        _CHECK,
        None if row.tenant_id is None else ids.public(ids.TENANT, row.tenant_id),
        f"day {row.day}",
        f"of {what}{via}{demo}, it says {'; '.join(differing) or 'nothing, in a row of its own'}",
    )
