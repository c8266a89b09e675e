"""The ledger's proof: everything cached is computed again from the transfers, in SQL.

Call all of it inside one REPEATABLE READ transaction of the caller's, so that a busy ledger is
seen at one moment. An honest ledger has no findings. What needs generations is checked by that app.
"""

from itertools import islice

from django.db import connection

from accounts.audit_chain import audit_problems
from billing.selectors.chain import seal_findings
from billing.selectors.checks import CHECKS, MOVES, TOTAL_NAMES, TOTALS, USAGE
from billing.selectors.findings import MAX_FINDINGS_PER_CHECK, Finding, found_by
from billing.selectors.published import price_findings, withdrawal_findings
from pictor.kit import clock, ids
from pictor.kit.money import to_decimal


def ledger_findings() -> list[Finding]:
    """Everything in the ledger that cannot be true, at most 100 rows a check. Empty is proof.

    Takes as long as it takes: lifts the transaction's statement time-out.
    """
    return [
        *(finding for check in CHECKS for finding in found_by(MOVES + check)),
        *seal_findings(),
        *_audit_log_findings(),
        *price_findings(),
        *withdrawal_findings(),
    ]


def _audit_log_findings() -> list[Finding]:
    """What cannot be true of the audit log: events changed, forged or taken out. At most 100."""
    return [
        Finding(
            "audit log",
            None if problem.tenant_id is None else ids.public(ids.TENANT, problem.tenant_id),
            "audit log" if problem.event_id is None else f"audit_event {problem.event_id}",
            problem.message,
        )
        for problem in islice(audit_problems(clock.now()), MAX_FINDINGS_PER_CHECK)
    ]


def usage_findings() -> list[Finding]:
    """Tenants whose usage rows do not add up to their captures."""
    return found_by(USAGE)


def ledger_totals() -> dict[str, int | str]:
    """How many transfers and tenants, and each account's sum as a decimal string in USD."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(MOVES + TOTALS)
        transfers, tenants, *sums = cursor.fetchone()
    named = {name: to_decimal(int(micros)) for name, micros in zip(TOTAL_NAMES, sums, strict=True)}
    return {"transfers": transfers, "tenants": tenants, **named}
