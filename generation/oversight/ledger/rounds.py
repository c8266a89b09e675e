"""The scheduled proof, range by range: hourly from the checkpoints, daily from the start.

Each range has its own snapshot, so it is exact in a busy ledger and none is long enough to hold
back vacuum. From the start it finds what `proof.audit` finds. From the checkpoints it finds what
was written since, and changes to it. It leaves out usage by hour and the budgets' use, which are
sums over more, and tests that were under way.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from billing.models import LedgerProof
from billing.selectors.office.card_proof import card_findings
from billing.selectors.office.chain import Position
from billing.selectors.office.checkpoints import Checkpoints, kept_checkpoints
from billing.selectors.office.findings import MAX_FINDINGS_PER_CHECK, Finding
from billing.selectors.office.ledger import (
    audit_log_end,
    cost_findings,
    hold_findings,
    standing_findings,
)
from billing.selectors.office.protection import protection_findings
from billing.selectors.office.walk import Step, Walk
from billing.services.office.proofs import alone, keep_checkpoints, record_proof
from generation.oversight.ledger.findings import (
    apart,
    counted_months,
    findings_of_budgets,
    findings_of_costs,
    findings_of_generations,
    findings_of_usage,
    findings_under_way,
    first_day,
)
from generation.oversight.ledger.kept_heads import keep_yesterdays
from generation.oversight.ledger.proof import in_one_snapshot
from generation.oversight.ledger.sold import SoldRound
from pictor.kit.database.spans import Ids, Named, spans_from
from pictor.kit.secrets.seals import from_microseconds, microseconds
from pictor.kit.words import ids

ROWS_AT_ONCE = 5_000
"""Generations or attempts in one range."""


class Round:
    """One proof by ranges, from checkpoints on or of the whole ledger."""

    def __init__(self, kept: Checkpoints, *, now: datetime) -> None:
        self._now = now
        self._kept = kept
        since = kept.generations.seq
        self._first = ids.first_at(from_microseconds(since)) if since else None
        self._walk = Walk(kept.tenants, kept.platform, older_than=self._first)
        self._audit_log = kept.audit_log
        self._sold = SoldRound(kept.sold)
        self._apart: set[UUID] = set()
        """For the whole: generations not made and ended within an hour of their ids' time."""

    def steps(self) -> Iterator[Step]:
        """Yield a check per range; run each in its own snapshot before asking for the next."""
        yield self._standing
        yield from self._walk.steps()
        for generations in self._ranges("generation_generation", self._walk.generations):
            yield partial(self._generations, generations)
        for attempts in self._ranges("generation_attempt", self._walk.attempts):
            yield partial(_costs, attempts)
        if self._first is None:
            for month in counted_months():
                yield partial(findings_of_budgets, month, also=self._apart)
            yield from self._usage()
        yield from self._sold.steps()

    def reached(self) -> Checkpoints:
        """The checkpoints reached, once every step has run without findings."""
        return Checkpoints(
            self._walk.tenants,
            self._walk.platform,
            self._audit_log,
            Position(microseconds(self._now)),
            self._sold.reached(self._now),
        )

    def _standing(self) -> list[Finding]:
        self._audit_log = audit_log_end()
        return [
            *standing_findings(self._kept.audit_log),
            *card_findings(),
            *protection_findings(),
            *findings_under_way(),
        ]

    def _ranges(self, table: str, older: set[UUID]) -> Iterator[Ids]:
        """Ids of older rows that new transfers refer to, then those made since the checkpoint."""
        tenants = sorted(older)
        for start in range(0, len(tenants), ROWS_AT_ONCE):
            yield Named(tenants[start : start + ROWS_AT_ONCE])
        yield from spans_from(self._first, table=table, rows=ROWS_AT_ONCE)

    def _generations(self, generations: Ids) -> list[Finding]:
        if self._first is None:
            self._apart |= apart(generations)
        return [*hold_findings(generations), *findings_of_generations(generations)]

    def _usage(self) -> Iterator[Step]:
        """Yield a check per day; the first and last also cover all that came before and after."""
        day, first = first_day(self._now), None
        while day < self._now - timedelta(days=1):
            day += timedelta(days=1)
            yield partial(findings_of_usage, first, day, also=self._apart)
            first = day
        yield partial(findings_of_usage, first, None, also=self._apart)


def _costs(attempts: Ids) -> list[Finding]:
    return [*cost_findings(attempts), *findings_of_costs(attempts)]


def prove(kind: LedgerProof.Kind, *, now: datetime) -> LedgerProof | None:
    """Prove the ledger, move the checkpoints if it is right, and record the findings.

    If the whole is right, yesterday's heads are kept too. Returns None while another process
    proves. Call it outside any transaction.
    """
    with alone(kind) as is_locked:
        if not is_locked:
            return None
        kept, findings = Checkpoints(), list[Finding]()
        if kind == LedgerProof.Kind.SINCE_CHECKPOINT:
            kept, findings = kept_checkpoints()
        round_ = Round(kept, now=now)
        for prove_range in round_.steps():
            findings = _at_most([*findings, *in_one_snapshot(prove_range)])
        if not findings:
            keep_checkpoints(round_.reached())
        if not findings and kind == LedgerProof.Kind.WHOLE:
            keep_yesterdays(now=now)
        return record_proof(kind, began_at=now, findings=findings)


def _at_most(findings: list[Finding]) -> list[Finding]:
    """The first 100 findings of each check."""
    seen = Counter[str]()
    first = []
    for finding in findings:
        seen[finding.check] += 1
        if seen[finding.check] <= MAX_FINDINGS_PER_CHECK:
            first.append(finding)
    return first
