"""The ledger's proof: computes again from the transfers everything that is cached.

Transfers are read by ranges (`walk.py`). Call all of it inside one REPEATABLE READ transaction to
see a busy ledger at one moment; otherwise give each range a snapshot of its own. An intact ledger
has no findings. Checks that need generations are in that app.
"""

from itertools import islice

from accounts.audit_chain import audit_end, audit_problems, audit_seal_at
from billing.selectors.office.chain import START, Position
from billing.selectors.office.checks import (
    OPEN_HOLDS,
    STANDING,
    TOTAL_NAMES,
    TOTALS,
    USAGE,
    WITH_API_KEYS,
    cost_check,
    hold_check,
    moves,
)
from billing.selectors.office.findings import MAX_FINDINGS_PER_CHECK, Finding, findings_of
from billing.selectors.office.published import (
    assignment_findings,
    price_findings,
    withdrawal_findings,
)
from billing.selectors.office.walk import Walk
from pictor.kit.database.cursors import first_row, run
from pictor.kit.database.spans import EVERYTHING, Ids
from pictor.kit.words import clock, ids
from pictor.kit.words.money import to_decimal

_ALL_MOVES = moves(transfers="SELECT * FROM billing_transfer")


def ledger_findings() -> list[Finding]:
    """Return everything in the ledger that cannot be true, at most 100 rows a check.

    Empty is proof. Lifts the transaction's statement time-out.
    """
    return [
        *standing_findings(),
        *(finding for prove in Walk().steps() for finding in prove()),
        *hold_findings(EVERYTHING),
        *cost_findings(EVERYTHING),
        *findings_of(OPEN_HOLDS),
    ]


def standing_findings(audit_log: Position = START) -> list[Finding]:
    """Run the checks that need no transfers: balances and keys' counters, prices, the audit log.

    Args:
        audit_log: number and seal of the last link that is already proved.
    """
    return [
        *findings_of(*STANDING, begin=WITH_API_KEYS),
        *_audit_log_findings(audit_log),
        *price_findings(),
        *withdrawal_findings(),
        *assignment_findings(),
    ]


def audit_log_end() -> Position:
    """Return number and seal of the audit log's last link."""
    return Position(*audit_end())


def hold_findings(generations: Ids) -> list[Finding]:
    """Return holds that were placed twice, or ended early, twice or only in part."""
    return findings_of(hold_check(generations))


def cost_findings(attempts: Ids) -> list[Finding]:
    """Return the attempts among these whose cost was booked more than once."""
    return findings_of(cost_check(attempts))


def _audit_log_findings(proved: Position) -> list[Finding]:
    """Return changed, forged or missing events of the audit log. At most 100."""
    if proved.seq and audit_seal_at(proved.seq) != proved.seal:
        return [Finding("audit log", None, "audit log", f"link {proved.seq} has changed")]
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
    """Return tenants whose usage rows do not add up to their captures."""
    return findings_of(USAGE)


def ledger_totals() -> dict[str, int | str]:
    """Return the number of transfers and tenants, and each account's sum as decimal USD."""
    run("SET LOCAL statement_timeout = 0")  # it reads every transfer
    transfers, tenants, *sums = first_row(_ALL_MOVES + TOTALS)
    named = {name: to_decimal(int(micros)) for name, micros in zip(TOTAL_NAMES, sums, strict=True)}
    return {"transfers": transfers, "tenants": tenants, **named}
