"""The next step after a failed attempt: the table of attempt classes as a function. Pure.

A call is repeated only if it surely did not reach the upstream, was refused there, or was rejected
by a channel that rejects every tenant's requests; a bad result once, if the channel's retries are
free. A call with an unknown fate is never repeated, because it may have been paid for.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from generation.channels.errors import AttemptClass

NOT_REACHED_BUDGET = 2
"""Unreached calls of a generation that may be repeated on the same channel; other channels are
tried in any case."""


class Next(StrEnum):
    """The next step after a failed attempt."""

    SAME_CHANNEL = "same_channel"
    NEXT_CHANNEL = "next_channel"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class History:
    """The parts of the shared budgets spent so far."""

    not_reached: int = 0
    bad_results: int = 0

    def after(self, attempt_class: AttemptClass) -> "History":
        """The history with one more attempt of that class."""
        match attempt_class:
            case AttemptClass.NOT_REACHED:
                return replace(self, not_reached=self.not_reached + 1)
            case AttemptClass.BAD_RESULT:
                return replace(self, bad_results=self.bad_results + 1)
            case _:
                return self


def decide(
    attempt_class: AttemptClass,
    *,
    history: History,
    has_next: bool,
    retry_is_free: bool,
    is_doubted: bool = False,
) -> Next:
    """The next step after an attempt; `history` includes it.

    `is_doubted`: the channel rejects everything, so the rejection may be about the channel.
    """
    match attempt_class:
        case AttemptClass.NOT_REACHED if history.not_reached <= NOT_REACHED_BUDGET:
            return Next.NEXT_CHANNEL if has_next else Next.SAME_CHANNEL
        case AttemptClass.NOT_REACHED | AttemptClass.REFUSED if has_next:
            return Next.NEXT_CHANNEL
        case AttemptClass.REJECTED if is_doubted and has_next:
            return Next.NEXT_CHANNEL
        case AttemptClass.BAD_RESULT if retry_is_free and history.bad_results == 1:
            return Next.SAME_CHANNEL
        case _:
            return Next.GIVE_UP
