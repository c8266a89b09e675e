"""Recent buyers of models and of their sizes and qualities, to judge what removing one affects."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.selectors.office.tenants import tenants_with
from billing.models import UsageRollup
from billing.price_rows import REFERENCE
from billing.selectors.office.sold import MARGIN_SUMS, Margin
from pictor.kit.database.cursors import all_rows


@dataclass(frozen=True, slots=True)
class Buyer:
    """A tenant's purchases of a model; `tenant_id` is None for bill lines without a tenant.

    Attributes:
        last: the last UTC day with an image; None if there are only losses.
        figures: the sums.
    """

    model: str
    tenant_id: UUID | None
    last: date | None
    figures: Margin


@dataclass(frozen=True, slots=True)
class Users:
    """The number of tenants that bought, and of the images they bought."""

    tenants: int = 0
    images: int = 0


@dataclass(frozen=True, slots=True)
class CellUsers:
    """The buyers of a model's sizes ('WxH' or 'auto') and of its qualities."""

    sizes: Mapping[str, Users]
    qualities: Mapping[str, Users]


def model_buyers(since: date, *, is_demo: bool, model: str = "") -> list[Buyer]:
    """Return each tenant's purchases by model since a UTC day, most images first."""
    rows = all_rows(
        f"""
        SELECT model, tenant_id, MAX(day) FILTER (WHERE images > 0), {MARGIN_SUMS}
          FROM billing_soldday
         WHERE is_demo = %s AND day >= %s AND model <> '' AND (%s = '' OR model = %s)
         GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2
        """,  # noqa: S608 - built from constants
        [is_demo, since, model, model],
    )
    return [
        Buyer(name, tenant, last, Margin(None, {}, *figures))
        for name, tenant, last, *figures in rows
    ]


def cells_bought(model: str, since: date) -> CellUsers:
    """Return the buyers of a model's sizes and qualities since a UTC day, without demo data."""
    rows = all_rows(
        """
        SELECT asked, quality, COUNT(DISTINCT tenant_id), SUM(images)::bigint
          FROM billing_soldday
         WHERE day >= %s AND NOT is_demo AND model = %s AND images > 0 AND asked <> %s
         GROUP BY GROUPING SETS ((asked), (quality))
        """,
        [since, model, REFERENCE],
    )
    return CellUsers(
        # Each row is of one grouping set, a size or a quality; the other column is null.
        sizes={size: Users(*figures) for size, _, *figures in rows if size is not None},
        qualities={word: Users(*figures) for size, word, *figures in rows if size is None},
    )


def tenants_using(models: Collection[str] | None, *, since: datetime) -> list[UUID]:
    """Return the tenants whose generations of these models (None: any) ended since then."""
    # Goes tenant by tenant along the index, so it never reads all of a tenant's rows.
    rows = UsageRollup.objects.filter(tenant_id=OuterRef("id"), hour__gte=since)
    if models is not None:
        rows = rows.filter(model__in=models)
    return tenants_with(Exists(rows))
