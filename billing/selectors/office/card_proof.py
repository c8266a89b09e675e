"""Holds payments by card against the ledger: each movement has its transfers, and they have it.

The checks are shaped as `findings.py` says. What a payment bought, all that was charged, what went
back of both, and whether that is done, are proved; other facts are the provider's.
"""

from billing.selectors.office.findings import Finding, findings_of

_MOVED = """
    SELECT * FROM billing_transfer
     WHERE kind IN ('top_up', 'pay_back', 'paid_back', 'pay_back_fail', 'chargeback', 'reinstated')
       AND line IS NOT NULL
"""
_TRANSFERS = f"""
SELECT 'card transfer', t.tenant_id, 'transfer', t.id,
       format('a %s of %s for %s, which is no movement of a payment', t.kind, t.amount, t.line)
  FROM ({_MOVED}) t
 WHERE NOT EXISTS (
    SELECT FROM billing_paymentmovement m JOIN billing_payment p ON p.id = m.payment_id
     WHERE m.id::text = t.line AND p.tenant_id = t.tenant_id AND t.seq = ANY (m.seqs)
       AND CASE m.kind
           WHEN 'charge' THEN t.kind = 'top_up' AND t.seq = p.top_up_seq
           WHEN 'refund' THEN t.kind <> 'top_up' AND t.reverses_seq = p.top_up_seq
           WHEN 'withdrawal' THEN t.kind = 'chargeback' AND t.reverses_seq = p.top_up_seq
           WHEN 'reinstatement' THEN t.kind = 'reinstated' AND t.reverses_seq = p.top_up_seq
           END)
"""  # noqa: S608 - built from constants
_MOVEMENTS = f"""
SELECT 'card movement', p.tenant_id, 'movement', m.id,
       format('a %s of %s cents and %s micros is %s; %s of %s transfers moved %s, paid back %s',
              m.kind, m.cents, m.micros, m.state, s.number, cardinality(m.seqs), s.moved, s.back)
  FROM billing_paymentmovement m JOIN billing_payment p ON p.id = m.payment_id
  LEFT JOIN (
    SELECT tenant_id, line, COUNT(*) AS number,
           SUM(CASE kind WHEN 'pay_back' THEN amount WHEN 'pay_back_fail' THEN -amount
               ELSE 0 END) AS aside,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'paid_back'), 0) AS back,
           SUM(amount * CASE WHEN kind IN ('top_up', 'pay_back', 'chargeback') THEN 1
                             WHEN kind = 'paid_back' THEN 0 ELSE -1 END) AS moved
      FROM ({_MOVED}) t GROUP BY tenant_id, line
  ) s ON s.tenant_id = p.tenant_id AND s.line = m.id::text
 WHERE m.state NOT IN ('asked', 'pending', 'done', 'failed')
    OR COALESCE(s.number, 0) <> cardinality(m.seqs)
    OR COALESCE(s.moved, 0) <> CASE WHEN m.state = 'failed' OR m.seqs = '{{}}' THEN 0
                                    WHEN m.kind = 'reinstatement' THEN -m.micros
                                    ELSE m.micros END
    OR (m.kind = 'refund' AND m.state <> 'failed' AND s.aside > 0
        AND s.back <> CASE m.state WHEN 'done' THEN s.aside ELSE 0 END)
    OR (m.kind IN ('refund', 'withdrawal') AND m.state = 'done' AND m.seqs = '{{}}'
        AND p.top_up_seq IS NOT NULL)
    OR (m.kind = 'charge' AND (m.cents, m.micros)
        IS DISTINCT FROM (COALESCE(p.amount_cents, p.asked_cents), p.credited_micros))
    OR (m.seqs <> '{{}}' AND 2 * abs(
            m.micros::numeric * COALESCE(p.amount_cents, p.asked_cents)
            - p.credited_micros::numeric * m.cents) >= p.credited_micros)
"""  # noqa: S608 - built from constants
_PAYMENTS = """
SELECT 'card payment', p.tenant_id, 'payment', p.id,
       format('is %s with the top-up %s; charges: %s', p.state, p.top_up_seq, c.seqs)
  FROM billing_payment p LEFT JOIN (
    SELECT payment_id, string_agg(seqs::text, ' ') AS seqs
      FROM billing_paymentmovement WHERE kind = 'charge' GROUP BY payment_id
  ) c ON c.payment_id = p.id
 WHERE p.state NOT IN ('begun', 'paid', 'failed', 'expired', 'person')
    OR (p.state = 'paid') <> (p.top_up_seq IS NOT NULL)
    OR c.seqs IS DISTINCT FROM '{' || p.top_up_seq || '}'
"""


def card_findings() -> list[Finding]:
    """Return payments and movements that the ledger does not bear out, and the other way round."""
    return findings_of(_TRANSFERS, _MOVEMENTS, _PAYMENTS)
