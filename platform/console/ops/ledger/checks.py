"""The checks of the ledger: the last results, and checks running or requested."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import QueryDict

from billing.models import LedgerProof
from billing.selectors.office.checkpoints import proofs, under_way
from console.parts.page_query import meant_by, word_of
from console.parts.periods import number_of

Kind = LedgerProof.Kind
CHECKS = {
    Kind.SINCE_CHECKPOINT: ("Since the last check", "every hour"),
    Kind.WHOLE: ("The whole ledger", "every day"),
}
"""The part of the ledger that each kind proves, and its schedule."""
TASKS = {
    Kind.SINCE_CHECKPOINT: "generation.tasks.check_ledger_now",
    Kind.WHOLE: "generation.tasks.check_whole_ledger_now",
}
BEGINS_WITHIN = timedelta(minutes=1)
"""Time for a requested check to begin; after that no worker took the message."""
FOLLOWED = timedelta(minutes=15)
"""Time for which the page follows a requested check."""


@dataclass(frozen=True, slots=True)
class Check:
    """A kind of check: its last finished run, and whether one is running."""

    kind: LedgerProof.Kind
    last: LedgerProof | None
    is_running: bool
    asked_at: datetime | None
    """The time at which the operator requested a check that has not begun."""
    now: datetime

    @property
    def title(self) -> str:
        return CHECKS[self.kind][0]

    @property
    def pace(self) -> str:
        return CHECKS[self.kind][1]

    @property
    def is_unheard(self) -> bool:
        """True if the requested check should have begun by now."""
        return self.asked_at is not None and self.now - self.asked_at > BEGINS_WITHIN

    @property
    def is_awaited(self) -> bool:
        return self.is_running or self.asked_at is not None

    @property
    def took(self) -> float:
        """Duration of the last check in seconds."""
        return (self.last.ended_at - self.last.began_at).total_seconds() if self.last else 0.0

    @property
    def unnamed(self) -> int:
        """Number of findings beyond those listed by name."""
        return self.last.found - len(self.last.findings) if self.last else 0


def checks_of(query: QueryDict, now: datetime) -> list[Check]:
    """Return a check for each kind; `asked` and `at` (Unix time) name the one just requested."""
    last = {proof.kind: proof for proof in proofs()}
    running = under_way()
    asked, at = word_of(query, "asked", [*Kind]), meant_by(query, "at", number_of) or 0
    is_followed = (now - FOLLOWED).timestamp() < at <= now.timestamp()
    moment = datetime.fromtimestamp(at, UTC) if is_followed else None
    return [
        Check(
            kind=kind,
            last=last.get(kind),
            is_running=kind in running,
            asked_at=moment if asked == kind and not _has_begun(last.get(kind), moment) else None,
            now=now,
        )
        for kind in Kind
    ]


def _has_begun(last: LedgerProof | None, moment: datetime | None) -> bool:
    return last is not None and moment is not None and last.began_at >= moment
