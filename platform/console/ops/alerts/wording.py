"""A rule, and what it told, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.amounts import amount
from generation.alerts.listing import Detail, Listed, ToldAtOnce
from generation.alerts.results import SendState
from generation.conditions.condition_titles import title_of
from generation.models import AlertRule

STATES: Mapping[SendState, str] = {
    SendState.GIVEN_UP: "Given up",
    SendState.FAILING: "Tried again",
    SendState.ON_ITS_WAY: "On its way",
    SendState.FORGOTTEN: "No longer known",
    SendState.ARRIVED: "Arrived",
}
"""How far something came, the worst first."""
MOST_NAMED = 3
"""Kinds that a sentence names."""


def sentence(rule: AlertRule) -> str:
    """What it tells of: 'Calls fail and Breaker open, $5.00 or more, once 10 minutes old …'."""
    parts = [_kinds(rule.kinds)]
    if rule.least_micros is not None:
        parts.append(f"{amount(rule.least_micros)} or more")
    if rule.least_minutes:
        parts.append(f"once {_number(rule.least_minutes, 'minute')} old")
    if rule.repeat_hours:
        often = "hour" if rule.repeat_hours == 1 else f"{rule.repeat_hours} hours"
        parts.append(f"again every {often}")
    return ", ".join(parts)


def badge_of(shown: Listed | Detail) -> tuple[str, str]:
    """How a rule stands: the colour and the word."""
    if shown.rule.archived_at is not None:
        return ("idle", "Removed")
    if not shown.rule.is_enabled:
        return ("idle", "Off")
    return ("bad", "Not heard") if shown.trouble else ("ok", "On")


@dataclass(frozen=True, slots=True)
class ShownResult:
    """What came of a sending at one destination, for everybody of staff."""

    to: str
    state: tuple[str, str]
    words: str


def results_shown(told: ToldAtOnce) -> list[ShownResult]:
    """By destination."""
    return [ShownResult(one.shown, _state(one.state), one.words) for one in told.results]


def worst_of(one: Listed) -> tuple[str, str]:
    """What came of the last sending at the destination that fares worst: a colour and a word."""
    states = [result.state for result in one.results]
    return _state(next((state for state in STATES if state in states), SendState.FORGOTTEN))


def _state(state: SendState) -> tuple[str, str]:
    return (state.value, STATES[state])


def _kinds(kinds: Sequence[str] | None) -> str:
    if kinds is None:
        return "Every condition"
    titles = [title_of(one) for one in kinds]
    more = len(titles) - MOST_NAMED
    if more > 0:
        return f"{', '.join(titles[:MOST_NAMED])} and {_number(more, 'more kind')}"
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if titles[1:] else titles)


def _number(many: int, thing: str) -> str:
    return f"{many} {thing}{'' if many == 1 else 's'}"
