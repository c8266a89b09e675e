"""Usage by the hour: what its rows say, and what they must say of the generations that ended."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Sum

from accounts.models import Tenant
from accounts.quotas import window_start
from billing.latency import BOUNDS
from billing.models import UnchargedCost, UsageRollup
from billing.upstream_cost import COUNTED
from pictor.kit.words.money import Micros

USAGE_BY_HOUR = """(
    SELECT tenant_id, key_id, model, tier, channel, status, hour, generations, images,
           captured_micros AS captured,
           CASE WHEN times = pictor_times_v1(latency) THEN latency
                ELSE jsonb_build_object('times', times) END AS latency
      FROM billing_usagerollup
)"""
"""SQL: what the usage rows say; where they say their times in two ways, what no others say."""

_BOUNDS = ", ".join(map(str, BOUNDS))


def usage_of(ended: str) -> str:
    """SQL, a relation with the columns of `USAGE_BY_HOUR`: what these generations come to.

    Args:
        ended: SQL, a relation of generations that ended: tenant_id, key_id, model, tier, channel,
            status, ended_at, images, captured (micros), took (an interval; NULL without an image).
    """
    return f"""(
        SELECT tenant_id, key_id, model, tier, channel, status, hour,
               SUM(times)::bigint AS generations, SUM(images)::bigint AS images,
               SUM(captured)::bigint AS captured,
               COALESCE(jsonb_object_agg(bucket, times) FILTER (WHERE bucket IS NOT NULL), '{{}}')
                   AS latency
          FROM (
            SELECT tenant_id, key_id, model, tier, channel, status,
                   date_trunc('hour', ended_at, 'UTC') AS hour,
                   width_bucket((EXTRACT(EPOCH FROM took) * 1000000)::bigint,
                                ARRAY[{_BOUNDS}]::bigint[]) AS bucket,
                   COUNT(*) AS times, SUM(images) AS images, SUM(captured) AS captured
              FROM {ended} AS ended
             GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
          ) AS by_bucket
         GROUP BY 1, 2, 3, 4, 5, 6, 7
    )"""  # noqa: S608 - built from constants


def sold_by_model(start: datetime) -> dict[str, tuple[int, int]]:
    """How many tenants bought each model in the hours since then, and how many images."""
    rows = UsageRollup.objects.filter(hour__gte=start).values("model")
    sums = rows.annotate(tenants=Count("tenant_id", distinct=True), sold=Sum("images"))
    return {row["model"]: (row["tenants"], row["sold"]) for row in sums.filter(sold__gt=0)}


def tenants_using(models: Collection[str] | None, *, since: datetime) -> list[UUID]:
    """Who has had a generation of one of these models end since then; of any, where None."""
    # Tenant by tenant, along the index: all of its rows are never read.
    rows = UsageRollup.objects.filter(tenant_id=OuterRef("id"), hour__gte=since)
    if models is not None:
        rows = rows.filter(model__in=models)
    return list(Tenant.objects.filter(Exists(rows)).values_list("id", flat=True))


def used_of(tenant_id: UUID, models: Collection[str], *, since: datetime) -> dict[str, int]:
    """How many images came of a tenant's generations of these models that ended since then.

    A model that brought none is named, too; one that was not asked for is not.
    """
    rows = UsageRollup.objects.filter(tenant_id=tenant_id, hour__gte=since, model__in=models)
    sums = rows.values("model").annotate(made=Sum("images"))
    return {row["model"]: row["made"] for row in sums}


def sold_since(start: datetime, *, tenants: Collection[UUID] | None = None) -> frozenset[str]:
    """The models of which an image was charged in the hour of `start` or later.

    To one of these tenants, or to anybody where None.
    """
    hour = start.replace(minute=0, second=0, microsecond=0)
    sold = UsageRollup.objects.filter(hour__gte=hour, captured_micros__gt=0)
    if tenants is not None:
        sold = sold.filter(tenant_id__in=tenants)
    return frozenset(sold.values_list("model", flat=True).distinct())


def uncharged_of_day(tenant_id: UUID, now: datetime) -> Micros:
    """What the tenant has cost us this UTC day, uncharged, of what its ceiling is on."""
    counted = UnchargedCost.objects.filter(
        tenant_id=tenant_id, day=window_start("day", now), loss__in=COUNTED
    )
    return Micros(counted.aggregate(micros=Sum("cost_micros"))["micros"] or 0)
