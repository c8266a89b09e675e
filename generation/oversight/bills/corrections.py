"""Corrections of calls' costs by a vendor's bill: lines of CSV, each booked once. Amounts: micros.

    line,attempt,change_usd
    acme-openai 2026-11-25 gpt-image-2,,-0.310000
    acme-openai req_7f3a,01976c3e-…,0.012000
    acme-openai req_9b21,req_9b21…,0.004000

`line` is a name unique among all bills. `attempt` is the call's id in `generation show`, or the
upstream's; empty for a line about many calls. `change_usd` is the difference, below 0 if the call
cost less.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Actor
from billing.services import CorrectedAttempt, correct_cost
from generation.channels.errors import AttemptClass
from generation.models import Attempt
from generation.selectors import attempt_named
from pictor.kit.endpoints.body import is_storable
from pictor.kit.words.csv_cells import table_of
from pictor.kit.words.money import Micros, from_decimal

COLUMNS = ("line", "attempt", "change_usd")
MAX_CHARACTERS = 200
"""The longest name of a line."""


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """A line of a bill: its change of the cost, and its attempt if it is about one."""

    name: str
    attempt: str
    """Empty for a line about many calls."""
    change: Micros


@dataclass(frozen=True, slots=True)
class Corrected:
    """The number and sum of the lines booked now, and the number booked before."""

    booked: int
    change: Micros
    before: int


def read(text: str) -> list[CorrectionLine]:
    """The lines of a CSV. Raises ValueError with the number of the first invalid one."""
    columns, rows = table_of(text)
    if tuple(columns) != COLUMNS:
        raise ValueError(f"the columns are not {','.join(COLUMNS)}")
    return list(_lines(rows))


@transaction.atomic
def correct(lines: Sequence[CorrectionLine], *, reason: str, actor: Actor) -> Corrected:
    """Book each line that was not booked before: all of them, or none.

    Raises ValidationError for an attempt that does not exist, has not ended or was a test, for a
    line booked before with other facts, and for a change that would make a cost negative.
    """
    booked, change = 0, 0
    for line in lines:
        of = _attempt(line.name, line.attempt) if line.attempt else None
        if correct_cost(line=line.name, change=line.change, reason=reason, actor=actor, of=of):
            booked, change = booked + 1, change + line.change
    return Corrected(booked, Micros(change), len(lines) - booked)


def _lines(rows: Sequence[dict[str, str]]) -> Iterator[CorrectionLine]:
    seen = set[str]()
    for number, row in enumerate(rows, start=2):
        try:
            line = _line(row)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if line.name in seen:
            raise ValueError(f"line {number}: {line.name!r} appears twice")
        seen.add(line.name)
        yield line


def _line(row: dict[str, str]) -> CorrectionLine:
    if not all(is_storable(cell) for cell in row.values()):
        raise ValueError("it has a NUL or a lone surrogate")
    if not 0 < len(row["line"]) <= MAX_CHARACTERS:
        raise ValueError(f"a line's name has from 1 to {MAX_CHARACTERS} characters")
    change = from_decimal(row["change_usd"])
    if change == 0:
        raise ValueError("it changes nothing")
    return CorrectionLine(row["line"], row["attempt"], change)


def _attempt(line: str, text: str) -> CorrectedAttempt:
    ended = Attempt.objects.filter(finished_at__isnull=False, generation__livemode=True)
    attempts = list(ended.filter(attempt_named(text)).order_by("id")[:2])
    if not attempts:
        raise ValidationError(
            f"the line {line!r} names an attempt that does not exist, has not ended or was a test"
        )
    attempt, *others = attempts
    if others:
        raise ValidationError(f"the line {line!r}: the upstream gave {text!r} to several attempts")
    as_loss = attempt.attempt_class != AttemptClass.DELIVERED
    return CorrectedAttempt(attempt.id, attempt.generation_id, as_loss)
