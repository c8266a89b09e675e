"""Usage by the hour: counted when a generation ends, in a row of its tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from billing.latency import bucket_of
from billing.locks import one_recount
from billing.selectors import failures_of, usage_of
from pictor.kit.database import prepared
from pictor.kit.database.cursors import first_row, run
from pictor.kit.database.prepared import SqlPart
from pictor.kit.words.money import Micros

_KEY = "tenant_id, key_id, model, tier, channel, status, hour"
_SUMMED = """
(SELECT COALESCE(jsonb_object_agg(bucket, times) FILTER (WHERE times <> 0), '{{}}')
   FROM (SELECT bucket, SUM(count) AS times
           FROM (SELECT * FROM pictor_counts_v1({one}) UNION ALL
                 SELECT bucket, {sign} * count FROM pictor_counts_v1({other})) AS counted
          GROUP BY bucket) AS summed)
"""
_ADDED = """
generations = u.generations + {more}.generations, images = u.images + {more}.images,
captured_micros = u.captured_micros + {more}.captured_micros, latency = {latency}
"""
_ADDED_TO_ROW, _ADDED_TO_NEW_ROW = (
    _ADDED.format(
        more=more, latency=_SUMMED.format(one="u.latency", sign="+1", other=f"{more}.latency")
    )
    for more in ("l", "EXCLUDED")
)
_RECORD = f"""
INSERT INTO billing_usagerollup AS u ({_KEY}, generations, images, captured_micros, latency)
SELECT {_KEY}, sum(times), sum(images), sum(captured),
       coalesce(jsonb_object_agg(bucket, times) FILTER (WHERE bucket IS NOT NULL), '{{}}')
  FROM (SELECT {_KEY}, bucket, count(*) AS times, sum(images) AS images, sum(captured) AS captured
          FROM jsonb_to_recordset(%s::jsonb) AS r (
               id uuid, tenant_id uuid, key_id uuid, model text, tier text, channel text,
               status text, hour timestamptz, images integer, captured bigint, bucket text)
         WHERE id = ANY(ARRAY(SELECT id FROM {{from_part}})) GROUP BY {_KEY}, bucket) AS counted
 GROUP BY {_KEY} ORDER BY tenant_id
