"""What was sold, by the day: the transfers that it is made of, and what they come to."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from billing.models import FIGURES, Account, SoldDay, SoldRow, SoldUntil
from billing.pricing import REFERENCE, PriceKey
from pictor.kit.database.spans import Ids, Span
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json

By = Literal["tenant", "model", "channel", "cell", "all"]
Per = Literal["day", "week", "month"]

TRAIL_SECONDS = 60.0
"""What is counted is so old: most transactions that move money take milliseconds."""
PATIENCE_SECONDS = 5.0
"""How long the others are waited for; the next minute tries again."""
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
EVERYTHING: Mapping[str, UUID | str | None] = MappingProxyType({})
"""No value alone."""
_DAYS = """
SELECT day, min(first), max(last)
  FROM (SELECT day, min(id) AS first, max(id) AS last FROM {moved} AS moved GROUP BY day
        UNION ALL SELECT DISTINCT day, NULL::bigint, NULL::bigint FROM billing_soldday) AS days
 GROUP BY day ORDER BY day
"""
_SUMS = """
    SUM(images)::bigint, SUM(captured_micros - refunded_micros)::bigint AS revenue,
    SUM(cost_micros + corrections_micros)::bigint,
    SUM(losses_micros + loss_corrections_micros)::bigint,
    SUM(credited_micros)::bigint, SUM(unknown_images)::bigint"""
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
    """SQL: those of these transfers that `SoldDay` counts, with its figure and its UTC day.

    The amount is below 0 where the figure falls.
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


@dataclass(frozen=True, slots=True)
class OfDay:
    """A UTC day's transfers that `SoldDay` has, as `Ids` of a statement that reads them.

    They are among those from `first` to `last`, and those that were counted after `since`.
    """

    day: date
    first: int
    last: int
    since: int

    def of(self, column: str) -> str:
        """As `Ids`."""
        counted = "(SELECT max(transfer_id) FROM billing_solduntil)"
        return (
            f"({column} BETWEEN {self.first} AND {self.last}"
            f" OR {column} > {self.since} AND {column} <= {counted})"
            f" AND (created_at AT TIME ZONE 'UTC')::date = '{self.day.isoformat()}'"
        )


def counted_to() -> int:
    """The last transfer that `SoldDay` has."""
    return SoldUntil.objects.values_list("transfer_id", flat=True).first() or 0


def days_sold(after: int, to: int) -> list[OfDay]:
    """The days of the transfers after one and up to another, and those that `SoldDay` has."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS.format(moved=sold_among(Span(after + 1, to + 1))))
        return [OfDay(day, first or 0, last or 0, since=to) for day, first, last in cursor]


def sold_on(day: date) -> dict[SoldRow, tuple[int, ...]]:
    """The rows of a day, each with its figures."""
    rows = SoldDay.objects.filter(day=day).values_list(*SoldRow._fields, *FIGURES)
    size = len(SoldRow._fields)
    return {SoldRow._make(row[:size]): tuple(row[size:]) for row in rows}


@dataclass(frozen=True, slots=True)
class Settled:
    """No transfer of this id or below is still to come; nearly all moved before `until` are so."""

    transfer_id: int | None
    until: datetime


def images_by_model(since: date) -> dict[str, tuple[int, int]]:
    """How many tenants were sold how many images of each model since that UTC day, demos apart."""
    rows = SoldDay.objects.filter(day__gte=since, is_demo=False, images__gt=0)
    found: dict[str, tuple[int, int]] = {}
    # By tenant, and counted here: to count them there, PostgreSQL would sort all rows.
    for row in rows.values("model", "tenant_id").annotate(sold=Sum("images")):
        tenants, images = found.get(row["model"], (0, 0))
        found[row["model"]] = (tenants + 1, images + row["sold"])
    return found


def settled() -> Settled | None:
    """How far `SoldDay` may be written; None while somebody keeps a transfer uncommitted for long.

    Ids are given before the commit, so a lower one may come later. Whoever was given one has the
    table locked until its end, which is waited for. Call it outside any transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, {"trail": TRAIL_SECONDS})
        found = Settled(*cursor.fetchone())
    if found.transfer_id is None:
        return found
    waited_for, patient_until = _writers(), time.monotonic() + PATIENCE_SECONDS
    while waited_for:
        if time.monotonic() > patient_until:
            return None
        time.sleep(_LOOKS_APART_SECONDS)
        waited_for &= _writers()
    return found


