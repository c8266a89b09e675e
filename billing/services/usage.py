"""Usage by the hour: counted when a generation ends, in a row of its tenant's own."""

import json
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from billing.latency import bucket_of
from billing.selectors import usage_of
from pictor.kit import prepared
from pictor.kit.money import Micros

_RECORD = """
INSERT INTO billing_usagerollup AS u (tenant_id, key_id, model, tier, channel, status, hour,
                                      generations, images, captured_micros, latency)
VALUES (%s, %s, %s, %s, %s, %s, %s, 1, %s, %s, %s::jsonb)
ON CONFLICT (tenant_id, hour, key_id, model, tier, channel, status) DO UPDATE
   SET generations = u.generations + 1, images = u.images + EXCLUDED.images,
       captured_micros = u.captured_micros + EXCLUDED.captured_micros,
       latency = u.latency || (
           SELECT COALESCE(jsonb_object_agg(key, value::int + COALESCE(u.latency->key, '0')::int),
                           '{}')
             FROM jsonb_each(EXCLUDED.latency))
RETURNING 1
"""
_REPLACE = """
INSERT INTO billing_usagerollup (tenant_id, key_id, model, tier, channel, status, hour,
                                 generations, images, captured_micros, latency)
SELECT tenant_id, key_id, model, tier, channel, status, hour,
       generations, images, captured, latency FROM
"""


def record_usage(
    *,
    tenant_id: UUID,
    key_id: UUID,
    model: str,
    tier: str,
    channel: str,
    status: str,
    at: datetime,
    images: int,
    captured: Micros,
    took: timedelta | None,
) -> None:
    """Count one final generation in its hour. Call it after `end_hold`: the locks' order.

    `took` is from the request to its images; None where there are none.
    """
    hour = at.replace(minute=0, second=0, microsecond=0)
    latency = json.dumps({} if took is None else {bucket_of(took): 1})
    whose = (tenant_id, key_id, model, tier, channel, status, hour)
    prepared.fetch_one(_RECORD, [*whose, images, int(captured), latency])


@transaction.atomic
def rebuild_usage(ended: str) -> int:
    """Write every usage row again from what ended; how many rows there are. Safe under load.

    Settlements wait while it runs: each is either in what is read here, or counts itself after.

    Args:
        ended: the relation that `usage_of` describes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("LOCK TABLE billing_usagerollup IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM billing_usagerollup")
        cursor.execute(_REPLACE + usage_of(ended) + " AS usage")
        return int(cursor.rowcount)
