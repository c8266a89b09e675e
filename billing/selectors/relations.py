"""Billing's named relations: SQL that another app's statement may join, as a CTE or in its FROM.

    f"WITH balances AS {BALANCES} SELECT … FROM balances …"

What has a row for each transfer is read for some ids. Nothing else of billing's tables is known
outside this app. Amounts are micros.
"""

from pictor.kit.spans import Ids

BALANCES = "(SELECT tenant_id, held, in_flight FROM billing_tenantbalance)"
"""SQL: what each tenant's balance row says is on hold and in flight."""

KEY_COUNTERS = """(
    SELECT key_id, in_flight, day, day_used_micros, month, month_used_micros FROM billing_keybudget
)"""
"""SQL: what each key's counters say is in flight, and used of which day and month."""

PRICE_BOOKS = "(SELECT id FROM billing_pricebook)"
"""SQL: every price book, drafts too."""

WITHDRAWN_BOOKS = "(SELECT book_id, withdrawn_at FROM billing_pricebookwithdrawal)"
"""SQL: every price book that was withdrawn before it could begin, and when."""


def holds_of(generations: Ids) -> str:
    """SQL: by generation, what its hold's transfers moved, how many there are, and of whom."""
    return f"""(
    SELECT generation_id,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'hold'), 0) AS held,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'release'), 0) AS released,
           COUNT(*) FILTER (WHERE kind = 'hold') AS holds,
           COUNT(*) FILTER (WHERE kind <> 'hold') AS ends,
           MIN(tenant_id::text) AS tenant, COUNT(DISTINCT tenant_id) AS tenants
      FROM billing_transfer
     WHERE kind IN ('hold', 'capture', 'release') AND {generations.of("generation_id")}
     GROUP BY generation_id
)"""  # noqa: S608 - ids in our own words


def evidence_of(generations: Ids) -> str:
    """SQL: by generation, the evidence its hold was placed and ended with, hexadecimal."""
    return f"""(
    SELECT generation_id,
           MAX(encode(evidence, 'hex')) FILTER (WHERE kind = 'hold') AS placed,
           MAX(encode(evidence, 'hex')) FILTER (WHERE kind <> 'hold') AS ended
      FROM billing_transfer
     WHERE kind IN ('hold', 'capture', 'release') AND evidence IS NOT NULL
       AND {generations.of("generation_id")}
     GROUP BY generation_id
)"""  # noqa: S608 - ids in our own words


def costs_of(attempts: Ids) -> str:
    """SQL: what was booked as the cost of each attempt: an `upstream_cost` or a `loss`."""
    return f"""(
    SELECT generation_id, attempt_id, kind, amount FROM billing_transfer
     WHERE attempt_id IS NOT NULL AND {attempts.of("attempt_id")}
)"""  # noqa: S608 - ids in our own words
