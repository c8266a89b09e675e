"""The proof that ledger and generations agree, beyond what billing's own proof can see.

A hold is columns of its generation plus a transfer: both are compared here, and the cached balances
and counters with the generations that are not final. `audit` runs every check, billing's included,
in one REPEATABLE READ snapshot, so it is exact while requests are admitted and settled. Amounts are
micro-USD.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import transaction

from billing.selectors.office.card_proof import card_findings
from billing.selectors.office.findings import Finding
from billing.selectors.office.heads import Heads, head_findings, heads_before
from billing.selectors.office.ledger import ledger_findings, ledger_totals, usage_findings
from billing.selectors.office.protection import protection_findings
from generation.oversight.ledger.checks import TOTAL_NAMES, TOTALS
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.database.cursors import first_row, run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Audit:
    """The findings of a check of the whole ledger, and its totals."""

    findings: tuple[Finding, ...]
    totals: Mapping[str, int | str]

    @property
    def ok(self) -> bool:
        """True if there are no findings."""
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
    return in_one_snapshot(_proof)


def _proof() -> Audit:
    findings = (
        *ledger_findings(),
        *card_findings(),
        *protection_findings(),
        *usage_findings(),
        *generation_findings(),
    )
    totals = dict(zip(TOTAL_NAMES, first_row(TOTALS), strict=True))
    return Audit(findings, {**ledger_totals(), **totals})


def proof_with_head(kept: Heads) -> Audit:
    """Run `audit`, and check that nothing before a kept head was rewritten."""
    proof = audit()
    return Audit((*proof.findings, *in_one_snapshot(partial(head_findings, kept))), proof.totals)


def heads_at(until: datetime) -> Heads:
    """The heads of the ledger at a time that is some minutes past."""
    return in_one_snapshot(partial(heads_before, until))


def in_one_snapshot(read: Callable[[], T]) -> T:
    """Read in one read-only snapshot without a statement timeout."""
    with transaction.atomic(durable=True):
        run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        run("SET LOCAL statement_timeout = 0")
        return read()
