"""Sales by the UTC day: the transfers that count into them, and their sums."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID

from django.db.models import Sum

from billing.models import FIGURES, Account, SoldDay, SoldRow, SoldUntil
from billing.price_rows import REFERENCE, PriceKey
from pictor.kit.database.cursors import all_rows, first_column, first_row
from pictor.kit.database.spans import Ids, Span
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json

By = Literal["tenant", "model", "channel", "cell", "all"]
Per = Literal["day", "week", "month"]

LEAST_SHOWN = -999
"""The lowest margin, in percent of revenue, that pages show."""
TRAIL_SECONDS = 60.0
"""Only transfers this old are counted: most transactions that move money take milliseconds."""
PATIENCE_SECONDS = 5.0
"""The longest wait for open transactions; the next minute tries again."""
_LOOKS_APART_SECONDS = 0.02
_CREDITS = Account.Platform.CREDITS.value
_LOSSES = Account.Platform.LOSSES.value
_PAYABLE = Account.Platform.UPSTREAM_PAYABLE.value
_GROUPS: Mapping[By, tuple[str, ...]] = {
    "tenant": ("tenant_id",),
    "model": ("model",),
    "channel": ("channel",),
    "cell": ("model", "asked", "quality"),
    "all": (),
}
NO_FILTER: Mapping[str, UUID | str | None] = MappingProxyType({})
"""No filter by column."""
_DAYS = """
SELECT day, min(first), max(last)
  FROM (SELECT day, min(id) AS first, max(id) AS last FROM {moved} AS moved GROUP BY day
        UNION ALL SELECT DISTINCT day, NULL::bigint, NULL::bigint FROM billing_soldday) AS days
 GROUP BY day ORDER BY day
"""
MARGIN_SUMS = """
    SUM(images)::bigint, SUM(captured_micros - refunded_micros)::bigint AS revenue,
    SUM(cost_micros + corrections_micros)::bigint,
    SUM(losses_micros + loss_corrections_micros)::bigint,
    SUM(credited_micros)::bigint, SUM(unknown_images)::bigint"""
"""SQL: the figures of a `Margin` over rows of sales, in its order."""
_NEWEST = """
SELECT max(id), clock_timestamp() - make_interval(secs => %(trail)s) FROM billing_transfer
 WHERE id > (SELECT COALESCE(max(transfer_id), 0) FROM billing_solduntil)
   AND created_at < clock_timestamp() - make_interval(secs => %(trail)s)
