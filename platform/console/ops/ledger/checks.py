"""The checks of the ledger: how the last ones ended, whether one is under way or asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import QueryDict

from billing.models import LedgerProof
from billing.selectors import proofs, under_way
from console.parts.periods import number_of

Kind = LedgerProof.Kind
CHECKS = {
    Kind.SINCE_CHECKPOINT: ("What came since the last check", "every hour"),
    Kind.WHOLE: ("The whole ledger", "every day"),
}
"""What each proves, and how often it is made by itself."""
TASKS = {
    Kind.SINCE_CHECKPOINT: "generation.tasks.check_ledger_now",
    Kind.WHOLE: "generation.tasks.check_whole_ledger_now",
}
BEGINS_WITHIN = timedelta(minutes=1)
"""A check that was asked for; after that no worker heard of it."""
FOLLOWED = timedelta(minutes=15)
"""A page that asked for one looks for its end so long."""


@dataclass(frozen=True, slots=True)
class Check:
    """A kind of check: its last one that came to its end, and whether one is under way."""

    kind: LedgerProof.Kind
    last: LedgerProof | None
    is_running: bool
    asked_at: datetime | None
    """When the page's reader asked for one that has not begun."""
    now: datetime

    @property
    def title(self) -> str:
        """What it proves."""
        return CHECKS[self.kind][0]

    @property
    def pace(self) -> str:
        """How often it is made by itself."""
        return CHECKS[self.kind][1]

    @property
    def is_unheard(self) -> bool:
        """Whether it should have begun by now."""
        return self.asked_at is not None and self.now - self.asked_at > BEGINS_WITHIN

    @property
    def is_awaited(self) -> bool:
        """Whether the page should look again soon."""
        return self.is_running or self.asked_at is not None

    @property
    def took(self) -> float:
        """Seconds that the last one took."""
        return (self.last.ended_at - self.last.began_at).total_seconds() if self.last else 0.0

    @property
    def unnamed(self) -> int:
        """Findings beside those that are named."""
        return self.last.found - len(self.last.findings) if self.last else 0


def checks_of(query: QueryDict, now: datetime) -> list[Check]:
    """Each kind; `asked` and `at`, a second since 1970, say what the reader just asked for."""
    last = {one.kind: one for one in proofs()}
    running = under_way()
    asked, at = query.get("asked", ""), number_of(query.get("at", "")) or 0
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
