"""The ledger's proof: everything cached is computed again from the transfers.

Transfers are read by ranges (`walk.py`). A caller who calls all of it inside one REPEATABLE READ
transaction sees a busy ledger at one moment; else each range is to be called in a snapshot of its
own. An honest ledger has no findings. What needs generations is checked by that app.
"""

from itertools import islice

from django.db import connection

from accounts.audit_chain import audit_end, audit_problems, audit_seal_at
from billing.selectors.chain import START, Position
from billing.selectors.checks import (
    KEYS,
    OPEN_HOLDS,
    STANDING,
    TOTAL_NAMES,
    TOTALS,
    USAGE,
    cost_check,
    hold_check,
    moves,
)
from billing.selectors.findings import MAX_FINDINGS_PER_CHECK, Finding, found_by
from billing.selectors.published import (
    assignment_findings,
    price_findings,
    withdrawal_findings,
)
from billing.selectors.walk import Walk
from pictor.kit.database.spans import EVERYTHING, Ids
from pictor.kit.words import clock, ids
from pictor.kit.words.money import to_decimal

_ALL_MOVES = moves(transfers="SELECT * FROM billing_transfer")


def ledger_findings() -> list[Finding]:
    """Everything in the ledger that cannot be true, at most 100 rows a check. Empty is proof.

    Takes as long as it takes: lifts the transaction's statement time-out.
    """
    return [
        *standing_findings(),
        *(finding for prove in Walk().steps() for finding in prove()),
        *hold_findings(EVERYTHING),
        *cost_findings(EVERYTHING),
        *found_by(OPEN_HOLDS),
    ]


def standing_findings(audit_log: Position = START) -> list[Finding]:
    """What needs no transfers: balances beside the keys' counters, prices, the audit log.

    Args:
        audit_log: number and seal of its link up to which it is proved.
    """
    return [
        *(finding for check in STANDING for finding in found_by(KEYS + check)),
        *_audit_log_findings(audit_log),
        *price_findings(),
        *withdrawal_findings(),
        *assignment_findings(),
    ]


def audit_log_end() -> Position:
    """Number and seal of the audit log's last link."""
    return Position(*audit_end())


def hold_findings(generations: Ids) -> list[Finding]:
    """Holds of these generations that did not end once, and as a whole."""
    return found_by(hold_check(generations))


def cost_findings(attempts: Ids) -> list[Finding]:
    """Those of these attempts whose cost was booked more than once."""
    return found_by(cost_check(attempts))


def _audit_log_findings(proved: Position) -> list[Finding]:
    """What cannot be true of the audit log: events changed, forged or taken out. At most 100."""
    if proved.seq and audit_seal_at(proved.seq) != proved.seal:
        return [Finding("audit log", None, "audit log", f"link {proved.seq} is not what it was")]
    problems = audit_problems(clock.now(), after=(proved.seq, proved.seal))
    return [
        Finding(
            "audit log",
            None if problem.tenant_id is None else ids.public(ids.TENANT, problem.tenant_id),
            "audit log" if problem.event_id is None else f"audit_event {problem.event_id}",
            problem.message,
        )
        for problem in islice(problems, MAX_FINDINGS_PER_CHECK)
    ]


def usage_findings() -> list[Finding]:
    """Tenants whose usage rows do not add up to their captures."""
    return found_by(USAGE)


def ledger_totals() -> dict[str, int | str]:
    """How many transfers and tenants, and each account's sum as a decimal string in USD."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_ALL_MOVES + TOTALS)
        transfers, tenants, *sums = cursor.fetchone()
    named = {name: to_decimal(int(micros)) for name, micros in zip(TOTAL_NAMES, sums, strict=True)}
    return {"transfers": transfers, "tenants": tenants, **named}
