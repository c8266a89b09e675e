"""A generation's state, steps and attempts in words for its customer, without channel names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.models import Transfer
from console.amounts import amount
from generation.channels.errors import AttemptClass
from generation.models import Attempt, Generation, State

BADGES = {
    State.QUEUED: ("idle", "Queued"),
    State.RUNNING: ("info", "Running"),
    State.SUCCEEDED: ("ok", "Delivered"),
    State.FAILED: ("bad", "Failed"),
    State.CANCELED: ("idle", "Canceled"),
}
ERRORS = {
    "moderation_blocked": "Refused by the safety system",
    "invalid_value": "Not accepted by the model",
    "invalid_image": "Reference image refused",
    "upstream_error": "No usable answer",
    "no_channel_available": "No channel available",
    "generation_timeout": "Out of time",
    "service_unavailable": "Trouble on our side",
}
"""The codes with which generations fail."""
_ATTEMPTS = {
    "": "under way",
    AttemptClass.DELIVERED: "delivered",
    AttemptClass.NOT_REACHED: "could not be reached",
    AttemptClass.REFUSED: "turned the call away",
    AttemptClass.REJECTED: "did not accept the request",
    AttemptClass.MODERATED: "refused by its content policy",
    AttemptClass.UNKNOWN: "gave no clear answer, so it is not called again",
    AttemptClass.BAD_RESULT: "answered without a usable image",
    AttemptClass.STORAGE_FAILED: "delivered, and the images could not be stored",
}
_MOVES = {
    Transfer.Kind.HOLD: "Held",
    Transfer.Kind.CAPTURE: "Charged",
    Transfer.Kind.RELEASE: "Released",
    Transfer.Kind.REFUND: "Refunded",
    Transfer.Kind.CREDIT: "Credited",
}


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One step of a generation; `after` is the time since it was accepted.

    `entry` is the number of the ledger entry, if money moved.
    """

    at: datetime
    words: str
    after: timedelta
    entry: int | None = None

    @property
    def milliseconds(self) -> int:
        """Milliseconds since the generation was accepted."""
        return max(0, self.after // timedelta(milliseconds=1))

    @property
    def clock(self) -> str:
        """The time since then: '12 ms', '4.12 s'."""
        seconds = self.milliseconds / 1000
        return f"{seconds:.2f} s" if seconds >= 1 else f"{self.milliseconds} ms"


def steps_of(
    generation: Generation, attempts: Sequence[Attempt], transfers: Sequence[Transfer]
) -> list[TimelineStep]:
    """The steps in order of time; of those at one moment, the cause comes first.

    A transfer has the database's time. A hold is written with its generation, and is charged or
    released with the generation's end, so these have the generation's times here.
    """
    begun, ended = generation.created_at, generation.finished_at
    times = {Transfer.Kind.HOLD: begun, Transfer.Kind.CAPTURE: ended, Transfer.Kind.RELEASE: ended}
    moves = [
        (times.get(move.kind) or move.created_at, f"{words} {amount(move.amount)}", move.seq)  # type: ignore[call-overload]  # a word of these
        for move in transfers
        if (words := _MOVES.get(move.kind))  # type: ignore[call-overload]  # a word of these
    ]
    holds = [move for move in moves if move[0] == begun]
    steps: list[tuple[datetime, str, int | None]] = [(begun, "Accepted", None), *holds]
    steps += [(at, words, None) for at, words in _steps_of(attempts)]
    if ended is not None:
        steps.append((ended, BADGES[State(generation.state)][1], None))
    steps += [move for move in moves if move not in holds]
    steps.sort(key=lambda step: step[0])
    return [TimelineStep(at, words, at - begun, entry) for at, words, entry in steps]


def _steps_of(attempts: Sequence[Attempt]) -> Iterator[tuple[datetime, str]]:
    for number, attempt in enumerate(attempts, start=1):
        yield attempt.started_at, f"Attempt {number} started"
        if attempt.finished_at is not None:
            words = _ATTEMPTS.get(attempt.attempt_class, "ended")
            status = f", HTTP {attempt.http_status}" if attempt.http_status else ""
            yield attempt.finished_at, f"Attempt {number}: {words}{status}"


def tier(name: str) -> str:
    """A size tier for people: 'base' becomes Base, 2K and 4K stay."""
    return name[:1].upper() + name[1:]


def pixels(size: str) -> str:
    """'1024x768' with a multiplication sign."""
    return size.replace("x", "\N{MULTIPLICATION SIGN}")
