"""Words for what waits for a second person."""

from console.amounts import amount

DECISIONS = {"approve": "Approved", "withdraw": "Withdrawn"}
"""Decisions of staff on a change of members, with the words when it is done."""


def waiting_words(micros: int, why: str) -> str:
    """Say that an amount was asked for, and why it waits; `why` was found before it was sent."""
    return f"Asked for {amount(micros)}. {why or 'It waits for a second person'}"
