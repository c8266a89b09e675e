"""The ledger held against the generations: what billing's own proof cannot see.

A hold is columns of its generation plus a transfer; here both are compared, and the cached balances
and counters with the generations that are not final. `audit` sees everything, billing's checks
included, in one REPEATABLE READ snapshot, so that it is exact while requests are admitted and
settled. Amounts are micro-USD.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection, transaction

from billing.selectors import Finding, found_by, ledger_findings, ledger_totals, usage_findings
from generation.audit_checks import CHECKS, RELATIONS, TOTAL_NAMES, TOTALS


@dataclass(frozen=True, slots=True)
class Audit:
    """What a check of the whole ledger found, and its totals."""

    findings: tuple[Finding, ...]
    totals: Mapping[str, int | str]

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """{"ok", "findings": [...], "totals": {...}}."""
        return {
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
            "totals": dict(self.totals),
        }


def audit() -> Audit:
    """Prove the whole ledger at one moment. Writes nothing; call it outside any transaction."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        findings = (*ledger_findings(), *usage_findings(), *generation_findings())
        return Audit(findings, {**ledger_totals(), **_totals()})


def generation_findings() -> list[Finding]:
    """Where ledger and generations disagree, at most 100 a statement. Empty is proof."""
    return [finding for check in CHECKS for finding in found_by(RELATIONS + check)]


def _totals() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(TOTALS)
        return dict(zip(TOTAL_NAMES, cursor.fetchone(), strict=True))
