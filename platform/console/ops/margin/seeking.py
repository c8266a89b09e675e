"""The filters of the margin page: read from the address, written into links."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import QueryDict

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenant_as_shown
from billing.selectors.office.sold import By, Margin, Per, margins
from console.ops.access import Mode
from console.parts.filters import MAX_TEXT, Read, chips_of, link_of, one_of, words_for, words_in
from console.parts.periods import (
    DAY,
    TO,
    USUAL,
    UTC_ZONE,
    WORDS,
    Period,
    period_in,
    period_of,
    typed_period,
    why_no_days,
)

PERIODS = {name: words for name, words in WORDS.items() if name != "24h"}
BY: Mapping[By, str] = {
    "tenant": "Tenant",
    "model": "Model",
    "channel": "Channel",
    "cell": "Price row",
}
PERS: Mapping[Per, str] = {"day": "Day", "week": "Week", "month": "Month"}
LABELS = {name: name.capitalize() for name in ("tenant", "model", "channel", "size", "quality")}
"""Columns that the page can be filtered by, in the order of the chips."""
COLUMNS = {"model": "model", "channel": "channel", "size": "asked", "quality": "quality"}
"""Columns of the sums, by their words in the address."""
WHICH = {"": "All", "losing": "Losing money", "unknown": "Cost unknown"}


@dataclass(frozen=True, slots=True)
class MarginQuery:
    """The filters and grouping of the margin page.

    Attributes:
        query: the words in the address, without defaults.
        of: the filters, by column of the sums.
        typed: the days typed, if they are no period.
        trouble: the reason why nothing is summed, in a sentence; empty if there is none.
    """

    query: Mapping[str, str]
    mode: Mode
    by: By
    per: Per
    show: str
    period: Period
    tenant: Tenant | None
    of: Mapping[str, UUID | str | None]
    typed: str = ""
    trouble: str = ""

    @property
    def moves_money(self) -> bool:
        """True if the page can have sums; test requests move no money."""
        return self.mode != Mode.TEST and not self.trouble

    def sums(self, by: By, per: Per | None = None, *, during: Period | None = None) -> list[Margin]:
        """Return the margins of its own period, or of another."""
        if not self.moves_money:
            return []
        period = during or self.period
        return margins(
            by=by,
            per=per,
            first=period.first,
            last=period.last,
            is_demo=self.mode == Mode.DEMO,
            of=self.of,
        )

    @property
    def starts(self) -> list[date]:
        """The dates on which its days, weeks (from Monday) or months begin."""
        first, last = self.period.first, self.period.last
        days = [first + number * DAY for number in range((last - first).days + 1)]
        return list(dict.fromkeys(bucket_of(day, self.per) for day in days))

    def span(self, start: date) -> str:
        """Return the part of a bucket that is in the period, as the address writes it."""
        following = bucket_of(start + _MORE[self.per], self.per)
        first, last = max(start, self.period.first), min(following - DAY, self.period.last)
        return first.isoformat() if first == last else f"{first}{TO}{last}"

    def link(self, **others: str) -> str:
        """Return the address of the page with these filters and any others that are not empty."""
        return link_of(self.query, **{"mode": self.mode.query, **others})

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Each filter's label, its value in words, and the page without it."""
        alone = {name: word for name, word in self.query.items() if name in LABELS}
        kept = {name: word for name, word in self.query.items() if name not in LABELS}
        return chips_of(alone, LABELS, self._words, mode=self.mode.query, **kept)

    @property
    def ends(self) -> tuple[str, str]:
        """The first and the last day, as the form shows them."""
        if not self.typed:
            return self.period.first.isoformat(), self.period.last.isoformat()
        first, _, last = self.typed.partition(TO)
        return first, last or first

    @property
    def days(self) -> str:
        """The period in words, or the days typed."""
        return " to ".join(dict.fromkeys(self.ends)) if self.typed else words_for(self.period)

    @property
    def is_one_day(self) -> bool:
        """True if the period is one day, for which generations of all tenants can be listed."""
        return self.period.first == self.period.last

    def _words(self, name: str, word: str) -> str:
        return self.tenant.name if name == "tenant" and self.tenant else word


_MORE: Mapping[Per, timedelta] = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY}
"""A step from the start of a bucket into the next one."""


def bucket_of(day: date, per: Per) -> date:
    """Return the first day of the week or month of a day; for "day" the day itself."""
    if per == "week":
        return day - day.weekday() * DAY
    return day.replace(day=1) if per == "month" else day


def margin_query(query: QueryDict, mode: Mode, now: datetime) -> MarginQuery:
    """Read the filters from an address; without a period, 30 days apply."""
    texts, meant = words_in(query, _READERS)
    by: By = meant.get("by", "tenant")
    period, trouble = _period(query, now)
    word = typed_period(query)[:MAX_TEXT]
    typed = word if trouble else ""
    if word not in {"", USUAL}:
        texts["period"] = word
    tenant: Tenant | None = meant.get("tenant") or None
    if "tenant" in texts:
        if tenant is None:
            trouble = trouble or f"No tenant has the name or id “{texts['tenant']}”."
        else:
            texts["tenant"] = tenant.public_id
    of: dict[str, Any] = {
        column: texts[name] for name, column in COLUMNS.items() if name in texts
    } | ({"tenant_id": tenant.id} if tenant else {})
    return MarginQuery(
        query=texts,
        mode=mode,
        by=by,
        per=meant.get("per", "day"),
        show=meant.get("show", ""),
        period=period,
        tenant=tenant,
        of=of,
        typed=typed,
        trouble=trouble,
    )


def _period(query: QueryDict, now: datetime) -> tuple[Period, str]:
    """Return the period and the trouble with it; the default period if there is trouble."""
    word, usual = typed_period(query), period_of(USUAL, now, UTC_ZONE)
    if not word:
        return usual, ""
    if word in PERIODS:
        return period_of(word, now, UTC_ZONE), ""
    period = period_in(word, UTC_ZONE)
    if period is None or period.bucket != "day":
        return usual, why_no_days(word)
    return period, ""


_READERS: Mapping[str, Read] = {
    "tenant": lambda word: tenant_as_shown(word) or False,
    **dict.fromkeys(COLUMNS, str),
    "by": one_of(BY),
    "per": one_of(PERS),
    "show": one_of(WHICH),
}
