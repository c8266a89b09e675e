"""The proof that runs by itself, by ranges: hourly from the checkpoints and daily from nothing.

Each range is read in a snapshot of its own: it is exact in a busy ledger, and none is so long that
it holds the database's clean-up back. From nothing it finds what `proof.audit` finds. From the
checkpoints it finds what was written or changed of that which came since, but for usage by the hour
and what keys used of their budgets, which are sums over more, and tests that were under way.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from billing.models import LedgerProof
from billing.selectors import (
    MAX_FINDINGS_PER_CHECK,
    Checkpoints,
    Finding,
    Position,
    Step,
    Walk,
    audit_log_end,
    cost_findings,
    hold_findings,
    kept_checkpoints,
    protection_findings,
    standing_findings,
)
from billing.services import alone, keep_checkpoints, record_proof
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
from generation.oversight.ledger.proof import in_one_moment
from generation.oversight.ledger.sold import SoldRound
from pictor.kit.database.spans import Ids, Named, spans_from
from pictor.kit.secrets.seals import from_microseconds, microseconds
from pictor.kit.words import ids

AT_ONCE = 5_000
"""Generations or attempts of a range."""


class Round:
    """One proof by ranges, after checkpoints or of the whole."""

    def __init__(self, kept: Checkpoints, *, now: datetime) -> None:
        self._now = now
        self._kept = kept
        since = kept.generations.seq
        self._first = ids.first_at(from_microseconds(since)) if since else None
        self._walk = Walk(kept.tenants, kept.platform, older_than=self._first)
        self._audit_log = kept.audit_log
        self._sold = SoldRound(kept.sold)
        self._apart: set[UUID] = set()
        """Of the whole: generations not made and ended within an hour of their ids' time."""

    def steps(self) -> Iterator[Step]:
        """Every range: to be called in a snapshot of its own before the next is asked for."""
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
        """How far this came, once every step was taken and none found anything."""
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
            *protection_findings(),
            *findings_under_way(),
        ]

    def _ranges(self, table: str, older: set[UUID]) -> Iterator[Ids]:
        """What was made since, and what is older and was met."""
        met = sorted(older)
        for start in range(0, len(met), AT_ONCE):
            yield Named(met[start : start + AT_ONCE])
        yield from spans_from(self._first, table=table, rows=AT_ONCE)

    def _generations(self, generations: Ids) -> list[Finding]:
        if self._first is None:
            self._apart |= apart(generations)
        return [*hold_findings(generations), *findings_of_generations(generations)]

    def _usage(self) -> Iterator[Step]:
        """Day by day; what came before the first and after the last is with these."""
        day, first = first_day(self._now), None
        while day < self._now - timedelta(days=1):
            day += timedelta(days=1)
            yield partial(findings_of_usage, first, day, also=self._apart)
            first = day
        yield partial(findings_of_usage, first, None, also=self._apart)


def _costs(attempts: Ids) -> list[Finding]:
    return [*cost_findings(attempts), *findings_of_costs(attempts)]


def prove(kind: LedgerProof.Kind, *, now: datetime) -> LedgerProof | None:
    """Prove the ledger, keep how far it is proved, and write down what was found.

    Where the whole is right, yesterday's heads are kept as well.

    None where another process is at it. Call it outside any transaction.
    """
    with alone(kind) as ours:
        if not ours:
            return None
        kept, found = Checkpoints(), list[Finding]()
        if kind == LedgerProof.Kind.SINCE_CHECKPOINT:
            kept, found = kept_checkpoints()
        round_ = Round(kept, now=now)
        for prove_range in round_.steps():
            found = _at_most([*found, *in_one_moment(prove_range)])
        if not found:
            keep_checkpoints(round_.reached())
        if not found and kind == LedgerProof.Kind.WHOLE:
            keep_yesterdays(now=now)
        return record_proof(kind, began_at=now, findings=found)


def _at_most(findings: list[Finding]) -> list[Finding]:
    """The first hundred of each check."""
    seen = Counter[str]()
    first = []
    for finding in findings:
        seen[finding.check] += 1
        if seen[finding.check] <= MAX_FINDINGS_PER_CHECK:
            first.append(finding)
    return first
