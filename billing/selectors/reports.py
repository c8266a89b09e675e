"""A tenant's usage by time and group, summed from the rows of its hours: no generation is read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from uuid import UUID

from django.db import connection
from django.db.models import Max, Min, Q, Sum

from billing.latency import counts_of, quantile
from billing.models import TenantBalance, UsageRollup
from billing.periods import Bucket, buckets_between
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json, Row

Group = Literal["model", "key", "tier", "status"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_COLUMNS: Mapping[Group, str] = {
    "model": "model",
    "key": "key_id",
    "tier": "tier",
    "status": "status",
}


@dataclass(frozen=True, slots=True)
class Used:
    """What one group used in one bucket of time, in UTC.

    `group` has the value of each group that was asked for. `times` are the counts of times from
    request to image, as billing.latency has them; the quantiles of them are seconds, None without
    an image.
    """

    start: datetime
    group: Json
    generations: int
    images: int
    captured: Micros
    times: int

    @property
    def p50(self) -> float | None:
        """Within which half of the images were there."""
        return quantile(counts_of(self.times), 0.5)

    @property
    def p95(self) -> float | None:
        """Within which all but one in twenty were there."""
        return quantile(counts_of(self.times), 0.95)


def usage_between(
    tenant_id: UUID,
    *,
    start: datetime,
    end: datetime,
    bucket: Bucket | None,
    groups: Sequence[Group],
    zone: tzinfo = UTC,
) -> list[Used]:
    """A tenant's usage in the hours from `start` to before `end`, by bucket and group, in order.

    Days and months are those of the zone. Without a bucket, all of that time is one; its `start`
    is the epoch.
    """
    buckets = buckets_between(start, end, bucket=bucket, zone=zone) if bucket else [(EPOCH, end)]
    starts = [begin for begin, _ in buckets]
    keys = ["width_bucket(hour, %s::timestamptz[])", *(_COLUMNS[group] for group in groups)]
    by = ", ".join(str(place + 1) for place in range(len(keys)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {", ".join(keys)}, SUM(generations)::bigint, SUM(images)::bigint,
                   SUM(captured_micros)::bigint, SUM(times)
              FROM billing_usagerollup
             WHERE tenant_id = %s AND hour >= %s AND hour < %s
             GROUP BY {by} ORDER BY {by}
            """,  # noqa: S608 - built from constants
            [starts, tenant_id, start, end],
        )
        rows = cursor.fetchall()
    return [_used(starts[place - 1], row, groups) for place, *row in rows]


def captured_since(tenant_id: UUID, starts: Sequence[datetime]) -> list[Micros]:
    """What was charged in the hours from each of these moments on. One query for all."""
    rows = UsageRollup.objects.filter(tenant_id=tenant_id, hour__gte=min(starts))
    sums = {
        f"since_{place}": Sum("captured_micros", filter=Q(hour__gte=start), default=0)
        for place, start in enumerate(starts)
    }
    return [Micros(int(found)) for found in rows.aggregate(**sums).values()]


def has_made_images(tenant_id: UUID) -> bool:
    """Whether an image was ever made for a tenant, be it gone by now. One query."""
    return UsageRollup.objects.filter(tenant_id=tenant_id, images__gt=0).exists()


@dataclass(frozen=True, slots=True)
class Ended:
    """Generations that ended, by the hour.

    Attributes:
        captured: their charge.
        first: the first hour in which one of them did, or None.
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
) -> Ended:
    """What ended so; what is empty or None does not matter. One query.

    `start` and `end` are full hours. With a charge: all that ended in hours in which such
    generations came to so much or more.
    """
    said = {
        "model__in": models,
        "tier__in": tiers,
        "status": status,
        "key_id__in": key_ids,
        "hour__gte": start,
        "hour__lt": end,
        "captured_micros__gte": captured,
    }
    rows = UsageRollup.objects.filter(
        tenant_id=tenant_id, **{name: value for name, value in said.items() if value}
    )
    found = rows.aggregate(
        generations=Sum("generations", default=0),
        images=Sum("images", default=0),
        captured=Sum("captured_micros", default=0),
        first=Min("hour"),
        last=Max("hour"),
    )
    return Ended(
        generations=int(found["generations"]),
        images=int(found["images"]),
        captured=Micros(int(found["captured"])),
        first=found["first"],
        last=found["last"],
    )


def last_used(tenant_id: UUID, *, since: datetime) -> Mapping[UUID, datetime]:
    """By key, the last hour in which one of its requests ended, since a moment. One query."""
    rows = UsageRollup.objects.filter(tenant_id=tenant_id, hour__gte=since)
    return dict(rows.values_list("key_id").annotate(last=Max("hour")).order_by())


def _used(start: datetime, row: Row, groups: Sequence[Group]) -> Used:
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
    """How long that lasts at the pace of the last week; None where nothing was charged in it."""
    (spent,) = captured_since(tenant_id, [now - PACE])
    return days_lasting(available, spent)


def days_lasting(available: Micros, spent: Micros) -> float | None:
    """The same, from what was charged since `PACE` ago."""
    return available * PACE_DAYS / spent if spent else None


@dataclass(frozen=True, slots=True)
class RunningOut:
    """A tenant whose balance will not last: what it can spend, and what a day of the week took."""

    tenant: UUID
    available: Micros
    a_day: Micros
    days: float


def running_out(
    *, now: datetime, within_days: int, without_channels: Collection[str]
) -> list[RunningOut]:
    """Tenants with less than so many days left; what these channels delivered is no spending.

    Two queries: the week's usage of all tenants, and the balances of those who used anything.
    """
    rows = UsageRollup.objects.filter(hour__gte=now - PACE, captured_micros__gt=0)
    spent = dict(
        rows.exclude(channel__in=without_channels)
        .values_list("tenant_id")
        .annotate(spent=Sum("captured_micros"))
        .order_by()
    )
    balances = TenantBalance.objects.filter(tenant_id__in=spent).order_by("tenant_id")
    found = []
    for tenant_id, available in balances.values_list("tenant_id", "available"):
        days = days_lasting(Micros(available), Micros(int(spent[tenant_id])))
        if days is not None and days < within_days:
            a_day = Micros(int(spent[tenant_id]) // PACE_DAYS)
            found.append(RunningOut(tenant_id, Micros(available), a_day, days))
    return found
