"""A tenant's usage by time and group, summed from hourly rows without reading generations."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Min, Q, Sum

from billing.latency import counts_of, quantile
from billing.models import TenantBalance, Transfer, UsageRollup
from billing.periods import Bucket, buckets_between
from pictor.kit.database.cursors import all_rows
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json, Row

Group = Literal["model", "key", "tier", "status", "error"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_COLUMNS: Mapping[Group, str] = {
    "model": "model",
    "key": "key_id",
    "tier": "tier",
    "status": "status",
    "error": "error",
}
_TABLE = "billing_usagerollup"
_BY_ERROR = """(
    SELECT tenant_id, hour, key_id, model, tier, status, '' AS error, generations, images,
           captured_micros, times FROM billing_usagerollup WHERE status <> 'failed'
     UNION ALL
    SELECT tenant_id, hour, key_id, model, tier, 'failed', code, generations, 0, 0, NULL
      FROM billing_failurerollup
) AS by_error"""
"""Usage with the code of each failure, '' for what did not fail: the sums are those of `_TABLE`."""


@dataclass(frozen=True, slots=True)
class Used:
    """One group's usage in one bucket of time, in UTC.

    `group` has the value of each requested group. `times` holds the counts of times from request to
    image, packed as in billing.latency; the quantiles are seconds, None without an image.
    """

    start: datetime
    group: Json
    generations: int
    images: int
    captured: Micros
    times: int

    @property
    def p50(self) -> float | None:
        """The median of seconds to the image."""
        return quantile(counts_of(self.times), 0.5)

    @property
    def p95(self) -> float | None:
        """The 95th percentile of seconds to the image."""
        return quantile(counts_of(self.times), 0.95)


def usage_between(
    tenant_id: UUID,
    *,
    start: datetime,
    end: datetime,
    bucket: Bucket | None,
    groups: Sequence[Group],
    only: Mapping[Group, Sequence[object]] = MappingProxyType({}),
    has_times: bool = True,
    zone: tzinfo = UTC,
) -> list[Used]:
    """Return a tenant's usage in hours from `start` to before `end`, by bucket and group, in order.

    Days and months are those of the zone. Without a bucket, all of that time is one whose `start`
    is the epoch. `only` has the values that count, if not all do. Without `has_times` the times are
    left out: they are most of the work.
    """
    buckets = buckets_between(start, end, bucket=bucket, zone=zone) if bucket else [(EPOCH, end)]
    starts = [begin for begin, _ in buckets]
    # The days and months of a zone differ in length, so their beginnings are sent.
    keys = ["width_bucket(hour, %s::timestamptz[])", *(_COLUMNS[group] for group in groups)]
    by = ", ".join(str(place + 1) for place in range(len(keys)))
    counted = _BY_ERROR if "error" in {*groups, *only} else _TABLE
    filters = "".join(f" AND {_COLUMNS[group]} = ANY(%s)" for group in only)
    rows = all_rows(
        f"""
        SELECT {", ".join(keys)}, SUM(generations)::bigint, SUM(images)::bigint,
               SUM(captured_micros)::bigint, {"SUM(times)" if has_times else "NULL"}
          FROM {counted}
         WHERE tenant_id = %s AND hour >= %s AND hour < %s{filters}
         GROUP BY {by} ORDER BY {by}
        """,  # noqa: S608 - built from constants
        [starts, tenant_id, start, end, *map(list, only.values())],
    )
    # `width_bucket` counts from 1.
    return [_usage_of_row(starts[place - 1], row, groups) for place, *row in rows]


def captured_since(tenant_id: UUID, starts: Sequence[datetime]) -> list[Micros]:
    """Return the charges in the hours from each of these moments on. One query for all."""
    rows = UsageRollup.objects.filter(tenant_id=tenant_id, hour__gte=min(starts))
    sums = {
        f"since_{place}": Sum("captured_micros", filter=Q(hour__gte=start), default=0)
        for place, start in enumerate(starts)
    }
    return [Micros(int(row)) for row in rows.aggregate(**sums).values()]


def has_made_images(tenant_id: UUID) -> bool:
    """True if an image was ever made for the tenant, including deleted ones. One query."""
    return UsageRollup.objects.filter(tenant_id=tenant_id, images__gt=0).exists()


class FirstMoney(NamedTuple):
    """What a tenant got to begin with: a credit, in micros, and whether anything was paid."""

    credit: int
    is_paid: bool


def first_money(tenant_id: UUID, *, reason: str) -> FirstMoney:
    """The credit with this reason, and whether a payment came in. One query."""
    kinds = Transfer.Kind
    moves = Transfer.objects.filter(tenant_id=tenant_id, kind__in=[kinds.TOP_UP, kinds.CREDIT])
    found = moves.aggregate(
        credit=Sum("amount", filter=Q(kind=kinds.CREDIT, reason=reason)),
        paid=Count("id", filter=Q(kind=kinds.TOP_UP)),
    )
    return FirstMoney(found["credit"] or 0, bool(found["paid"]))


@dataclass(frozen=True, slots=True)
class EndedTotals:
    """The sums over generations that ended.

    Attributes:
        captured: their charges.
        first: the first hour in which one of them ended, or None.
        last: the last one.
    """

    generations: int
    images: int
    captured: Micros
    first: datetime | None
    last: datetime | None


def ended_like(
    tenant_id: UUID,
    *,
    models: Collection[str] = (),
    tiers: Collection[str] = (),
    status: str = "",
    key_ids: Collection[UUID] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    captured: Micros | None = None,
) -> EndedTotals:
    """Sum the generations that ended and match; empty or None values match all. One query.

    `start` and `end` are full hours. With `captured`, only the usage rows (hour, key, model, tier,
    channel and status) with at least that charge count.
    """
    filters = {
        "model__in": models,
        "tier__in": tiers,
        "status": status,
        "key_id__in": key_ids,
        "hour__gte": start,
        "hour__lt": end,
        "captured_micros__gte": captured,
    }
    rows = UsageRollup.objects.filter(
        tenant_id=tenant_id, **{name: value for name, value in filters.items() if value}
    )
    totals = rows.aggregate(
        generations=Sum("generations", default=0),
        images=Sum("images", default=0),
        captured=Sum("captured_micros", default=0),
        first=Min("hour"),
        last=Max("hour"),
    )
    return EndedTotals(**totals)


def last_used(tenant_id: UUID, *, since: datetime) -> Mapping[UUID, datetime]:
    """Return by key the last hour since a moment in which one of its requests ended. One query."""
    rows = UsageRollup.objects.filter(tenant_id=tenant_id, hour__gte=since)
    return dict(rows.values_list("key_id").annotate(last=Max("hour")).order_by())


def _usage_of_row(start: datetime, row: Row, groups: Sequence[Group]) -> Used:
    values, (generations, images, captured, times) = row[: len(groups)], row[len(groups) :]
    return Used(
        start=start,
        group=dict(zip(groups, values, strict=True)),
        generations=generations,
        images=images,
        captured=Micros(captured),
        times=int(times or 0),
    )


PACE_DAYS = 7
PACE = timedelta(days=PACE_DAYS)


def days_left(tenant_id: UUID, available: Micros, *, now: datetime) -> float | None:
    """Return the days that `available` lasts at last week's pace; None if nothing was charged."""
    (spent,) = captured_since(tenant_id, [now - PACE])
    return days_lasting(available, spent)


