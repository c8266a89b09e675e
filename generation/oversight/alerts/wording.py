"""The words of alerts, in mails and for webhooks: no more than the condition says."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from generation.models import AlertRule, AlertSending, AlertSent
from generation.oversight.alerts.occasions import Occasion
from generation.oversight.conditions.kinds import title_of
from pictor.kit.words.money import in_dollars, to_decimal

MAIL = "account/email/alert"
MAX_MAILED, MAX_POSTED = 50, 500
"""The most conditions in a mail and in a webhook's event; the others are counted."""


def home_of(rule: AlertRule) -> str:
    """The address of the operator's console, as the rule has it; empty if unknown."""
    return rule.page or (f"{settings.SITE_URL}/ops/" if settings.SITE_URL else "")


def page_of(rule: AlertRule, path: str = "") -> str:
    """A page of that console, by default the rule's own; empty if the address is unknown."""
    home = home_of(rule)
    return f"{home}{path or f'alerts/{rule.id}/'}" if home else ""


def _page_of_condition(rule: AlertRule, news: AlertSent) -> str:
    return page_of(rule, f"conditions/{news.condition_id}/")


def template_values(sending: AlertSending, news: Sequence[AlertSent]) -> Mapping[str, Any]:
    """The values for the mail's templates."""
    listed = news[:MAX_MAILED]
    parts = [
        (
            occasion.label,
            [_line(sending.rule, item) for item in listed if item.occasion == occasion],
        )
        for occasion in Occasion
    ]
    first = news[0]
    return {
        "rule": sending.rule.name,
        "occasion": first.get_occasion_display(),
        "title": title_of(first.kind),
        "about": first.object,
        "others": len(news) - 1,
        "parts": [(label, lines) for label, lines in parts if lines],
        "more": len(news) - len(listed),
        "passed": sending.passed,
        "page": home_of(sending.rule),
        "rule_page": page_of(sending.rule),
    }


def _line(rule: AlertRule, news: AlertSent) -> Mapping[str, Any]:
    return {
        "title": title_of(news.kind),
        "object": news.object,
        "words": news.words,
        "since": news.opened_at,
        "costs": None if news.micros is None else in_dollars(news.micros),
        "page": _page_of_condition(rule, news),
    }


def body(sending: AlertSending, news: Sequence[AlertSent]) -> Mapping[str, Any]:
    """The `data` of the event, as JSON."""
    return {
        "object": "alert",
        "rule": _rule(sending.rule),
        "conditions": [
            {
                "occasion": str(item.occasion),
                "id": item.condition_id,
                "kind": item.kind,
                "about": item.object,
                "words": item.words,
                "since": int(item.opened_at.timestamp()),
                "costs": None if item.micros is None else to_decimal(item.micros),
                "currency": "USD",
                "url": _page_of_condition(sending.rule, item) or None,
            }
            for item in news[:MAX_POSTED]
        ],
        "more": max(0, len(news) - MAX_POSTED),
        "passed": sending.passed,
    }


def test_body(rule: AlertRule) -> Mapping[str, Any]:
    """The `data` of a test's event."""
    return {"object": "alert", "rule": _rule(rule)}


def _rule(rule: AlertRule) -> Mapping[str, Any]:
    return {"id": str(rule.id), "name": rule.name}
