"""The statements of the ledger's proof, each shaped as `findings.py` says.

Checks of transfers read only those that a statement is given: a stretch of tenants' transfers after
the proved ones, a range of the platform's, or the holds or costs for a span of ids. The other
checks read a row for each tenant and key.
"""

from accounts.selectors import API_KEYS, AUDIT_EVENTS
from pictor.kit.database.spans import Ids

TRANSFERS_AFTER = """
    SELECT t.* FROM positions p CROSS JOIN LATERAL (
        SELECT * FROM billing_transfer
         WHERE tenant_id = p.tenant_id
           AND seq > CASE p.seq WHEN 0 THEN -9223372036854775808 ELSE p.seq END
           AND seq <= COALESCE(p.until, 9223372036854775807)
         ORDER BY seq) t
"""
"""SQL: each position's tenant's transfers after it; from the start, with any number.

The order keeps PostgreSQL from anything but the index of a tenant's numbers.
"""
NO_POSITIONS = f"SELECT NULL::uuid{', NULL::bigint' * 5} LIMIT 0"
_OF_A_CARD = "('pay_back', 'paid_back', 'pay_back_fail', 'chargeback', 'reinstated')"
"""SQL: the kinds that name a top-up by card, and a movement of its money."""


def moves(*, transfers: str, positions: str = NO_POSITIONS) -> str:
    """Return SQL that begins each check of `OF_STRETCHES` and `OF_TRANSFERS`.

    It gives each transfer's effect on its tenant's two accounts and on what that owes, and the
    kinds of both its accounts. The platform's accounts are known by id; another tenant's account
    counts as unknown.

    Args:
        transfers: SQL, rows of the table; it may read `positions`.
        positions: SQL, by tenant the proved number, the one to end at (NULL: read to the end and
            compare with the balance), and available, held and owed at the proved one (micros).
    """
    return f"""
WITH audit_events AS {AUDIT_EVENTS}, platform (id, kind) AS (VALUES
    (1, 'platform_revenue'), (2, 'upstream_cost'), (3, 'upstream_payable'),
    (4, 'losses'), (5, 'top_ups'), (6, 'credits'), (7, 'refunding'), (8, 'owed')
), kinds AS (
    SELECT id, kind, NULL::uuid AS tenant_id FROM platform
    UNION ALL SELECT id, kind, tenant_id FROM billing_account WHERE id >= 1000
), positions (tenant_id, seq, until, available, held, owed) AS ({positions}
), transfers AS NOT MATERIALIZED ({transfers}
), moves AS (
    SELECT t.*, COALESCE(d.kind, 'unknown') AS debit_kind,
           COALESCE(c.kind, 'unknown') AS credit_kind,
           t.amount * ((c.kind IS NOT DISTINCT FROM 'available')::int
                     - (d.kind IS NOT DISTINCT FROM 'available')::int) AS to_available,
           t.amount * ((c.kind IS NOT DISTINCT FROM 'held')::int
                     - (d.kind IS NOT DISTINCT FROM 'held')::int) AS to_held,
           t.amount * ((t.debit_id = 8)::int - (t.credit_id = 8)::int) AS to_owed
      FROM transfers t
      LEFT JOIN kinds d ON d.id = t.debit_id
           AND (d.tenant_id IS NULL OR d.tenant_id = t.tenant_id)
      LEFT JOIN kinds c ON c.id = t.credit_id
           AND (c.tenant_id IS NULL OR c.tenant_id = t.tenant_id)
)
"""  # noqa: S608 - built from constants


