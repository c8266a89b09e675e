"""All tenants' requests by the hour, by sort: live, test or demo."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db.models import Sum

from accounts.models import ApiKey
from accounts.selectors.office.api_keys import key_made_at, keys_by_id
from billing.latency import counts_of, quantile
from billing.models import UsageRollup
from pictor.kit.words import ids

Sort = Literal["live", "test", "demo"]

_BACKDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """Requests of one sort that ended in an hour.

    Attributes:
        requests: all of them, canceled ones too.
        succeeded: those that succeeded.
        failed: those that failed.
        times: counts of times from request to image, packed in one number (billing.latency).
    """

    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    times: int = 0

    @property
    def per_minute(self) -> float:
        return self.requests / 60

    @property
    def success(self) -> float | None:
        """The percentage of success among those that succeeded or failed; None if none did."""
        ended = self.succeeded + self.failed
        return 100 * self.succeeded / ended if ended else None

    @property
    def p95(self) -> float | None:
        """The 95th percentile of seconds to the image; None without an image."""
        return quantile(counts_of(self.times), 0.95)


def hours_of(sort: Sort, hours: Collection[datetime]) -> Mapping[datetime, Hour]:
    """Return the figures of each of these whole hours, by its beginning."""
    rows = list(
        UsageRollup.objects.filter(hour__in=hours)
        .values("hour", "key_id", "status")
        .annotate(requests=Sum("generations"), counts=Sum("times"))
    )
    sorts = sorts_of({row["key_id"] for row in rows})
    by_hour = dict.fromkeys(hours, Hour())
    for row in rows:
        if sorts.get(row["key_id"]) == sort:
            had, number = by_hour[row["hour"]], int(row["requests"])
            by_hour[row["hour"]] = Hour(
                requests=had.requests + number,
                succeeded=had.succeeded + number * (row["status"] == "succeeded"),
                failed=had.failed + number * (row["status"] == "failed"),
                times=had.times + int(row["counts"] or 0),
            )
    return by_hour


def is_of_demo(owner_id: UUID, made_at: datetime | None) -> bool:
    """True if a key or tenant has demo data: only those are dated earlier than their ids."""
    return made_at is not None and made_at < ids.made_at(owner_id) - _BACKDATED


def sold_since(start: datetime, *, tenants: Collection[UUID] | None = None) -> frozenset[str]:
    """Return the models with a charge to one of these tenants in the hour of `start` or later.

    `tenants` None means any tenant. Charges of demo data do not count.
    """
    hour = start.replace(minute=0, second=0, microsecond=0)  # usage is kept by the hour
    sold = UsageRollup.objects.filter(hour__gte=hour, captured_micros__gt=0)
    if tenants is not None:
        sold = sold.filter(tenant_id__in=tenants)
    by_key = sold.values_list("model", "key_id").annotate(made_at=key_made_at("key_id")).distinct()
    return frozenset(model for model, key, made_at in by_key if not is_of_demo(key, made_at))


def sorts_of(keys: Collection[UUID]) -> Mapping[UUID, Sort]:
    """Return the sort of each of these keys; unknown keys are left out."""
    return {key.id: _sort_of(key) for key in keys_by_id(keys)}


def _sort_of(key: ApiKey) -> Sort:
    if is_of_demo(key.id, key.created_at):
        return "demo"
    return "test" if key.is_test else "live"