"""
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
 WHERE relation = 'billing_transfer'::regclass AND mode = 'RowExclusiveLock'
   AND pid IS DISTINCT FROM pg_backend_pid()
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def sold_among(transfers: Ids) -> str:
    """Return SQL for those of these transfers that `SoldDay` counts, with figure and UTC day.

    The amount is negative if the figure falls.
    """
    return f"""(
    SELECT * FROM (
        SELECT id, (created_at AT TIME ZONE 'UTC')::date AS day, tenant_id, generation_id,
               CASE kind WHEN 'correction' THEN corrects_id ELSE attempt_id END AS attempt_id,
               CASE WHEN kind = 'capture' THEN 'captured_micros'
                    WHEN kind = 'refund' THEN 'refunded_micros'
                    WHEN kind = 'upstream_cost' THEN 'cost_micros'
                    WHEN kind = 'loss' THEN 'losses_micros'
                    WHEN kind = 'correction' AND {_LOSSES} IN (debit_id, credit_id)
                    THEN 'loss_corrections_micros'
                    WHEN kind = 'correction' THEN 'corrections_micros'
                    WHEN {_CREDITS} IN (debit_id, credit_id) THEN 'credited_micros' END AS figure,
               CASE WHEN kind = 'correction' AND credit_id = {_PAYABLE} OR credit_id = {_CREDITS}
                    THEN -amount ELSE amount END AS amount
          FROM billing_transfer WHERE {transfers.of("id")}
    ) AS moved WHERE figure IS NOT NULL
)"""  # noqa: S608 - ids in our own words


def ends_among(transfers: Ids) -> str:
    """Return SQL, `generation_id` of each generation whose hold ended with one of these transfers.

    A hold that was captured in part ended with its capture.
    """
    return f"""(
        SELECT generation_id FROM billing_transfer AS t
         WHERE {transfers.of("id")} AND (kind = 'capture' OR kind = 'release' AND NOT EXISTS (
               SELECT FROM billing_transfer AS c
                WHERE c.generation_id = t.generation_id AND c.kind = 'capture'))
    )"""  # noqa: S608 - ids in our own words


@dataclass(frozen=True, slots=True)
class CountedTransfers:
    """The transfers of a UTC day that `SoldDay` has counted, usable as `Ids`.

    They lie between `first` and `last`, or were counted after `since`.
    """

    day: date
    first: int
    last: int
    since: int

    def of(self, column: str) -> str:
        """Return the condition on the id column, as `Ids` requires."""
        counted = "(SELECT max(transfer_id) FROM billing_solduntil)"
        return (
            f"({column} BETWEEN {self.first} AND {self.last}"
            f" OR {column} > {self.since} AND {column} <= {counted})"
            f" AND (created_at AT TIME ZONE 'UTC')::date = '{self.day.isoformat()}'"
        )


def counted_to() -> int:
    """The id of the last transfer that `SoldDay` has counted."""
    return SoldUntil.objects.values_list("transfer_id", flat=True).first() or 0


def days_sold(after: int, to: int) -> list[CountedTransfers]:
    """Return the days that `SoldDay` has, and those of transfers after one and up to another."""
    return [
        CountedTransfers(day, first or 0, last or 0, since=to)
        for day, first, last in all_rows(_DAYS.format(moved=sold_among(Span(after + 1, to + 1))))
    ]


def sold_on(day: date) -> dict[SoldRow, tuple[int, ...]]:
    rows = SoldDay.objects.filter(day=day).values_list(*SoldRow._fields, *FIGURES)
    size = len(SoldRow._fields)
    return {SoldRow._make(row[:size]): tuple(row[size:]) for row in rows}


@dataclass(frozen=True, slots=True)
class Settled:
    """No transfer up to this id is still to come; nearly all dated before `until` are included."""

    transfer_id: int | None
    until: datetime


def images_by_model(since: date) -> dict[str, tuple[int, int]]:
    """Return by model the numbers of tenants and images since a UTC day, without demo data."""
    rows = SoldDay.objects.filter(day__gte=since, is_demo=False, images__gt=0)
    by_model: dict[str, tuple[int, int]] = {}
    # Grouped by tenant and counted here: PostgreSQL would sort all rows for COUNT(DISTINCT).
    for row in rows.values("model", "tenant_id").annotate(sold=Sum("images")):
        tenants, images = by_model.get(row["model"], (0, 0))
        by_model[row["model"]] = (tenants + 1, images + row["sold"])
    return by_model


def settled_position() -> Settled | None:
    """Return how far `SoldDay` may be written; None if a writer stays open beyond PATIENCE_SECONDS.

    Ids are given before the commit, so a lower one may still come. Each writer holds a lock on the
    table until it ends; this waits for those that hold one now. Call it outside any transaction.
    """
    settled = Settled(*first_row(_NEWEST, {"trail": TRAIL_SECONDS}))
    if settled.transfer_id is None:
        return settled
    waited_for, patient_until = _writers(), time.monotonic() + PATIENCE_SECONDS
    while waited_for:
        if time.monotonic() > patient_until:
            return None
        time.sleep(_LOOKS_APART_SECONDS)
        # A transaction that begins to write meanwhile is given higher ids (ADR 0049).
        waited_for &= _writers()
    return settled


def _writers() -> set[str]:
    """Return the transactions that have written transfers, or may."""
    return set(first_column(_WRITERS))


def sold_position() -> Settled | None:
    """How far the sales are counted; None before the first count."""
    done = SoldUntil.objects.first()
    return Settled(done.transfer_id, done.until) if done and done.until else None


def sold_until() -> datetime | None:
    """Transfers dated before this time are counted in the sales; None before the first count."""
    return SoldUntil.objects.values_list("until", flat=True).first()


@dataclass(frozen=True, slots=True)
class Margin:
    """One group's sums in one period. Amounts are micros, and may be negative.

    Attributes:
        start: the period's first day; None if there is only one period.
        group: the value of each column of the group.
        revenue: charges less refunds.
        cost: the cost of delivered images, as corrected.
        losses: the cost of calls that no tenant pays for, as corrected.
        credited: credits given, and adjustments.
        unknown: the number of `images` with unknown cost, which `cost` leaves out; negative if the
            costs of more, sold before, became known.
    """

    start: date | None
    group: Json
    images: int
    revenue: Micros
    cost: Micros
    losses: Micros
    credited: Micros
    unknown: int

    @property
    def unknown_images(self) -> int:
        return max(self.unknown, 0)

    @property
    def margin(self) -> Micros:
        """Revenue less cost, losses and credits: sales paid with a credit brought nothing."""
        return Micros(self.revenue - self.cost - self.losses - self.credited)

    @property
    def bound(self) -> str:
        """The sign before its margin: with unknown costs the margin is at most what is known."""
        return "\N{LESS-THAN OR EQUAL TO} " if self.unknown_images else ""

    @property
    def spent(self) -> Micros:
        """The cost of all calls, delivered or not."""
        return Micros(self.cost + self.losses)

    @property
    def percent(self) -> float | None:
        """The margin in percent of revenue; None without revenue or any known cost."""
        is_known = self.unknown_images < max(self.images, 1)
        return self.margin * 100 / self.revenue if self.revenue > 0 and is_known else None

    @property
    def shown_percent(self) -> float | None:
        """`percent`, or None below LEAST_SHOWN: the revenue is too small to compare with."""
        percent = self.percent
        return None if percent is None or percent < LEAST_SHOWN else percent


def margins(
    *,
    by: By,
    first: date | None = None,
    last: date | None = None,
    per: Per | None = None,
    is_demo: bool = False,
    tenants: Collection[UUID] | None = None,
    of: Mapping[str, UUID | str | None] = NO_FILTER,
) -> list[Margin]:
    """Sum sales by period and group, the highest revenue first in each period.

    Args:
        by: `cell` is a price row: model, size asked and quality. `all` is no group at all.
        first: the first UTC day; None is the first there is.
        last: the last UTC day, included.
        per: weeks begin on Monday. None is all of the time at once.
        is_demo: count only the demo data, or everything else.
        tenants: limits the sums to these; None is all, and rows without a tenant.
        of: limits the sums to these values by column, as in `Margin.group`.
    """
    columns = _GROUPS[by]
    narrowed = " ".join(f"AND {_checked_column(column)} IS NOT DISTINCT FROM %s" for column in of)
    begin = f"date_trunc('{per}', day)::date" if per else "NULL::date"
    of_tenants = "" if tenants is None else "AND tenant_id = ANY(%s)"
    by_number = ", ".join(str(place + 1) for place in range(len(columns) + 1))
    rows = all_rows(
        f"""
        SELECT {", ".join((begin, *columns))}, {MARGIN_SUMS}
          FROM billing_soldday
         WHERE is_demo = %s AND day >= COALESCE(%s, '-infinity'::date)
           AND day <= COALESCE(%s, 'infinity'::date) {of_tenants} {narrowed}
         GROUP BY {by_number} ORDER BY 1, revenue DESC, {by_number}
        """,  # noqa: S608 - built from constants
        [is_demo, first, last, *([] if tenants is None else [list(tenants)]), *of.values()],
    )
    return [
        Margin(start, dict(zip(columns, values, strict=False)), *values[len(columns) :])
        for start, *values in rows
    ]


def _checked_column(column: str) -> str:
    """Return a column that sales can be grouped by. Raises ValueError for any other."""
    if column not in {name for names in _GROUPS.values() for name in names}:
        raise ValueError(f"nothing is sold by {column}")
    return column


def total_of(rows: Sequence[Margin]) -> Margin:
    figures = ("images", "revenue", "cost", "losses", "credited", "unknown")
    return Margin(None, {}, **{name: sum(getattr(row, name) for row in rows) for name in figures})


@dataclass(frozen=True, slots=True)
class SoldCell:
    """Sales at a price row, delivered in one size by one channel. Amounts are micros.

    Attributes:
        tenant: one of those to be kept apart; None is all the others.
        cost: the cost of the images whose cost is known, by now or by a bill.
    """

    tenant: UUID | None
    model: str
    asked: str
    delivered: str
    quality: str
    channel: str
    images: int
    captured: Micros
    cost: Micros
    unknown_images: int


def cells_sold(since: date, *, apart: Collection[UUID]) -> list[SoldCell]:
    """Return sales since a UTC day, these tenants apart, without demo data and reference images."""
    rows = all_rows(
        """
        SELECT CASE WHEN tenant_id = ANY(%s) THEN tenant_id END, model, asked, delivered,
               quality, channel, SUM(images)::bigint, SUM(captured_micros)::bigint,
               SUM(cost_micros + CASE WHEN unknown_images < 0 THEN corrections_micros
                                      ELSE 0 END)::bigint, SUM(unknown_images)::bigint
          FROM billing_soldday
         WHERE day >= %s AND (images > 0 OR unknown_images < 0)
           AND NOT is_demo AND asked <> %s
         GROUP BY 1, 2, 3, 4, 5, 6 HAVING SUM(images) > 0 ORDER BY 1, 2, 3, 4, 5, 6
        """,
        [list(apart), since, REFERENCE],
    )
    return [SoldCell(*row) for row in rows]


class Bought(NamedTuple):
    """The number of images sold at a price row, and their charges in micros."""

    images: int
    captured: Micros


def bought(
    tenants: Collection[UUID], *, days: int, to: date, is_demo: bool = False
) -> Mapping[PriceKey, Bought]:
    """Return these tenants' purchases by price row in `days` UTC days, the last of them `to`.

    Reference images are left out. Each day of each tenant is looked up by itself.
    """
    read = [to - timedelta(days=ago) for ago in range(days)]
    rows = SoldDay.objects.filter(day__in=read, tenant_id__in=list(tenants), is_demo=is_demo)
    sums = rows.exclude(asked=REFERENCE).values_list("model", "asked", "quality")
    found = sums.annotate(images_sold=Sum("images"), captured=Sum("captured_micros"))
    return {
        (model, size, quality): Bought(images, Micros(captured))
        for model, size, quality, images, captured in found
        if images
    }
