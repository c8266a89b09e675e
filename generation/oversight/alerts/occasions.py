"""The news of a rule now: new, still open or ended conditions. Reads and writes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from generation.models import AlertRule, AlertSent, Condition
from generation.oversight.conditions import is_quiet
from pictor.kit.words.money import Micros

Occasion = AlertSent.Occasion
EARLY = timedelta(seconds=30)
"""Conditions are looked at once a minute, not to the second."""


class ConditionOpening(NamedTuple):
    """A condition from its beginning to its end; one that returns is another opening."""

    kind: str
    object: str
    since: datetime


@dataclass(frozen=True, slots=True)
class PastAlerts:
    """Past alerts about an opening: the last one's time and words, and their number by occasion.

    `is_hushed`: it was silenced or accepted since, so that afterwards it counts as new again.
    """

    condition_id: int
    last_at: datetime
    fired: int
    repeated: int
    is_hushed: bool
    words: str
    micros: Micros | None


@dataclass(frozen=True, slots=True)
class AlertNews:
    """One entry of an alert."""

    occasion: AlertSent.Occasion
    number: int
    condition_id: int
    opening: ConditionOpening
    words: str
    micros: Micros | None


def opening_of(condition: Condition) -> ConditionOpening:
    """The condition's present opening."""
    return ConditionOpening(condition.kind, condition.object, condition.since)


def is_wanted(rule: AlertRule, condition: Condition) -> bool:
    """True if the rule has its kind and amount; without an amount it counts as 0."""
    if rule.kinds is not None and condition.kind not in rule.kinds:
        return False
    return rule.least_micros is None or (condition.micros or 0) >= rule.least_micros


def is_of_age(rule: AlertRule, condition: Condition, now: datetime) -> bool:
    """True if it has been open for long enough."""
    return now - condition.since >= timedelta(minutes=rule.least_minutes)


def news_of(
    rule: AlertRule,
    *,
    opened: Sequence[Condition],
    past: Mapping[ConditionOpening, PastAlerts],
    now: datetime,
) -> list[AlertNews]:
    """New conditions, then repeated ones, then ended ones."""
    items = [item for condition in opened for item in _of(rule, condition, past, now)]
    still_open = {opening_of(condition) for condition in opened}
    over = [
        AlertNews(Occasion.RESOLVED, 0, known.condition_id, opening, known.words, known.micros)
        for opening, known in past.items()
        if opening not in still_open
    ]
    places = list(Occasion)
    items.sort(key=lambda item: (places.index(item.occasion), -(item.micros or 0), item.opening))
    return [*items, *sorted(over, key=lambda item: item.opening)]


def _of(
    rule: AlertRule,
    condition: Condition,
    past: Mapping[ConditionOpening, PastAlerts],
    now: datetime,
) -> Iterator[AlertNews]:
    is_due = is_wanted(rule, condition) and is_of_age(rule, condition, now)
    if not is_due or is_quiet(condition, now):
        return
    opening = opening_of(condition)
    known = past.get(opening)
    if known is None or known.is_hushed:
        number = known.fired if known else 0
        yield _news(Occasion.FIRED, number, condition)
    elif _is_to_repeat(rule, condition, known, now):
        yield _news(Occasion.REPEATED, known.repeated, condition)


def _is_to_repeat(rule: AlertRule, condition: Condition, known: PastAlerts, now: datetime) -> bool:
    if not rule.repeat_hours or condition.assigned_to:
        return False
    return now - known.last_at >= timedelta(hours=rule.repeat_hours) - EARLY


def _news(occasion: AlertSent.Occasion, number: int, condition: Condition) -> AlertNews:
    micros = None if condition.micros is None else Micros(condition.micros)
    opening = opening_of(condition)
    return AlertNews(occasion, number, condition.id, opening, condition.words, micros)
