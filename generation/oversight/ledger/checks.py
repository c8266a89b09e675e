"""SQL that compares the ledger with the generations, in the shape of billing's findings.

Each statement reads the given generations or attempts, or one row per tenant and key.
"""

from datetime import date, datetime

from accounts.selectors import API_KEYS
from billing.selectors import FAILURES_BY_HOUR, USAGE_BY_HOUR, failures_of, usage_of
from billing.selectors.office.relations import (
    BALANCES,
    KEY_COUNTERS,
    WITHDRAWN_BOOKS,
    corrections_of,
    costs_of,
    holds_of,
)
from generation.selectors import ended_among
from pictor.kit.database.spans import Ids
from storage.selectors import STORED_IMAGES


def beside_holds(generations: Ids) -> str:
    """SQL to put before each check of `OF_GENERATIONS`.

    It joins each of these generations with the sums of its hold's transfers, and each of their
    holds with its generation, and selects their attempts and images.
    """
    return f"""
WITH api_keys AS {API_KEYS}, key_counters AS {KEY_COUNTERS}, withdrawn AS {WITHDRAWN_BOOKS},
generations AS NOT MATERIALIZED (
    SELECT * FROM generation_generation WHERE {generations.of("id")}
), attempts AS NOT MATERIALIZED (
    SELECT * FROM generation_attempt WHERE {generations.of("generation_id")}
), images AS NOT MATERIALIZED (
    SELECT * FROM {STORED_IMAGES} AS stored WHERE {generations.of("generation_id")}
), stored AS (
    SELECT generation_id, COUNT(*) AS images FROM images GROUP BY generation_id
), moved AS {holds_of(generations)}, holds AS (
    SELECT g.id::text AS id, g.state, g.livemode, g.held_micros, g.captured_micros,
           g.state IN ('queued', 'running') AS is_open,
           m.generation_id::text AS generation_id, COALESCE(g.tenant_id::text, m.tenant) AS tenant,
           m.tenant AS paid_by, COALESCE(m.tenants, 0) AS tenants,
           COALESCE(m.held, 0) AS held, COALESCE(m.captured, 0) AS captured,
           COALESCE(m.released, 0) AS released,
           COALESCE(m.holds, 0) AS holds, COALESCE(m.ends, 0) AS ends
      FROM generations g FULL JOIN moved m ON m.generation_id = g.id
)
"""  # noqa: S608 - built from constants, and ids in our own words


