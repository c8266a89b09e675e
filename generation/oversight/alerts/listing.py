"""Reads: the rules, the conditions each matches now, and the alerts each sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from generation.models import AlertRule, AlertSending, Condition
from generation.oversight.alerts.alert_tests import destinations_of, doubts_of, tests_of
from generation.oversight.alerts.occasions import is_wanted
from generation.oversight.alerts.results import DestinationResult, results_of
from generation.oversight.conditions import is_quiet, open_conditions
from generation.oversight.conditions.alerting import receiving_addresses

OVERDUE = "alerts_overdue"
"""The kind of the condition that a rule does not get through."""


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule with its matching conditions and its last alert.

    Attributes:
        matching: open conditions that it reports, or will once they are old enough.
        last: None if no alert or test was ever sent.
        results: of the last.
        trouble: the reason it does not get through, by the last look; empty if it does.
    """

    rule: AlertRule
    matching: Sequence[Condition]
    last: AlertSending | None
    results: Sequence[DestinationResult]
    trouble: str


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert that was sent, with its results."""

    sending: AlertSending
    results: Sequence[DestinationResult]


@dataclass(frozen=True, slots=True)
class Detail:
    """A rule with its matching conditions and the alerts it sent.

    Attributes:
        matching: as in `ListedRule`.
        alerts: newest first.
        hearers: those of its addresses that receive alerts.
        doubts: the reasons it cannot be enabled, in sentences.
        trouble: as in `ListedRule`.
    """

    rule: AlertRule
    matching: Sequence[Condition]
    alerts: Sequence[SentAlert]
    hearers: Sequence[str]
    doubts: Sequence[str]
    trouble: str


def rule_named(name: str, *, archived: bool = False) -> AlertRule | None:
    """The rule of that name; of several removed ones the last."""
    rules = _rules().filter(name=name, archived_at__isnull=not archived)
    return rules.order_by("-archived_at").first()


def rule_by_id(rule_id: UUID) -> AlertRule | None:
    """The rule, removed or not."""
    return _rules().filter(pk=rule_id).first()


def list_rules(*, archived: bool = False, now: datetime) -> list[ListedRule]:
    """All present rules, or all removed ones, by name."""
    rules = list(_rules().filter(archived_at__isnull=not archived).order_by("name", "id"))
    opened, last = open_conditions(), _last_of(rules)
    results = results_of(list(last.values()))
    troubles = _troubles(opened)
    return [
        ListedRule(
            rule=rule,
            matching=matching(rule, opened, now=now),
            last=last.get(rule.id),
            results=results[last[rule.id].id] if rule.id in last else (),
            trouble=troubles.get(rule.name, "") if rule.is_enabled else "",
        )
        for rule in rules
    ]


def detail(rule: AlertRule, *, after: UUID | None, limit: int, now: datetime) -> Detail:
    """A rule with the alerts it sent before `after`, newest first."""
    opened = open_conditions()
    sendings = _sendings(rule.id, after, limit)
    is_off = not rule.is_enabled and rule.archived_at is None
    tests = tests_of(rule, now=now) if is_off else []
    results = results_of([*sendings, *tests])
    hearers = receiving_addresses([rule])[rule.id]
    tried = [result for test in tests for result in results[test.id]]
    doubts = doubts_of(rule, among=destinations_of(rule), tried=tried, hearers=hearers)
    return Detail(
        rule=rule,
        matching=matching(rule, opened, now=now),
        alerts=[SentAlert(sending, results[sending.id]) for sending in sendings],
        hearers=hearers,
        doubts=list(doubts) if is_off else [],
        trouble=_troubles(opened).get(rule.name, "") if rule.is_enabled else "",
    )


def sent_alerts(*, after: UUID | None, limit: int) -> list[SentAlert]:
    """The alerts of all rules before `after`, newest first."""
    sendings = _sendings(None, after, limit)
    results = results_of(sendings)
    return [SentAlert(sending, results[sending.id]) for sending in sendings]


def matching(rule: AlertRule, conditions: Iterable[Condition], *, now: datetime) -> list[Condition]:
    """Conditions that it reports, or will once they are old enough: none silenced or accepted."""
    return [
        condition
        for condition in conditions
        if is_wanted(rule, condition) and not is_quiet(condition, now)
    ]


def _rules() -> QuerySet[AlertRule]:
    return AlertRule.objects.select_related("endpoint")


def _sendings(rule_id: UUID | None, after: UUID | None, limit: int) -> list[AlertSending]:
    sendings = AlertSending.objects.select_related("rule").prefetch_related("items")
    if rule_id is not None:
        sendings = sendings.filter(rule=rule_id)
    if after is not None:
        sendings = sendings.filter(id__lt=after)
    return list(sendings.order_by("-id")[:limit])


def _troubles(opened: Iterable[Condition]) -> Mapping[str, str]:
    """By a rule's name, the reason it does not get through."""
    return {condition.object: condition.words for condition in opened if condition.kind == OVERDUE}


def _last_of(rules: Sequence[AlertRule]) -> Mapping[UUID, AlertSending]:
    """By rule, its last alert or test."""
    sendings = AlertSending.objects.filter(rule__in=rules)
    last = sendings.order_by("rule_id", "-id").distinct("rule_id")
    return {sending.rule_id: sending for sending in last}
