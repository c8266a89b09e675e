"""What a tenant will spend, and what a budget would have stopped: about, from hourly sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, Sum

from billing.models import UsageRollup
from billing.periods import bucket_end, bucket_start
from billing.selectors.office.reports import PACE_DAYS
from pictor.kit.database.cursors import first_row
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json

_DAY = timedelta(days=1)
_STOPPED = """
WITH hours AS (
    SELECT hour, SUM(generations) AS requests, SUM(captured_micros) AS captured,
           SUM(SUM(captured_micros)) OVER (ORDER BY hour) AS running
      FROM billing_usagerollup
     WHERE tenant_id = %(tenant)s AND hour >= %(start)s AND hour < %(end)s
     GROUP BY hour)
SELECT MIN(hour) FILTER (WHERE running > %(budget)s),
       COALESCE(SUM(requests) FILTER (WHERE running - captured > %(budget)s), 0)::bigint,
       COALESCE(SUM(captured) FILTER (WHERE running - captured > %(budget)s), 0)::bigint,
       COALESCE(SUM(requests), 0)::bigint, COALESCE(SUM(captured), 0)::bigint
  FROM hours
"""


@dataclass(frozen=True, slots=True)
class SpendingPace:
    """Charges of each of the last days (24 hours), and of them all by key."""

    days: Sequence[Micros]
    keys: Mapping[UUID, Micros]

    @property
    def a_day(self) -> float:
        return sum(self.days) / PACE_DAYS


def spending_pace(tenant_id: UUID, *, now: datetime) -> SpendingPace:
    """Return the charges in the last PACE_DAYS. One query."""
    end = bucket_end(bucket_start(now, "hour"), "hour")  # usage is kept by the hour
    starts = [end - number * _DAY for number in range(1, PACE_DAYS + 1)]
    sums = {
        f"since_{place}": Sum("captured_micros", filter=Q(hour__gte=start), default=0)
        for place, start in enumerate(starts)
    }
    rows = UsageRollup.objects.filter(tenant_id=tenant_id, hour__gte=starts[-1])
    by_key = {
        key_id: [int(each) for each in since]
        for key_id, *since in rows.values_list("key_id").annotate(**sums).order_by()
    }
    lately = [sum(since[place] for since in by_key.values()) for place in range(len(starts))]
    return SpendingPace(
        days=[Micros(since - later) for since, later in zip(lately, [0, *lately], strict=False)],
        keys={key_id: Micros(since[-1]) for key_id, since in by_key.items()},
    )


@dataclass(frozen=True, slots=True)
class StoppedSpending:
    """What a budget would have stopped in the UTC month of `start`.

    `passed_at` is the hour in which the charges exceeded it, None if they did not. What came after
    that hour counts as stopped.
    """

    start: datetime
    budget: Micros
    passed_at: datetime | None
    stopped_requests: int
    stopped: Micros
    requests: int
    charged: Micros


def stopped_last_month(tenant_id: UUID, budget: Micros, *, now: datetime) -> StoppedSpending:
    """Return what a monthly budget would have stopped in the last UTC month. One query."""
    this_month = bucket_start(now, "month")
    start = bucket_start(this_month - _DAY, "month")
    values: Json = {"tenant": tenant_id, "budget": budget, "start": start, "end": this_month}
    return StoppedSpending(start, budget, *first_row(_STOPPED, values))