OF_TRANSFERS = (
    f"""
    SELECT 'accounts of a transfer', tenant_id, 'transfer', id,
           format('a %s from %s to %s', kind, debit_kind, credit_kind)
      FROM moves
     WHERE (kind, debit_kind, credit_kind) NOT IN (VALUES
            ('top_up', 'top_ups', 'available'), ('credit', 'credits', 'available'),
            ('hold', 'available', 'held'), ('capture', 'held', 'platform_revenue'),
            ('release', 'held', 'available'), ('refund', 'platform_revenue', 'available'),
            ('adjustment', 'credits', 'available'), ('adjustment', 'available', 'credits'),
            ('reversal', 'available', 'top_ups'), ('reversal', 'available', 'credits'),
            ('pay_back', 'available', 'refunding'), ('paid_back', 'refunding', 'top_ups'),
            ('pay_back_fail', 'refunding', 'available'), ('pay_back_fail', 'top_ups', 'available'),
            ('chargeback', 'available', 'top_ups'), ('chargeback', 'owed', 'top_ups'),
            ('reinstated', 'top_ups', 'available'), ('reinstated', 'top_ups', 'owed'),
            ('repayment', 'available', 'owed'),
            ('upstream_cost', 'upstream_payable', 'upstream_cost'),
            ('loss', 'upstream_payable', 'losses'),
            ('correction', 'upstream_payable', 'upstream_cost'),
            ('correction', 'upstream_cost', 'upstream_payable'),
            ('correction', 'upstream_payable', 'losses'),
            ('correction', 'losses', 'upstream_payable'))
        OR (kind IN ('upstream_cost', 'loss', 'correction')) <> (tenant_id IS NULL)
        OR (kind IN ('upstream_cost', 'loss', 'correction')) <> (attempt_id IS NOT NULL)
        OR (kind IN ('hold', 'capture', 'release') AND generation_id IS NULL)
        OR (kind = 'reversal' OR kind IN {_OF_A_CARD}) <> (reverses_seq IS NOT NULL)
        OR (kind <> 'top_up'
            AND (kind = 'correction' OR kind IN {_OF_A_CARD}) <> (line IS NOT NULL))
        OR (kind <> 'correction' AND corrects_id IS NOT NULL)
    """,  # noqa: S608 - our own words
    """
    SELECT 'amount', tenant_id, 'transfer', id, format('moves %s', amount)
      FROM moves WHERE amount <= 0
    """,
    f"""
    SELECT 'unexplained', m.tenant_id, 'transfer', m.id,
           format('a %s of %s that the audit log does not explain', m.kind, m.amount)
      FROM moves m
     WHERE (kind IN ('top_up', 'credit', 'refund', 'adjustment', 'reversal', 'repayment')
            OR kind IN {_OF_A_CARD}) AND NOT EXISTS (
        SELECT FROM audit_events e
         WHERE e.object_type = 'transfer' AND e.object_id = m.id::text
           AND e.action = 'balance.' || m.kind AND e.tenant_id = m.tenant_id
           AND e.after -> 'available_micros' = to_jsonb(m.available_after))
        OR kind = 'correction' AND NOT EXISTS (
        SELECT FROM audit_events e
         WHERE e.object_type = 'transfer' AND e.object_id = m.id::text
           AND e.action = 'cost.correction' AND e.tenant_id IS NULL
           AND e.after -> 'line' = to_jsonb(m.line))
    """,  # noqa: S608 - our own words
    """
    SELECT 'reversal', m.tenant_id, 'transfer', m.id,
           format('takes back %s of transfer %s, a %s of %s of which %s were taken back',
                  m.amount, m.reverses_seq, COALESCE(o.kind, 'nothing'), o.amount, o.taken)
      FROM transfers m LEFT JOIN LATERAL (
        SELECT t.kind, t.amount, t.debit_id, t.seq, t.line, (
            SELECT SUM(r.amount) FROM billing_transfer r
             WHERE r.tenant_id = m.tenant_id AND r.kind = 'reversal'
               AND r.reverses_seq = m.reverses_seq AND r.seq <= m.seq) AS taken
          FROM billing_transfer t
         WHERE t.tenant_id = m.tenant_id AND t.seq = m.reverses_seq LIMIT 1) AS o ON TRUE
     WHERE m.kind = 'reversal' AND (o.kind IN ('top_up', 'credit') AND o.seq < m.seq
           AND o.line IS NULL
           AND o.debit_id = m.credit_id AND o.taken <= o.amount) IS NOT TRUE
    """,
    # Of a payment by card, no more is paid back than is left then, and no more reinstated than was
    # taken; a bank takes what it takes. A pay-back ends as it began, by its line.
    f"""
    SELECT 'card money', m.tenant_id, 'transfer', m.id,
           format('a %s of %s of transfer %s, a %s of %s: %s left, %s taken after it, begun %s',
                  m.kind, m.amount, m.reverses_seq, COALESCE(o.kind, 'nothing'), o.amount,
                  o.amount - n.gone, n.taken, n.begun)
      FROM transfers m LEFT JOIN LATERAL (
        SELECT kind, amount, seq, line FROM billing_transfer t
         WHERE t.tenant_id = m.tenant_id AND t.seq = m.reverses_seq LIMIT 1) AS o ON TRUE
      CROSS JOIN LATERAL (
        SELECT SUM(CASE WHEN r.kind IN ('pay_back', 'chargeback') THEN r.amount
                        WHEN r.kind IN ('pay_back_fail', 'reinstated') THEN -r.amount
                        ELSE 0 END) AS gone,
               SUM(CASE r.kind WHEN 'chargeback' THEN r.amount
                               WHEN 'reinstated' THEN -r.amount ELSE 0 END) AS taken,
               SUM(r.amount) FILTER (WHERE r.kind = 'pay_back' AND r.line = m.line) AS begun,
               COUNT(*) FILTER (WHERE r.kind = m.kind AND r.line = m.line) AS times,
               COALESCE(bool_or(r.kind = 'paid_back' AND r.line = m.line), false) AS is_paid
          FROM billing_transfer r
         WHERE r.tenant_id = m.tenant_id AND r.kind IN {_OF_A_CARD}
           AND r.reverses_seq = m.reverses_seq AND r.seq <= m.seq) AS n
     WHERE m.kind IN {_OF_A_CARD} AND (
           o.kind = 'top_up' AND o.line IS NOT NULL AND o.seq < m.seq AND CASE m.kind
             WHEN 'pay_back' THEN n.gone <= o.amount AND n.times = 1
             WHEN 'paid_back' THEN n.begun = m.amount AND n.times = 1
             WHEN 'pay_back_fail' THEN n.begun = m.amount AND n.times = 1
                  AND m.debit_id = CASE WHEN n.is_paid THEN 5 ELSE 7 END
             WHEN 'reinstated' THEN n.taken >= 0 ELSE true END) IS NOT TRUE
    """,  # noqa: S608 - our own words
    """
    SELECT 'refund', tenant_id, 'transfer', id,
           format('gives back %s of generation %s: charged %s before, given back %s with it',
                  amount, generation_id, charged, refunded)
      FROM (
        SELECT m.*, r.refunded, COALESCE((
            SELECT SUM(c.amount) FROM billing_transfer c
             WHERE c.kind = 'capture' AND c.generation_id = m.generation_id
               AND c.tenant_id = m.tenant_id AND c.seq < m.seq), 0) AS charged
          FROM transfers m LEFT JOIN (
            SELECT id, SUM(amount) OVER (
                   PARTITION BY tenant_id, generation_id ORDER BY seq) AS refunded
              FROM billing_transfer
             WHERE kind = 'refund'
               AND tenant_id IN (SELECT tenant_id FROM transfers WHERE kind = 'refund')
            ) r USING (id)
         WHERE m.kind = 'refund'
      ) given
     WHERE (refunded <= charged) IS NOT TRUE
    """,
    """
    SELECT 'credit', m.tenant_id, 'transfer', m.id,
           format('names generation %s, whose hold is of tenant %s', m.generation_id, h.tenant_id)
      FROM transfers m CROSS JOIN LATERAL (
        SELECT t.tenant_id FROM billing_transfer t
         WHERE t.kind = 'hold' AND t.generation_id = m.generation_id LIMIT 1) AS h
     WHERE m.kind = 'credit' AND h.tenant_id IS DISTINCT FROM m.tenant_id
    """,
)
OF_STRETCHES = (
    """
    , sums AS (
        SELECT tenant_id, SUM(to_available) AS available, SUM(to_held) AS held,
               SUM(to_owed) AS owed, COUNT(*) AS seq
          FROM moves WHERE tenant_id IS NOT NULL GROUP BY tenant_id
    ), proved AS (
        SELECT tenant_id, until, COALESCE(p.available, 0) + COALESCE(s.available, 0) AS available,
               COALESCE(p.held, 0) + COALESCE(s.held, 0) AS held,
               COALESCE(p.owed, 0) + COALESCE(s.owed, 0) AS owed,
               COALESCE(p.seq, 0) + COALESCE(s.seq, 0) AS seq
          FROM positions p FULL JOIN sums s USING (tenant_id)
    )
    SELECT 'balance', p.tenant_id, 'tenant', NULL,
           format('balance says available %s, held %s, owed %s, seq %s;'
                  ' transfers say %s, %s, %s, %s',
                  b.available, b.held, b.owed, b.seq, p.available, p.held, p.owed, p.seq)
      FROM proved p LEFT JOIN billing_tenantbalance b ON b.tenant_id = p.tenant_id
     WHERE p.until IS NULL AND (b.available, b.held, b.owed, b.seq)
           IS DISTINCT FROM (p.available, p.held, p.owed, p.seq)
    """,
    """
    SELECT 'sequence', tenant_id, 'tenant', NULL,
           format('%s transfers, %s numbers, from %s to %s',
                  COUNT(*), COUNT(DISTINCT m.seq), MIN(m.seq), MAX(m.seq))
      FROM moves m LEFT JOIN positions p USING (tenant_id)
     WHERE tenant_id IS NOT NULL GROUP BY tenant_id, p.seq
    HAVING COUNT(*) <> COUNT(DISTINCT m.seq) OR MIN(m.seq) <> COALESCE(p.seq, 0) + 1
        OR MAX(m.seq) <> COALESCE(p.seq, 0) + COUNT(*)
    """,
    """
    SELECT 'running balance', tenant_id, 'transfer', id,
           format('leaves available %s, held %s; should leave %s, %s; then owed is %s',
                  available_after, held_after, was_available + to_available, was_held + to_held,
                  owed)
      FROM (
        SELECT m.*, COALESCE(LAG(available_after) OVER numbered, p.available, 0) AS was_available,
               COALESCE(LAG(held_after) OVER numbered, p.held, 0) AS was_held,
               COALESCE(p.owed, 0) + SUM(to_owed) OVER numbered AS owed
          FROM moves m LEFT JOIN positions p USING (tenant_id) WHERE tenant_id IS NOT NULL
        WINDOW numbered AS (PARTITION BY tenant_id ORDER BY m.seq, id)
      ) chain
     WHERE (available_after, held_after)
           IS DISTINCT FROM (was_available + to_available, was_held + to_held) OR owed < 0
    """,
)

