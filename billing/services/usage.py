"""Usage by the hour: counted when a generation ends, in a row of its tenant's own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.db import connection, transaction

from billing.latency import bucket_of
from billing.selectors import usage_of
from pictor.kit import prepared
from pictor.kit.money import Micros
from pictor.kit.prepared import Part

_RECORD = """
INSERT INTO billing_usagerollup AS u (tenant_id, key_id, model, tier, channel, status, hour,
                                      generations, images, captured_micros, latency)
SELECT %s, %s, %s, %s, %s, %s, %s, 1, %s, %s, {first} {source}
ON CONFLICT (tenant_id, hour, key_id, model, tier, channel, status) DO UPDATE
   SET generations = u.generations + 1, images = u.images + EXCLUDED.images,
       captured_micros = u.captured_micros + EXCLUDED.captured_micros,
       latency = {further}
RETURNING 1
"""
_ONE_MORE = {
    "first": "jsonb_build_object(%s::text, 1)",
    "further": "u.latency || jsonb_build_object("
    "%s::text, COALESCE((u.latency ->> %s::text)::int, 0) + 1)",
}
"""Of the bucket that is said once, then twice."""
_NONE = {"first": "'{}'::jsonb", "further": "u.latency"}
_REPLACE = """
INSERT INTO billing_usagerollup (tenant_id, key_id, model, tier, channel, status, hour,
                                 generations, images, captured_micros, latency)
SELECT tenant_id, key_id, model, tier, channel, status, hour,
       generations, images, captured, latency FROM
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """One final generation, as its hour counts it; `took` is None where it led to no images."""

    tenant_id: UUID
    key_id: UUID
    model: str
    tier: str
    channel: str
    status: str
    at: datetime
    images: int
    captured: Micros
    took: timedelta | None


def record_usage(usage: Usage) -> None:
    """Count it. Call it after `end_hold`: the locks' order."""
    prepared.fetch_one(*usage_recorded(usage))


def usage_recorded(usage: Usage, *, given: str = "") -> Part:
    """The statement that counts it; as a part of one, if the part `given` has a row."""
    hour = usage.at.replace(minute=0, second=0, microsecond=0)
    whose = (usage.tenant_id, usage.key_id, usage.model, usage.tier, usage.channel, usage.status)
    bucket = () if usage.took is None else (str(bucket_of(usage.took)),) * 3
    amounts = (usage.images, int(usage.captured), *bucket)
    return Part(_recorded(given, is_timed=bool(bucket)), (*whose, hour, *amounts))


@cache
def _recorded(given: str, *, is_timed: bool) -> str:
    source = f"FROM {given}" if given else ""
    return _RECORD.format(source=source, **(_ONE_MORE if is_timed else _NONE))


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
