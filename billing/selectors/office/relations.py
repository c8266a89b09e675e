"""Billing's named relations: SQL that another app's statement may join, as a CTE or in its FROM.

    f"WITH balances AS {BALANCES} SELECT … FROM balances …"

A relation with a row for each transfer takes the ids to read. Other apps know nothing else of
billing's tables. Amounts are micros.
"""

from billing.models import Account
from pictor.kit.database.spans import Ids

_PAYABLE = Account.Platform.UPSTREAM_PAYABLE.value
_COSTS = Account.Platform.UPSTREAM_COST.value
_LOSSES = Account.Platform.LOSSES.value

BALANCES = "(SELECT tenant_id, held, in_flight FROM billing_tenantbalance)"
"""SQL: each tenant's money on hold and number in flight, by its balance row."""

KEY_COUNTERS = """(
    SELECT key_id, in_flight, day, day_used_micros, month, month_used_micros FROM billing_keybudget
)"""
"""SQL: each key's number in flight, and its use by UTC day and month, by its counters."""

PRICE_BOOKS = "(SELECT id FROM billing_pricebook)"
"""SQL: every price book, drafts too."""

WITHDRAWN_BOOKS = "(SELECT book_id, withdrawn_at FROM billing_pricebookwithdrawal)"
"""SQL: every price book withdrawn before it could begin, with the time of withdrawal."""


def holds_of(generations: Ids) -> str:
    """Return SQL: by generation, the sums and counts of its hold's transfers, and their tenant."""
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
    """Return SQL: by generation, the evidence its hold was placed and ended with, hexadecimal."""
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
    """Return SQL: the booked cost of each attempt, an `upstream_cost` or a `loss`."""
    return f"""(
    SELECT generation_id, attempt_id, kind, amount FROM billing_transfer
     WHERE attempt_id IS NOT NULL AND kind IN ('upstream_cost', 'loss')
       AND {attempts.of("attempt_id")}
)"""  # noqa: S608 - ids in our own words


def corrected_before(attempt: str, transfer: str) -> str:
    """Return SQL: the sum of an attempt's corrections before a transfer; both ids are columns."""
    return f"""(
    SELECT COALESCE(SUM(CASE WHEN debit_id = {_PAYABLE} THEN amount ELSE -amount END), 0)
      FROM billing_transfer WHERE corrects_id = {attempt} AND id < {transfer}
)"""  # noqa: S608 - columns in our own words


def corrections_of(attempts: Ids) -> str:
    """Return SQL: by corrected attempt, the sum of corrections, the accounts and generations."""
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
