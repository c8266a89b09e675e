"""Alert rules and their results in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.amounts import amount
from console.parts.sentences import counted
from generation.models import AlertRule
from generation.oversight.alerts.listing import Detail, ListedRule, SentAlert
from generation.oversight.alerts.results import SendState
from generation.oversight.conditions.kinds import title_of

STATES: Mapping[SendState, str] = {
    SendState.GIVEN_UP: "Given up",
    SendState.FAILING: "Tried again",
    SendState.ON_ITS_WAY: "On its way",
    SendState.FORGOTTEN: "No longer known",
    SendState.ARRIVED: "Arrived",
}
"""States of a delivery, the worst first."""
MAX_NAMED = 3
"""Number of kinds that a sentence names."""


def sentence(rule: AlertRule) -> str:
    """Describe a rule: 'Calls fail and Breaker open, $5.00 or more, once 10 minutes old …'."""
    parts = [_kinds(rule.kinds)]
    if rule.least_micros is not None:
        parts.append(f"{amount(rule.least_micros)} or more")
    if rule.least_minutes:
        parts.append(f"once {counted(rule.least_minutes, 'minute')} old")
    if rule.repeat_hours:
        often = "hour" if rule.repeat_hours == 1 else f"{rule.repeat_hours} hours"
        parts.append(f"again every {often}")
    return ", ".join(parts)


def badge_of(shown: ListedRule | Detail) -> tuple[str, str]:
    if shown.rule.archived_at is not None:
        return ("idle", "Removed")
    if not shown.rule.is_enabled:
        return ("idle", "Off")
    return ("bad", "Not heard") if shown.trouble else ("ok", "On")


@dataclass(frozen=True, slots=True)
class ShownResult:
    """The result of an alert at one destination, worded for all staff."""

    to: str
    state: tuple[str, str]
    words: str


def results_shown(alert: SentAlert) -> list[ShownResult]:
    return [
        ShownResult(result.shown, _state(result.state), result.words) for result in alert.results
    ]


def worst_of(rule: ListedRule) -> tuple[str, str]:
    """Return the worst result of the last alert as a colour and a word."""
    states = [result.state for result in rule.results]
    return _state(next((state for state in STATES if state in states), SendState.FORGOTTEN))


def _state(state: SendState) -> tuple[str, str]:
    return (state.value, STATES[state])


def _kinds(kinds: Sequence[str] | None) -> str:
    if kinds is None:
        return "Every condition"
    titles = [title_of(kind) for kind in kinds]
    more = len(titles) - MAX_NAMED
    if more > 0:
        return f"{', '.join(titles[:MAX_NAMED])} and {counted(more, 'more kind')}"
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if titles[1:] else titles)