ON CONFLICT ({_KEY}) DO UPDATE SET {_ADDED_TO_NEW_ROW} RETURNING 1
"""  # noqa: S608 - built from constants
# The query sees rows and generations at one moment, and a settlement changes both in one commit, so
# a row's shortfall stays the same until it is added, even if settlements count in it meanwhile.
_RECOUNT = f"""
WITH said AS (
    SELECT {_KEY}, generations, images, captured_micros, latency,
           times IS DISTINCT FROM pictor_times_v1(latency) AS is_torn
      FROM billing_usagerollup WHERE hour >= %s AND hour < %s
), fact AS (
    SELECT {_KEY}, generations, images, captured AS captured_micros, latency
      FROM {{usage}} AS usage
), lacking AS (
    SELECT {_KEY}, s.hour IS NOT NULL AS is_there,
           COALESCE(t.generations, 0) - COALESCE(s.generations, 0) AS generations,
           COALESCE(t.images, 0) - COALESCE(s.images, 0) AS images,
           COALESCE(t.captured_micros, 0) - COALESCE(s.captured_micros, 0) AS captured_micros,
           {_SUMMED.format(one="t.latency", sign="-1", other="s.latency")} AS latency
      FROM fact AS t FULL JOIN said AS s USING ({_KEY})
     WHERE s.is_torn OR (t.generations, t.images, t.captured_micros, t.latency)
                        IS DISTINCT FROM (s.generations, s.images, s.captured_micros, s.latency)
), changed AS (
    UPDATE billing_usagerollup AS u SET {_ADDED_TO_ROW}
      FROM lacking AS l
     WHERE l.is_there AND (u.tenant_id, u.key_id, u.model, u.tier, u.channel, u.status, u.hour)
           = (l.tenant_id, l.key_id, l.model, l.tier, l.channel, l.status, l.hour)
), made AS (
    INSERT INTO billing_usagerollup AS u
           ({_KEY}, generations, images, captured_micros, latency)
    SELECT {_KEY}, generations, images, captured_micros, latency FROM lacking WHERE NOT is_there
    ON CONFLICT ({_KEY}) DO UPDATE SET {_ADDED_TO_NEW_ROW}
)
SELECT COUNT(*) FROM lacking
"""  # noqa: S608 - built from constants
_OF_FAILURES = "tenant_id, key_id, model, tier, code, hour"
_RECOUNT_FAILURES = f"""
WITH said AS (
    SELECT {_OF_FAILURES}, generations FROM billing_failurerollup WHERE hour >= %s AND hour < %s
), fact AS {{failures}}, changed AS (
    INSERT INTO billing_failurerollup AS f ({_OF_FAILURES}, generations)
    SELECT {_OF_FAILURES}, COALESCE(t.generations, 0) - COALESCE(s.generations, 0)
      FROM fact AS t FULL JOIN said AS s USING ({_OF_FAILURES})
     WHERE t.generations IS DISTINCT FROM s.generations
    ON CONFLICT ({_OF_FAILURES})
    DO UPDATE SET generations = f.generations + EXCLUDED.generations RETURNING 1
)
SELECT COUNT(*) FROM changed
"""  # noqa: S608 - built from constants
_ANY = UUID(int=0)
_EMPTY = "DELETE FROM {} WHERE hour >= %s AND hour < %s AND generations = 0"


@dataclass(frozen=True, slots=True)
class Usage:
    """A final generation, to count in its hour; `took` is None if it has no images."""

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
    """Count a generation. Call it after `end_hold`, to keep the order of locks."""
    ended = SqlPart("SELECT %s::uuid AS id", [_ANY])
    counted = record_usages_part({_ANY: usage}, from_part="ended")
    prepared.fetch_one(*prepared.joined_part(ended=ended, answer=counted))


def record_usages_part(usages: Mapping[UUID, Usage], *, from_part: str) -> SqlPart:
    """The part that counts the generations whose `id` is in `from_part`, each in its hour."""
    rows = [
        {
            "id": generation_id,
            "tenant_id": usage.tenant_id,
            "key_id": usage.key_id,
            "model": usage.model,
            "tier": usage.tier,
            "channel": usage.channel,
            "status": usage.status,
            "hour": usage.at.replace(minute=0, second=0, microsecond=0),
            "images": usage.images,
            "captured": int(usage.captured),
            "bucket": None if usage.took is None else str(bucket_of(usage.took)),
        }
        for generation_id, usage in usages.items()
    ]
    return SqlPart(_RECORD.replace("{from_part}", from_part), [prepared.rows_json(rows)])


@transaction.atomic
def recount_usage(ended: SqlPart, *, start: datetime, end: datetime) -> int:
    """Correct the rows of usage and failures of these hours; return the number of wrong ones.

    Settlements go on meanwhile; concurrent recounts take turns. `start` and `end` are full hours,
    `ended` is the relation described in `usage_of`, with exactly the generations that ended from
    `start` to before `end`.
    """
    one_recount()
    wrong = 0
    run("SET LOCAL statement_timeout = 0")  # it reads all generations of these hours
    # Not `format`: a statement has other braces in it.
    # In the order in which a failing request locks them.
    for table, recount in (
        ("billing_failurerollup", _RECOUNT_FAILURES.replace("{failures}", failures_of(ended.text))),
        ("billing_usagerollup", _RECOUNT.replace("{usage}", usage_of(ended.text))),
    ):
        wrong += int(first_row(recount, [start, end, *ended.values])[0])
        run(_EMPTY.format(table), [start, end])
    return wrong
