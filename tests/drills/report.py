"""Results of drills: a line for each, for people and for docs/drills.md."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = (
    "drill",
    "what was done",
    "requests",
    "not 200",
    "p50 / p95 / max (s)",
    "bought",
    "stored",
    "ledger",
    "seen besides",
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Results of one drill."""

    name: str
    done: str
    requests: int
    failed: Counter[int]
    """Failures by status; 0 is a call without an answer."""
    seconds: tuple[float, float, float]
    """p50, p95 and the longest of the 200s."""
    bought: int
    """Calls that the upstream got."""
    stored: int
    """Images that are stored, each charged once."""
    ledger: str
    besides: str
    """Figures of this drill only."""
    broken: Sequence[str]
    """Bars that were missed."""
    took_seconds: float

    @classmethod
    def without_load(
        cls, name: str, done: str, besides: str, *, broken: Sequence[str], took_seconds: float
    ) -> "Result":
        """A drill in which no request is served."""
        return cls(
            name=name,
            done=done,
            requests=0,
            failed=Counter(),
            seconds=(0.0, 0.0, 0.0),
            bought=0,
            stored=0,
            ledger="",
            besides=besides,
            broken=broken,
            took_seconds=took_seconds,
        )

    def cells(self) -> tuple[str, ...]:
        """Cells in the order of HEADINGS."""
        failed = ", ".join(f"{n}x {_word(status)}" for status, n in sorted(self.failed.items()))
        seconds = " / ".join(f"{value:.2f}" for value in self.seconds)
        return (
            self.name,
            self.done,
            *((str(self.requests), failed or "0", seconds) if self.requests else ("", "", "")),
            *((str(self.bought), str(self.stored)) if self.requests else ("", "")),
            self.ledger,
            self.besides,
        )


def markdown(results: Sequence[Result]) -> str:
    """A table, of which docs/drills.md keeps the essentials."""
    rows = [HEADINGS, tuple("---" for _ in HEADINGS), *(each.cells() for each in results)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _word(status: int) -> str:
    return str(status) if status else "no answer"
