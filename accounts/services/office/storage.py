"""Bytes of images per tenant, recorded every hour, and the tenants that have too many.

No audit event is written, because no person decided it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Sum

from accounts.models import Tenant
from pictor.kit.database.cursors import run

# Update only rows that change: every web process reads a changed row again.
_NOTED = """
UPDATE accounts_tenant AS t
   SET stored_bytes = new.bytes, storage_full_at = new.full_at
  FROM (SELECT o.id, COALESCE(s.bytes, 0) AS bytes,
               CASE WHEN s.bytes >= %s THEN COALESCE(o.storage_full_at, %s) END AS full_at
          FROM accounts_tenant AS o
          LEFT JOIN unnest(%s::uuid[], %s::bigint[]) AS s (id, bytes) ON s.id = o.id) AS new
 WHERE new.id = t.id
   AND (t.stored_bytes, t.storage_full_at) IS DISTINCT FROM (new.bytes, new.full_at)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of all tenants together, and the number of tenants at their limit."""

    size_bytes: int
    full: int


def note_stored(sizes: Mapping[UUID, int], *, now: datetime) -> None:
    """Record how many bytes each tenant has; a tenant not in `sizes` has none.

    A tenant at its limit makes no more images until a later count.
    """
    most = settings.STORED_BYTES_PER_TENANT
    run(_NOTED, [most, now, list(sizes), list(sizes.values())])


def is_nearly_full(tenant: Tenant) -> bool:
    """True if a tenth or less of the tenant's image storage is left."""
    return 10 * tenant.stored_bytes >= 9 * settings.STORED_BYTES_PER_TENANT


def stored_together() -> Stored:
    """The totals as last recorded."""
    totals = Tenant.objects.aggregate(size=Sum("stored_bytes"), full=Count("storage_full_at"))
    return Stored(int(totals["size"] or 0), totals["full"])