# The checks of holds are one statement, because it reads all transfers.
OF_GENERATIONS = (
    """
    SELECT problem, tenant, 'generation', COALESCE(id, generation_id, 'none'),
           CASE WHEN id IS NULL THEN 'there is no generation' ELSE
               format('%s, says held %s, captured %s', state, held_micros,
                      COALESCE(captured_micros::text, 'nothing')) END
           || format('; transfers held %s, captured %s, released %s', held, captured, released)
      FROM (
        SELECT *, CASE
            WHEN id IS NULL THEN 'hold without generation'
            WHEN NOT livemode THEN CASE WHEN holds + ends > 0 THEN 'money of a test' END
            WHEN holds = 0 AND held_micros > 0 THEN 'generation without hold'
            WHEN holds > 0 AND (tenants <> 1 OR paid_by <> tenant) THEN 'hold of another tenant'
            WHEN held <> held_micros OR holds > 1 THEN 'hold'
            WHEN is_open AND ends > 0 THEN 'open hold'
            WHEN NOT is_open AND (captured IS DISTINCT FROM captured_micros
                                  OR captured + released <> held_micros) THEN 'ended hold'
            END AS problem
          FROM holds
      ) judged
     WHERE problem IS NOT NULL
    """,
    """
    SELECT 'key of another tenant', g.tenant_id, 'generation', g.id,
           format('was ordered with a key of %s', k.tenant_id)
      FROM generations g JOIN api_keys k ON k.id = g.api_key_id
     WHERE k.tenant_id <> g.tenant_id
    """,
    """
    SELECT 'test of a live key', g.tenant_id, 'generation', g.id,
           'is marked as a test, and was ordered with a live key'
      FROM generations g JOIN api_keys k ON k.id = g.api_key_id
     WHERE NOT g.livemode AND NOT k.is_test
    """,
    """
    SELECT 'charge', tenant_id, 'generation', id,
           format('%s, charged %s of %s held', state, captured_micros, held_micros)
      FROM generations
     WHERE captured_micros > held_micros OR captured_micros < 0
        OR (state IN ('failed', 'canceled') AND captured_micros IS DISTINCT FROM 0)
        OR (state IN ('queued', 'running') AND captured_micros IS NOT NULL)
        OR (state = 'succeeded' AND captured_micros IS NULL)
        OR state NOT IN ('queued', 'running', 'succeeded', 'failed', 'canceled')
    """,
    """
    SELECT 'withdrawn prices', g.tenant_id, 'generation', g.id,
           format('was priced by price_book %s, which was withdrawn at %s',
                  w.book_id, w.withdrawn_at)
      FROM generations g
      CROSS JOIN LATERAL jsonb_array_elements_text(
               CASE jsonb_typeof(g.priced -> 'books') WHEN 'array' THEN g.priced -> 'books' END
           ) AS priced_by (book)
      JOIN withdrawn w ON w.book_id::text = priced_by.book
    """,
    """
    SELECT 'images', g.tenant_id, 'generation', g.id,
           format('%s with %s images of %s', g.state, COALESCE(s.images, 0), g.n)
      FROM generations g LEFT JOIN stored s ON s.generation_id = g.id
     WHERE CASE WHEN g.state = 'succeeded'
                THEN COALESCE(s.images, 0) NOT BETWEEN 1 AND g.n
                ELSE s.images > 0 END
    """,
    """
    SELECT 'tenant of an image', g.tenant_id, 'generation', g.id,
           format('has image %s of tenant %s', i.index, i.tenant_id)
      FROM images i LEFT JOIN generations g ON g.id = i.generation_id
     WHERE g.tenant_id IS DISTINCT FROM i.tenant_id
    """,
    """
    SELECT 'budget', k.tenant_id, 'key', g.api_key_id, 'has used money but counts nothing'
      FROM (SELECT DISTINCT api_key_id FROM generations) g
      LEFT JOIN api_keys k ON k.id = g.api_key_id
     WHERE NOT EXISTS (SELECT FROM key_counters c WHERE c.key_id = g.api_key_id)
    """,
    """
    SELECT 'attempt', g.tenant_id, 'generation', g.id,
           format('has %s of the %s attempts of dispatch %s', a.written, a.last, a.dispatch)
      FROM (SELECT generation_id, dispatch, COUNT(*) AS written, MAX(number) AS last
              FROM attempts GROUP BY generation_id, dispatch
            HAVING COUNT(*) <> MAX(number)) a
      JOIN generations g ON g.id = a.generation_id
     WHERE g.livemode
    """,
    """
    SELECT 'attempt', g.tenant_id, 'generation', g.id,
           format('succeeded, and no attempt of its dispatch %s delivered', g.dispatch)
      FROM generations g
     WHERE g.state = 'succeeded' AND g.dispatch > 0 AND NOT EXISTS (
           SELECT FROM attempts a
            WHERE (a.generation_id, a.dispatch) = (g.id, g.dispatch)
              AND a.attempt_class = 'delivered')
    """,
)

UNDER_WAY = f"""
WITH api_keys AS {API_KEYS}, balances AS {BALANCES}, key_counters AS {KEY_COUNTERS}, under_way AS (
    SELECT tenant_id, SUM(held_micros) FILTER (WHERE livemode) AS held, COUNT(*) AS generations
      FROM generation_generation WHERE state IN ('queued', 'running') GROUP BY tenant_id
), under_way_by_key AS (
    SELECT api_key_id, COUNT(*) AS generations
      FROM generation_generation WHERE state IN ('queued', 'running') GROUP BY api_key_id
)
"""  # noqa: S608 - built from constants
"""SQL to put before each check of `STANDING`: the cached counters and the open generations."""
STANDING = (
    """
    SELECT 'held balance', COALESCE(b.tenant_id, u.tenant_id), 'tenant', NULL,
           format('the balance holds %s, its generations under way %s',
                  COALESCE(b.held, 0), COALESCE(u.held, 0))
      FROM balances b FULL JOIN under_way u ON u.tenant_id = b.tenant_id
     WHERE COALESCE(b.held, 0) <> COALESCE(u.held, 0)
    """,
    """
    SELECT 'tenant in flight', COALESCE(b.tenant_id, u.tenant_id), 'tenant', NULL,
           format('counts %s in flight; %s are under way',
                  COALESCE(b.in_flight, 0), COALESCE(u.generations, 0))
      FROM balances b FULL JOIN under_way u ON u.tenant_id = b.tenant_id
     WHERE COALESCE(b.in_flight, 0) <> COALESCE(u.generations, 0)
    """,
    """
    SELECT 'key in flight', k.tenant_id, 'key', COALESCE(b.key_id, u.api_key_id),
           format('counts %s in flight; %s are under way',
                  COALESCE(b.in_flight, 0), COALESCE(u.generations, 0))
      FROM key_counters b FULL JOIN under_way_by_key u ON u.api_key_id = b.key_id
      LEFT JOIN api_keys k ON k.id = COALESCE(b.key_id, u.api_key_id)
     WHERE COALESCE(b.in_flight, 0) <> COALESCE(u.generations, 0)
    """,
)