def _writers() -> set[str]:
    """The transactions that have written transfers, or may."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return {transaction for (transaction,) in cursor.fetchall()}


def sold_until() -> datetime | None:
    """What was moved before that is counted in what was sold; None before the first look."""
    return SoldUntil.objects.values_list("until", flat=True).first()


@dataclass(frozen=True, slots=True)
class Margin:
    """What one group brought in one period. Amounts are micros, and may be below 0.

    Attributes:
        start: the period's first day; None where there is one period.
        group: the value of each column of the group.
        revenue: what was charged, less what was refunded.
        cost: of what was delivered, as corrected.
        losses: what calls cost that nobody pays for, as corrected.
        credited: credits given, and adjustments.
        unknown_images: how many of `images` cost nobody knows what: it is not in `cost`.
    """

    start: date | None
    group: Json
    images: int
    revenue: Micros
    cost: Micros
    losses: Micros
    credited: Micros
    unknown_images: int

    @property
    def margin(self) -> Micros:
        """What is left of the revenue. What was bought with a credit brought nothing."""
        return Micros(self.revenue - self.cost - self.losses - self.credited)

    @property
    def spent(self) -> Micros:
        """What calls cost, whether they brought anything or not."""
        return Micros(self.cost + self.losses)

    @property
    def percent(self) -> float | None:
        """The margin of the revenue; None without any, and where no image's cost is known."""
        is_known = self.unknown_images < max(self.images, 1)
        return self.margin * 100 / self.revenue if self.revenue > 0 and is_known else None


def margins(
    *,
    by: By,
    first: date | None = None,
    last: date | None = None,
    per: Per | None = None,
    is_demo: bool = False,
    tenants: Collection[UUID] | None = None,
    of: Mapping[str, UUID | str | None] = EVERYTHING,
) -> list[Margin]:
    """Where money is earned and lost, by period and the highest revenue first.

    Args:
        by: `cell` is a price row: model, size asked and quality. `all` is no group at all.
        first: a UTC day; None is the first there is.
        last: another, which is in it.
        per: weeks begin on Monday. None is all of the time at once.
        is_demo: of the demo data alone; it is never with the rest.
        tenants: of those alone; None is all, and what is no tenant's.
        of: of these values alone, by column, as a `Margin.group` has them.
    """
    columns = _GROUPS[by]
    narrowed = " ".join(f"AND {_named(column)} IS NOT DISTINCT FROM %s" for column in of)
    begin = f"date_trunc('{per}', day)::date" if per else "NULL::date"
    of_tenants = "" if tenants is None else "AND tenant_id = ANY(%s)"
    by_number = ", ".join(str(place + 1) for place in range(len(columns) + 1))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {", ".join((begin, *columns))}, {_SUMS}
              FROM billing_soldday
             WHERE is_demo = %s AND day >= COALESCE(%s, '-infinity'::date)
               AND day <= COALESCE(%s, 'infinity'::date) {of_tenants} {narrowed}
             GROUP BY {by_number} ORDER BY 1, revenue DESC, {by_number}
            """,  # noqa: S608 - built from constants
            [is_demo, first, last, *([] if tenants is None else [list(tenants)]), *of.values()],
        )
        return [
            Margin(start, dict(zip(columns, values, strict=False)), *values[len(columns) :])
            for start, *values in cursor
        ]


def _named(column: str) -> str:
    """A column that groups are of. Raises ValueError for any other."""
    if column not in {name for names in _GROUPS.values() for name in names}:
        raise ValueError(f"nothing is sold by {column}")
    return column


def total_of(rows: Sequence[Margin]) -> Margin:
    """All of them together."""
    return Margin(
        None,
        {},
        images=sum(row.images for row in rows),
        revenue=Micros(sum(row.revenue for row in rows)),
        cost=Micros(sum(row.cost for row in rows)),
        losses=Micros(sum(row.losses for row in rows)),
        credited=Micros(sum(row.credited for row in rows)),
        unknown_images=sum(row.unknown_images for row in rows),
    )


@dataclass(frozen=True, slots=True)
class SoldCell:
    """What was sold of a price row, delivered in one size by one channel. Amounts are micros.

    Attributes:
        tenant: where it was asked for apart; None is all the others.
        cost: of the images whose cost is known.
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
    """What was sold since a UTC day, these tenants apart, without demo data and references."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT CASE WHEN tenant_id = ANY(%s) THEN tenant_id END, model, asked, delivered,
                   quality, channel, SUM(images)::bigint, SUM(captured_micros)::bigint,
                   SUM(cost_micros)::bigint, SUM(unknown_images)::bigint
              FROM billing_soldday
             WHERE day >= %s AND images > 0 AND NOT is_demo AND asked <> %s
             GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
            """,
            [list(apart), since, REFERENCE],
        )
        return [SoldCell(*row) for row in cursor]


class Bought(NamedTuple):
    """How many images of a price row were sold, and what they were charged."""

    images: int
    captured: Micros


def bought(
    tenants: Collection[UUID], *, days: int, to: date, is_demo: bool = False
) -> Mapping[PriceKey, Bought]:
    """What these tenants bought of each price row in so many UTC days, the last one included.

    Without references. Each day of each tenant is looked up by itself.
    """
    read = [to - timedelta(days=ago) for ago in range(days)]
    rows = SoldDay.objects.filter(day__in=read, tenant_id__in=list(tenants), is_demo=is_demo)
    sums = rows.exclude(asked=REFERENCE).values_list("model", "asked", "quality")
    found = sums.annotate(images_sold=Sum("images"), captured=Sum("captured_micros"))
    return {
        (model, asked, quality): Bought(images, Micros(captured))
        for model, asked, quality, images, captured in found
        if images
    }
