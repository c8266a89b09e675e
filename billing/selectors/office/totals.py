"""Sums over all tenants: their balances, and usage of all time. Amounts are micros."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Sum

from billing.models import TenantBalance
from pictor.kit.database.cursors import all_rows
from pictor.kit.words.money import Micros

HOUR_OPEN_FOR = timedelta(hours=1)
"""An hour that ended longer ago gets no more writes: settlements count into their own hour."""


@dataclass(frozen=True, slots=True)
class Balances:
    """All tenants' spendable and held money, and the number of their open holds."""

    available: Micros
    held: Micros
    in_flight: int


@dataclass(frozen=True, slots=True)
class EndedGenerations:
    """Generations that ended, their images and their charges."""

    generations: int
    images: int
    captured: Micros

    def __add__(self, other: "EndedGenerations") -> "EndedGenerations":
        return EndedGenerations(
            self.generations + other.generations,
            self.images + other.images,
            Micros(self.captured + other.captured),
        )


NO_GENERATIONS = EndedGenerations(0, 0, Micros(0))
ByModelAndStatus = Mapping[tuple[str, str], EndedGenerations]


def balance_totals() -> Balances:
    sums = TenantBalance.objects.aggregate(
        available=Sum("available", default=0),
        held=Sum("held", default=0),
        in_flight=Sum("in_flight", default=0),
    )
    return Balances(**sums)


class UsageTotals:
    """Usage of all time; each process sums closed hours only once."""

    def __init__(self) -> None:
        self._until = datetime(1970, 1, 1, tzinfo=UTC)
        self._closed: ByModelAndStatus = {}

    def __call__(self, *, now: datetime) -> ByModelAndStatus:
        """Return usage by model and final status. Not thread-safe."""
        until = now.replace(minute=0, second=0, microsecond=0) - HOUR_OPEN_FOR
        if until > self._until:
            self._closed = _sum(self._closed, _between(self._until, until))
            self._until = until
        return _sum(self._closed, _between(self._until, None))


usage_together = UsageTotals()


def _between(start: datetime, end: datetime | None) -> ByModelAndStatus:
    rows = all_rows(
        """
        SELECT model, status, SUM(generations)::bigint, SUM(images)::bigint,
               SUM(captured_micros)::bigint
          FROM billing_usagerollup
         WHERE hour >= %s AND hour < COALESCE(%s, 'infinity'::timestamptz)
         GROUP BY model, status
        """,
        [start, end],
    )
    return {(row[0], row[1]): EndedGenerations(row[2], row[3], Micros(row[4])) for row in rows}


def _sum(totals: ByModelAndStatus, other: ByModelAndStatus) -> ByModelAndStatus:
    return {
        key: totals.get(key, NO_GENERATIONS) + other.get(key, NO_GENERATIONS)
        for key in {*totals, *other}
    }