def beside_costs(attempts: Ids) -> str:
    """SQL to put before each check of `OF_COSTS`: these attempts and the costs booked for them."""
    return f"""
WITH costs AS {costs_of(attempts)}, corrections AS {corrections_of(attempts)},
spent AS NOT MATERIALIZED (
    SELECT * FROM generation_attempt WHERE {attempts.of("id")}
)
"""  # noqa: S608 - built from constants, and ids in our own words


OF_COSTS = (
    """
    SELECT 'money of a test', g.tenant_id, 'generation', g.id,
           format('a test costs nothing; %s was booked as %s', c.amount, c.kind)
      FROM costs c JOIN generation_generation g ON g.id = c.generation_id
     WHERE NOT g.livemode
    """,
    """
    SELECT 'cost of an attempt', NULL, 'attempt', COALESCE(a.id, c.attempt_id),
           format('says %s as %s; %s was booked as %s',
                  COALESCE(a.cost_micros::text, 'nothing'), a.attempt_class,
                  COALESCE(c.amount::text, 'nothing'), c.kind)
      FROM (SELECT * FROM spent WHERE cost_micros <> 0) a
      FULL JOIN costs c ON c.attempt_id = a.id
     WHERE (a.cost_micros, a.generation_id) IS DISTINCT FROM (c.amount, c.generation_id)
        OR (a.attempt_class = 'delivered') <> (c.kind = 'upstream_cost')
    """,
    """
    SELECT 'correction of a cost', NULL, 'transfer', c.transfer_id,
           format('corrects attempt %s of generation %s by %s; it cost %s as %s for %s',
                  c.attempt_id, c.generation_id, c.change, a.cost_micros, a.attempt_class,
                  a.generation_id)
      FROM corrections c LEFT JOIN spent a ON a.id = c.attempt_id
      LEFT JOIN generation_generation g ON g.id = a.generation_id
     WHERE (g.livemode AND c.generations = 1 AND c.generation_id = a.generation_id
            AND a.cost_micros + c.change >= 0
            AND c.as_cost = (a.attempt_class = 'delivered')
            AND c.as_loss = (a.attempt_class <> 'delivered')) IS NOT TRUE
    """,
)


def usage_check(generations: Ids, first: datetime | None, end: datetime | None) -> str:
    """SQL that checks usage by hour from `first` to before `end`; None is no limit.

    Args:
        generations: at least all that ended in these hours.
        first: a full hour.
        end: a full hour.
    """
    return f"""
WITH rolled AS (SELECT * FROM {USAGE_BY_HOUR} AS r WHERE {_between("hour", first, end)}),
in_time AS (
    SELECT * FROM {ended_among(generations)} AS e WHERE {_between("ended_at", first, end)}
), ended AS {usage_of("in_time")}
SELECT 'usage by hour', COALESCE(r.tenant_id, e.tenant_id), 'tenant', NULL,
       format('usage of %s by key %s, %s at %s: says %s generations, %s images, %s charged,'
              ' times %s; its generations say %s, %s, %s, %s',
              COALESCE(r.model, e.model), COALESCE(r.key_id, e.key_id),
              COALESCE(r.status, e.status), COALESCE(r.hour, e.hour),
              COALESCE(r.generations, 0), COALESCE(r.images, 0), COALESCE(r.captured, 0),
              COALESCE(r.latency, '{{}}'),
              COALESCE(e.generations, 0), COALESCE(e.images, 0), COALESCE(e.captured, 0),
              COALESCE(e.latency, '{{}}'))
  FROM rolled r FULL JOIN ended e
       ON (r.tenant_id, r.key_id, r.model, r.tier, r.channel, r.status, r.hour)
        = (e.tenant_id, e.key_id, e.model, e.tier, e.channel, e.status, e.hour)
 WHERE (r.generations, r.images, r.captured, r.latency)
       IS DISTINCT FROM (e.generations, e.images, e.captured, e.latency)
"""  # noqa: S608 - built from constants, and ids and times in our own words


