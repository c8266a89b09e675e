"""Usage by the hour: the stored rows, and SQL that derives the same from ended generations."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q, Sum

from accounts.models import Tenant
from accounts.quotas import window_start
from billing.latency import BOUNDS
from billing.models import UnchargedCost, UsageRollup
from billing.upstream_cost import COUNTED, Loss
from pictor.kit.words.money import Micros

USAGE_BY_HOUR = """(
    SELECT tenant_id, key_id, model, tier, channel, status, hour, generations, images,
           captured_micros AS captured,
           CASE WHEN times = pictor_times_v1(latency) THEN latency
                ELSE jsonb_build_object('times', times) END AS latency
      FROM billing_usagerollup
)"""
"""SQL: the usage rows; if a row's latency columns disagree, its `latency` equals no other."""
FAILURES_BY_HOUR = "billing_failurerollup"
"""SQL: the rows of failures."""

_BOUNDS = ", ".join(map(str, BOUNDS))


def usage_of(ended: str) -> str:
    """Return SQL, a relation with the columns of `USAGE_BY_HOUR`, that sums ended generations."""
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


def failures_of(ended: str) -> str:
    """Return SQL, a relation with the columns of `FailureRollup`, that sums ended generations."""
    return f"""(
        SELECT tenant_id, key_id, model, tier, code, date_trunc('hour', ended_at, 'UTC') AS hour,
               COUNT(*) AS generations
          FROM {ended} AS ended WHERE status = 'failed' GROUP BY 1, 2, 3, 4, 5, 6
    )"""  # noqa: S608 - built from constants


def used_of(tenant_id: UUID, models: Collection[str], *, since: datetime) -> dict[str, int]:
    """Return by model the images of the tenant's generations that ended since then.

    Models with ended generations but no image are included as 0.
    """
    rows = UsageRollup.objects.filter(tenant_id=tenant_id, hour__gte=since, model__in=models)
    sums = rows.values("model").annotate(made=Sum("images"))
    return {row["model"]: row["made"] for row in sums}


def uncharged_of_day(tenant_id: UUID, now: datetime) -> Micros:
    """The tenant's uncharged cost this UTC day in micros, of the losses that its ceiling counts."""
    counted = UnchargedCost.objects.filter(
        tenant_id=tenant_id, day=window_start("day", now), loss__in=COUNTED
    )
    return Micros(counted.aggregate(micros=Sum("cost_micros"))["micros"] or 0)


def uncharged_costs(
    *, tenant: Tenant | None, loss: Loss | None, after: int | None, limit: int
) -> list[UnchargedCost]:
    """Return uncharged costs with their tenants, the latest day first, its dearest first.

    `after` is the id of the row to continue after.
    """
    rows = UnchargedCost.objects.select_related("tenant").order_by("-day", "-cost_micros", "id")
    if tenant is not None:
        rows = rows.filter(tenant=tenant)
    if loss is not None:
        rows = rows.filter(loss=loss)
    last = None if after is None else UnchargedCost.objects.filter(pk=after).first()
    if last is not None:
        of_day = Q(cost_micros__lt=last.cost_micros) | Q(
            cost_micros=last.cost_micros, id__gt=last.id
        )
        rows = rows.filter(Q(day__lt=last.day) | Q(of_day, day=last.day))
    return list(rows[:limit])
