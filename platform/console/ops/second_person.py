"""Words for what waits for a second person, and what is typed twice."""

from billing.services.office.moves import is_typed_twice
from console.amounts import amount
from console.parts.acts import Confirmation, typed_amount
from pictor.kit.words.money import Micros

DECISIONS = {"approve": "Approved", "withdraw": "Withdrawn"}
"""Decisions of staff on a change of members, with the words when it is done."""


def waiting_words(micros: int, why: str) -> str:
    """Say that an amount was asked for, and why it waits; `why` was found before it was sent."""
    return f"Asked for {amount(micros)}. {why or 'It waits for a second person'}"


def typed_again(micros: Micros) -> Confirmation | None:
    """What confirms a large amount: it is typed a second time."""
    again = typed_amount(
        micros,
        label="The amount again, USD",
        hint="A large amount: type it again.",
        wrong=f"This is not {amount(micros)}: which of them is meant?",
    )
    return again if is_typed_twice(micros) else None