def days_lasting(available: Micros, spent: Micros) -> float | None:
    """Return the days that `available` lasts if `PACE` costs `spent`; None for 0."""
    return available * PACE_DAYS / spent if spent else None


@dataclass(frozen=True, slots=True)
class RunningOut:
    """A tenant whose balance will run out: its spendable money, and a day's mean spending."""

    tenant: UUID
    available: Micros
    a_day: Micros
    days: float


def running_out(
    *, now: datetime, within_days: int, without_channels: Collection[str]
) -> list[RunningOut]:
    """Return tenants whose balance lasts less than `within_days`.

    Charges for images from `without_channels` do not count as spending. Two queries: the week's
    usage of all tenants, and the balances of those with spending.
    """
    rows = UsageRollup.objects.filter(hour__gte=now - PACE, captured_micros__gt=0)
    spent = dict(
        rows.exclude(channel__in=without_channels)
        .values_list("tenant_id")
        .annotate(spent=Sum("captured_micros"))
        .order_by()
    )
    spenders = TenantBalance.objects.filter(tenant_id__in=spent).order_by("tenant_id")
    balances = []
    for tenant_id, available in spenders.values_list("tenant_id", "available"):
        days = days_lasting(Micros(available), Micros(int(spent[tenant_id])))
        if days is not None and days < within_days:
            a_day = Micros(int(spent[tenant_id]) // PACE_DAYS)
            balances.append(RunningOut(tenant_id, Micros(available), a_day, days))
    return balances
