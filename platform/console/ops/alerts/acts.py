"""Acts that test, switch, remove and restore an alert rule."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from console.ops.access import Permission
from console.parts.acts import About, Act, ActResult, Asked
from generation.models import AlertRule
from generation.oversight.alerts import alert_tests, rules
from generation.oversight.alerts.listing import rule_by_id, rule_named
from pictor.kit.words import ids


def _rule(text: str) -> AlertRule | None:
    """By id; by name, one that was removed only if there is no other."""
    if rule_id := ids.parse_uuid(text):
        return rule_by_id(rule_id)
    return rule_named(text) or rule_named(text, archived=True)


RULE = About[AlertRule](
    kind="rule",
    find=_rule,
    words=lambda rule: rule.name,
    page=lambda rule: reverse("ops:alert", args=[rule.pk]),
)


def _act(
    name: str, verb: str, lead: str, done: str, service: Callable[..., object], **more: Any
) -> Act[AlertRule]:
    def do(asked: Asked[AlertRule]) -> ActResult:
        at = {} if service in {rules.disable, rules.restore} else {"now": asked.now}
        service(rule=asked.subject, **at, **asked.by)
        return ActResult(words=done.format(asked.subject.name))

    return Act(
        name=f"alert.{name}", verb=verb, lead=lead, about=RULE, needs=Permission.INCIDENTS,
        audit=f"alert.{name}", do=do, **more,
    )  # fmt: skip


ACTS = (
    _act("test", "Send test", "A test goes to every address and the webhook.",
         "Test sent. Reload to see its result", alert_tests.send_test),
    _act("enable", "Switch on", "It sends alerts from the next look on, once a test got through.",
         "{} is on", rules.enable),
    _act("disable", "Switch off", "It sends no alerts until it is on.", "{} is off", rules.disable),
    _act("remove", "Remove rule", "It sends no more alerts, and pending webhook deliveries are"
         " dropped. Its sent alerts are kept, and you can restore it under “Removed”.",
         "{} removed", rules.archive, is_dangerous=True),
    _act("restore", "Restore rule", "It comes back, off.", "{} restored", rules.restore),
)  # fmt: skip
