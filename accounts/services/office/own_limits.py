"""A workspace's own limits: budgets and models for all its keys, and lower limits."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Unpack

from accounts.models import Tenant
from accounts.services.audit import By
from accounts.services.office.api_keys import check_models
from accounts.services.office.tenants import change_columns
from pictor.kit.words.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimits:
    """Columns of a tenant. None is no limit; of two limits the lower one counts.

    Budgets are micros a UTC day and month, hard stops over all keys together.
    """

    budget_day_micros: Micros | None = None
    budget_month_micros: Micros | None = None
    own_requests_per_minute: int | None = None
    own_images_per_minute: int | None = None
    own_max_in_flight: int | None = None
    own_models: Sequence[str] | None = None
    """A model must be allowed by both the key and its workspace."""


def set_own_limits(*, tenant: Tenant, limits: OwnLimits, **by: Unpack[By]) -> None:
    """Set all of the tenant's own limits, from the next request on.

    Raises ValidationError for a limit of 0, a budget below 0 and an unknown model.
    """
    check_models(limits.own_models, column="own_models")
    columns = asdict(limits)
    change_columns(tenant=tenant, action="tenant.own_limits", columns=columns, **by)
