"""Billing's named relations: SQL that another app's statement may join, as a CTE or in its FROM.

    f"WITH balances AS {BALANCES} SELECT … FROM balances …"

What has a row for each transfer is read for some ids. Nothing else of billing's tables is known
outside this app. Amounts are micros.
"""

from billing.models import Account
from pictor.kit.database.spans import Ids

_PAYABLE = Account.Platform.UPSTREAM_PAYABLE.value
_COSTS = Account.Platform.UPSTREAM_COST.value
_LOSSES = Account.Platform.LOSSES.value

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
     WHERE attempt_id IS NOT NULL AND kind IN ('upstream_cost', 'loss')
       AND {attempts.of("attempt_id")}
)"""  # noqa: S608 - ids in our own words


def corrections_of(attempts: Ids) -> str:
    """SQL: by corrected attempt, what all corrections come to, and the accounts and generations."""
    return f"""(
    SELECT corrects_id AS attempt_id,
           SUM(CASE WHEN debit_id = {_PAYABLE} THEN amount ELSE -amount END)::bigint AS change,
           bool_or({_LOSSES} IN (debit_id, credit_id)) AS as_loss,
           bool_or({_COSTS} IN (debit_id, credit_id)) AS as_cost,
           MIN(generation_id::text)::uuid AS generation_id,
           COUNT(DISTINCT generation_id) AS generations, MIN(id) AS transfer_id
      FROM billing_transfer
     WHERE corrects_id IS NOT NULL AND {attempts.of("corrects_id")}
     GROUP BY corrects_id
)"""  # noqa: S608 - ids in our own words
