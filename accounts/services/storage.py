"""How many bytes of images each tenant has, written down every hour, and who has too many.

No audit event: nobody decided it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum

from accounts.models import Tenant

# Only rows that change: to be written is to be looked up once more by every web process.
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
    """The bytes of all tenants, and how many tenants have as many as they may."""

    size_bytes: int
    full: int


def note_stored(sizes: Mapping[UUID, int], *, now: datetime) -> None:
    """Write down how many bytes each tenant has; whoever is not named has none.

    Whoever has as many as one may makes no more images until another count.
    """
    most = settings.STORED_BYTES_PER_TENANT
    with connection.cursor() as cursor:
        cursor.execute(_NOTED, [most, now, list(sizes), list(sizes.values())])


def is_nearly_full(tenant: Tenant) -> bool:
    """Whether a tenth or less is left of what its images may take."""
    return 10 * tenant.stored_bytes >= 9 * settings.STORED_BYTES_PER_TENANT


def stored_together() -> Stored:
    """As they were written down last."""
    found = Tenant.objects.aggregate(size=Sum("stored_bytes"), full=Count("storage_full_at"))
    return Stored(int(found["size"] or 0), found["full"])