def failures_check(generations: Ids, first: datetime | None, end: datetime | None) -> str:
    """SQL that checks failures by hour, with the arguments of `usage_check`."""
    return f"""
WITH counted AS (
    SELECT * FROM {FAILURES_BY_HOUR} WHERE {_between("hour", first, end)}
), in_time AS (
    SELECT * FROM {ended_among(generations)} AS e WHERE {_between("ended_at", first, end)}
), ended AS {failures_of("in_time")}
SELECT 'failures by hour', tenant_id, 'tenant', NULL,
       format('failures of %s by key %s with %s at %s: says %s, its generations say %s',
              model, key_id, code, hour, COALESCE(c.generations, 0), COALESCE(e.generations, 0))
  FROM counted c FULL JOIN ended e USING (tenant_id, key_id, model, tier, code, hour)
 WHERE c.generations IS DISTINCT FROM e.generations
"""  # noqa: S608 - built from constants, and ids and times in our own words


def _between(column: str, first: datetime | None, end: datetime | None) -> str:
    limits = [f"{column} >= '{first.isoformat()}'"] if first is not None else []
    if end is not None:
        limits.append(f"{column} < '{end.isoformat()}'")
    return " AND ".join(limits) or "TRUE"


def budget_check(generations: Ids, month: date) -> str:
    """SQL that checks the use counted by keys that count this month.

    Args:
        generations: at least all that were made in it.
        month: its first day.
    """
    return f"""
WITH api_keys AS {API_KEYS}, key_counters AS (
    SELECT * FROM {KEY_COUNTERS} AS k WHERE month = '{month.isoformat()}'
), used AS (
    SELECT g.api_key_id AS key_id,
           SUM(COALESCE(g.captured_micros, g.held_micros)) FILTER
               (WHERE (g.created_at AT TIME ZONE 'UTC')::date = c.day) AS day_used_micros,
           SUM(COALESCE(g.captured_micros, g.held_micros)) AS month_used_micros
      FROM generation_generation g JOIN key_counters c ON c.key_id = g.api_key_id
     WHERE date_trunc('month', g.created_at AT TIME ZONE 'UTC')::date = c.month AND g.livemode
       AND {generations.of("g.id")}
     GROUP BY g.api_key_id
)
SELECT 'budget', k.tenant_id, 'key', c.key_id,
       format('counts %s used on %s and %s in %s; its generations used %s and %s',
              c.day_used_micros, c.day, c.month_used_micros, to_char(c.month, 'YYYY-MM'),
              COALESCE(u.day_used_micros, 0), COALESCE(u.month_used_micros, 0))
  FROM key_counters c LEFT JOIN used u ON u.key_id = c.key_id
  LEFT JOIN api_keys k ON k.id = c.key_id
 WHERE (c.day_used_micros, c.month_used_micros)
       <> (COALESCE(u.day_used_micros, 0), COALESCE(u.month_used_micros, 0))
"""  # noqa: S608 - built from constants, and ids and a date in our own words


TOTALS = """
SELECT COUNT(*), COUNT(*) FILTER (WHERE state IN ('queued', 'running')),
       COUNT(*) FILTER (WHERE state = 'succeeded'), COUNT(*) FILTER (WHERE state = 'failed'),
       COUNT(*) FILTER (WHERE state = 'canceled'), COUNT(*) FILTER (WHERE source = 'demo')
  FROM generation_generation
"""
TOTAL_NAMES = ("generations", "in_flight", "succeeded", "failed", "canceled", "demo")
