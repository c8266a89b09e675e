"""What is said of conditions, in mails and to webhooks: nothing that a condition does not have."""

from collections.abc import Mapping, Sequence
from typing import Any

from generation.alerts.deciding import News, Occasion
from generation.conditions.titles import title_of
from generation.models import AlertRule, AlertSending
from pictor.kit.money import in_dollars, to_decimal

MAIL = "account/email/alert"
MOST_MAILED, MOST_POSTED = 50, 500
"""Conditions in a mail and in a webhook's event; the others are counted."""


def page_of(rule: AlertRule, condition_id: int) -> str:
    """Where the condition is mended; empty where nobody knows the console's address."""
    return f"{rule.page}conditions/{condition_id}/" if rule.page else ""


def said(sending: AlertSending, news: Sequence[News]) -> Mapping[str, Any]:
    """For the templates of the mail."""
    listed = news[:MOST_MAILED]
    parts = [
        (occasion.label, [_line(sending.rule, one) for one in listed if one.occasion == occasion])
        for occasion in Occasion
    ]
    first = news[0]
    return {
        "rule": sending.rule.name,
        "occasion": first.occasion.label,
        "title": title_of(first.opening.kind),
        "about": first.opening.object,
        "others": len(news) - 1,
        "parts": [(label, lines) for label, lines in parts if lines],
        "more": len(news) - len(listed),
        "passed": sending.passed,
        "page": sending.rule.page,
        "rule_page": f"{sending.rule.page}alerts/{sending.rule.id}/" if sending.rule.page else "",
    }


def _line(rule: AlertRule, one: News) -> Mapping[str, Any]:
    return {
        "title": title_of(one.opening.kind),
        "object": one.opening.object,
        "words": one.words,
        "since": one.opening.since,
        "costs": None if one.micros is None else in_dollars(one.micros),
        "page": page_of(rule, one.condition_id),
    }


def body(sending: AlertSending, news: Sequence[News]) -> Mapping[str, Any]:
    """The `data` of the event, as JSON has it."""
    return {
        "object": "alert",
        "rule": _rule(sending.rule),
        "conditions": [
            {
                "occasion": one.occasion.value,
                "id": one.condition_id,
                "kind": one.opening.kind,
                "about": one.opening.object,
                "words": one.words,
                "since": int(one.opening.since.timestamp()),
                "costs": None if one.micros is None else to_decimal(one.micros),
                "currency": "USD",
                "url": page_of(sending.rule, one.condition_id) or None,
            }
            for one in news[:MOST_POSTED]
        ],
        "more": max(0, len(news) - MOST_POSTED),
        "passed": sending.passed,
    }


def test_body(rule: AlertRule) -> Mapping[str, Any]:
    """The same of a test."""
    return {"object": "alert", "rule": _rule(rule)}


def _rule(rule: AlertRule) -> Mapping[str, Any]:
    return {"id": str(rule.id), "name": rule.name}