WITH_API_KEYS = f"WITH api_keys AS {API_KEYS}"
"""Begins each check of `STANDING`."""
STANDING = (
    """
    SELECT 'negative balance', tenant_id, 'tenant', NULL,
           format('available %s, held %s, owed %s', available, held, owed)
      FROM billing_tenantbalance WHERE available < 0 OR held < 0 OR owed < 0 OR in_flight < 0
    """,
    """
    SELECT 'accounts of a tenant', b.tenant_id, 'tenant', NULL,
           'its balance does not point at its own two accounts'
      FROM billing_tenantbalance b
      LEFT JOIN billing_account a ON a.id = b.available_account_id
      LEFT JOIN billing_account h ON h.id = b.held_account_id
     WHERE (a.kind, a.tenant_id, h.kind, h.tenant_id)
           IS DISTINCT FROM ('available'::varchar, b.tenant_id, 'held'::varchar, b.tenant_id)
    """,
    """
    , by_key AS (
        SELECT k.tenant_id, SUM(b.in_flight) AS in_flight
          FROM billing_keybudget b JOIN api_keys k ON k.id = b.key_id
         GROUP BY k.tenant_id
    )
    SELECT 'in flight', b.tenant_id, 'tenant', NULL,
           format('counts %s in flight, its keys %s', b.in_flight, COALESCE(k.in_flight, 0))
      FROM billing_tenantbalance b LEFT JOIN by_key k ON k.tenant_id = b.tenant_id
     WHERE b.in_flight <> COALESCE(k.in_flight, 0)
    """,
    """
    SELECT 'budget', b.tenant_id, 'tenant', NULL,
           format('counts %s used on %s and %s in %s; its keys %s on %s and %s in %s',
                  b.day_used_micros, b.day, b.month_used_micros, to_char(b.month, 'YYYY-MM'),
                  k.day_used, k.day, k.month_used, to_char(k.month, 'YYYY-MM'))
      FROM billing_tenantbalance b, LATERAL (
        SELECT MAX(c.day) AS day, MAX(c.month) AS month,
               COALESCE(SUM(c.day_used_micros) FILTER (WHERE c.day = b.day), 0) AS day_used,
               COALESCE(SUM(c.month_used_micros) FILTER (WHERE c.month = b.month), 0) AS month_used
          FROM billing_keybudget c JOIN api_keys a ON a.id = c.key_id
         WHERE a.tenant_id = b.tenant_id
      ) k
     WHERE (b.day, b.month, b.day_used_micros, b.month_used_micros)
           IS DISTINCT FROM (k.day, k.month, k.day_used, k.month_used)
    """,
)
"""Checks of the rows for each tenant and key, which need no transfers."""


