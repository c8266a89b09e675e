"""The news of a rule now: new, still open or ended conditions. Reads and writes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from generation.models import AlertRule, AlertSent, Condition
from generation.oversight.conditions import is_quiet

Occasion = AlertSent.Occasion
EARLY = timedelta(seconds=30)
"""Conditions are looked at once a minute, not to the second."""


class ConditionOpening(NamedTuple):
    """A condition from its beginning to its end; one that returns is another opening."""

    kind: str
    object: str
    since: datetime


def opening_of(condition: Condition) -> ConditionOpening:
    """The condition's present opening."""
    return ConditionOpening(condition.kind, condition.object, condition.since)


def told_of(row: AlertSent) -> ConditionOpening:
    """The opening that an alert is about."""
    return ConditionOpening(row.kind, row.object, row.opened_at)


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
    past: Mapping[ConditionOpening, AlertSent],
    now: datetime,
) -> list[AlertSent]:
    """Unsaved rows: new conditions, then repeated ones, then ended ones.

    `past` has the last alert about each opening, with the numbers of all.
    """
    items = [item for condition in opened for item in _of(rule, condition, past, now)]
    still_open = {opening_of(condition) for condition in opened}
    over = [
        _news(Occasion.RESOLVED, 0, known.condition_id, opening, known)
        for opening, known in past.items()
        if opening not in still_open
    ]
    places = Occasion.values
    items.sort(key=lambda item: (places.index(item.occasion), -(item.micros or 0), told_of(item)))
    return [*items, *sorted(over, key=told_of)]


def _of(
    rule: AlertRule,
    condition: Condition,
    past: Mapping[ConditionOpening, AlertSent],
    now: datetime,
) -> Iterator[AlertSent]:
    is_due = is_wanted(rule, condition) and is_of_age(rule, condition, now)
    if not is_due or is_quiet(condition, now):
        return
    opening = opening_of(condition)
    known = past.get(opening)
    if known is None or known.is_hushed:
        number = known.fired if known else 0
        yield _news(Occasion.FIRED, number, condition.id, opening, condition)
    elif _is_to_repeat(rule, condition, known, now):
        yield _news(Occasion.REPEATED, known.repeated, condition.id, opening, condition)


def _is_to_repeat(rule: AlertRule, condition: Condition, known: AlertSent, now: datetime) -> bool:
    if not rule.repeat_hours or condition.assigned_to:
        return False
    return now - known.sending.at >= timedelta(hours=rule.repeat_hours) - EARLY


def _news(
    occasion: AlertSent.Occasion,
    number: int,
    condition_id: int,
    opening: ConditionOpening,
    said: Condition | AlertSent,
) -> AlertSent:
    return AlertSent(
        occasion=occasion,
        number=number,
        condition_id=condition_id,
        kind=opening.kind,
        object=opening.object,
        opened_at=opening.since,
        words=said.words,
        micros=said.micros,
    )
