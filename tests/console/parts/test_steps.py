"""The steps of a generation: in order of time, and the cause before its effect."""

from datetime import UTC, datetime, timedelta

from billing.models import Transfer
from console.parts.generation_words import steps_of
from generation.channels.errors import AttemptClass
from generation.models import Attempt, Generation, State

BEGUN = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def move(kind: Transfer.Kind, seconds: float) -> Transfer:
    return Transfer(kind=kind, amount=40_000, created_at=at(seconds), seq=1)


def attempt(begun: float, ended: float | None, how: str = "") -> Attempt:
    return Attempt(
        started_at=at(begun),
        finished_at=None if ended is None else at(ended),
        attempt_class=how,
        http_status=503 if how else None,
    )


def generation(state: State, ended: float | None) -> Generation:
    return Generation(
        state=state, created_at=BEGUN, finished_at=None if ended is None else at(ended)
    )


def said(*given: object) -> list[str]:
    return [f"{step.clock}: {step.words}" for step in steps_of(*given)]  # type: ignore[arg-type]


def test_a_release_follows_the_end_of_the_attempt_though_the_databases_clock_is_behind():
    moves = [move(Transfer.Kind.HOLD, -0.2), move(Transfer.Kind.RELEASE, 1.9)]

    steps = said(generation(State.FAILED, 2), [attempt(0.1, 2, AttemptClass.REFUSED)], moves)

    assert steps == [
        "0 ms: Accepted",
        "0 ms: Held $0.04",
        "100 ms: Attempt 1 started",
        "2.00 s: Attempt 1: turned the call away, HTTP 503",
        "2.00 s: Failed",
        "2.00 s: Released $0.04",
    ]


def test_a_hold_comes_before_the_first_attempt_though_the_databases_clock_is_ahead():
    moves = [move(Transfer.Kind.HOLD, 0.5)]

    steps = said(generation(State.RUNNING, None), [attempt(0.1, None)], moves)

    assert steps == ["0 ms: Accepted", "0 ms: Held $0.04", "100 ms: Attempt 1 started"]


def test_what_comes_after_the_end_keeps_its_own_time():
    moves = [
        *(move(Transfer.Kind.HOLD, 0), move(Transfer.Kind.RELEASE, 2)),
        move(Transfer.Kind.CREDIT, 60),
    ]

    steps = said(generation(State.FAILED, 2), [attempt(0.1, 30, AttemptClass.UNKNOWN)], moves)

    assert steps[2:] == [
        "100 ms: Attempt 1 started",
        "2.00 s: Failed",
        "2.00 s: Released $0.04",
        "30.00 s: Attempt 1: gave no clear answer, so it is not called again, HTTP 503",
        "60.00 s: Credited $0.04",
    ]