def hold_check(generations: Ids) -> str:
    """Return the check that each hold was placed once, and not ended twice or in part."""
    span = generations.of("generation_id")
    return f"""
SELECT 'hold', tenant, 'generation', generation_id,
       format('held %s (%s times), captured %s (%s), released %s (%s)',
              held, holds, captured, captures, released, releases)
  FROM (
    SELECT generation_id,
           COUNT(*) FILTER (WHERE kind = 'hold') AS holds,
           COUNT(*) FILTER (WHERE kind = 'capture') AS captures,
           COUNT(*) FILTER (WHERE kind = 'release') AS releases,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'hold'), 0) AS held,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'release'), 0) AS released,
           MIN(tenant_id::text) AS tenant, COUNT(DISTINCT tenant_id) AS tenants,
           COALESCE(MIN(seq) FILTER (WHERE kind <> 'hold') < MAX(seq) FILTER
               (WHERE kind = 'hold'), false) AS ended_early
      FROM billing_transfer
     WHERE kind IN ('hold', 'capture', 'release') AND {span} GROUP BY generation_id
  ) ends
 WHERE holds <> 1 OR captures > 1 OR releases > 1 OR tenants <> 1
    OR ended_early OR (captures + releases > 0 AND captured + released <> held)
"""  # noqa: S608 - ids in our own words


def cost_check(attempts: Ids) -> str:
    """Return the check that the cost of each of these attempts, or corrections, was booked once."""
    span = attempts.of("attempt_id")
    return f"""
SELECT 'cost booked twice', NULL, 'attempt', attempt_id, format('booked %s times', COUNT(*))
  FROM billing_transfer WHERE attempt_id IS NOT NULL AND {span}
 GROUP BY attempt_id HAVING COUNT(*) > 1
"""  # noqa: S608 - ids in our own words


OPEN_HOLDS = """
WITH open_holds AS (
    SELECT tenant_id, COUNT(*) FILTER (WHERE kind = 'hold')
           - COUNT(DISTINCT generation_id) FILTER (WHERE kind IN ('capture', 'release'))
           AS open
      FROM billing_transfer WHERE tenant_id IS NOT NULL GROUP BY tenant_id
)
SELECT 'in flight', b.tenant_id, 'tenant', NULL,
       format('counts %s in flight, open holds %s', b.in_flight, o.open)
  FROM billing_tenantbalance b JOIN open_holds o ON o.tenant_id = b.tenant_id
 WHERE b.in_flight < o.open
"""
"""Reads every transfer; finds no more than the check of generations against holds does."""

USAGE = """
WITH charged AS (
    SELECT tenant_id, SUM(amount) AS micros FROM billing_transfer
     WHERE kind = 'capture' GROUP BY tenant_id
), used AS (
    SELECT tenant_id, SUM(captured_micros) AS micros FROM billing_usagerollup GROUP BY tenant_id
)
SELECT 'usage', COALESCE(c.tenant_id, u.tenant_id), 'tenant', NULL,
       format('usage says %s was charged, the ledger %s',
              COALESCE(u.micros, 0), COALESCE(c.micros, 0))
  FROM charged c FULL JOIN used u ON u.tenant_id = c.tenant_id
 WHERE COALESCE(c.micros, 0) <> COALESCE(u.micros, 0)
"""
"""Reads every transfer; finds no more than the check of generations against hourly usage does."""

_GROWS_BY = {
    "platform_revenue": ("credit", "debit"),
    "upstream_cost": ("credit", "debit"),
    "losses": ("credit", "debit"),
    "top_ups": ("debit", "credit"),
    "credits": ("debit", "credit"),
    "refunding": ("credit", "debit"),
}
"""By platform account the side that adds to its total, and the other one."""
_PLATFORM_TOTALS = ", ".join(
    f"COALESCE(SUM(amount * (({plus}_kind = '{kind}')::int - ({less}_kind = '{kind}')::int)), 0)"
    for kind, (plus, less) in _GROWS_BY.items()
)
TOTALS = f"""
SELECT COUNT(*), COUNT(DISTINCT tenant_id), COALESCE(SUM(to_available), 0),
       COALESCE(SUM(to_held), 0), {_PLATFORM_TOTALS}, COALESCE(SUM(to_owed), 0)
  FROM moves
"""  # noqa: S608 - built from constants
TOTAL_NAMES = ("available", "held", *_GROWS_BY, "owed")
