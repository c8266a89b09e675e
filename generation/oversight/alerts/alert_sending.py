"""Send the alerts of all rules, each minute, after conditions were looked for.

One rule at a time, in one transaction under its lock: the alert is recorded with its mails and its
event, which the existing outboxes send. So a worker that dies has sent nothing or all of it, and
each occasion is reported once, by one worker.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Window

from accounts.services.office.mail import post_rendered
from generation.models import AlertRule, AlertSending, AlertSent, Condition
from generation.oversight.alerts import wording
from generation.oversight.alerts.occasions import (
    ConditionOpening,
    Occasion,
    is_wanted,
    news_of,
    opening_of,
    told_of,
)
from generation.oversight.conditions import is_quiet, open_conditions
from generation.oversight.conditions.alerting import receiving_addresses
from webhooks import installation_endpoints
from webhooks.models import WebhookEndpoint

logger = logging.getLogger(__name__)

EVENT = "alert.conditions"
HOUR = timedelta(hours=1)
MAX_SINGLE_PER_HOUR = 10
"""Alerts of a rule in an hour; from then on its news is collected."""
BETWEEN_COLLECTED = timedelta(minutes=9, seconds=30)
"""The time between collected alerts; conditions are looked at once a minute, not to the second."""
ALERTS_KEPT = timedelta(days=90)
"""Older alerts are deleted, except those about an opening whose end was not reported."""


def send_due_alerts(*, now: datetime) -> int:
    """Send the due alerts of all enabled rules; returns the number of rules that sent one."""
    _forget_old(now)
    sent = 0
    for rule_id in AlertRule.objects.filter(is_enabled=True).order_by("id").values_list("id"):
        try:
            sent += _tell(rule_id[0], now)
        except Exception:
            logger.exception("an alert rule sent nothing")  # the next minute tries again
    return sent


@transaction.atomic
def _tell(rule_id: UUID, now: datetime) -> bool:
    rules = AlertRule.objects.select_for_update(skip_locked=True, of=("self",))
    rule = rules.select_related("endpoint").filter(id=rule_id, is_enabled=True).first()
    if rule is None:
        return False
    opened = open_conditions()
    past = _past_alerts(rule)
    _hush(rule, opened, past, now)
    news = news_of(rule, opened=opened, past=past, now=now)
    lately = rule.sendings.filter(is_test=False, at__gt=now - HOUR).order_by("-id")
    times = list(lately.values_list("at", flat=True))
    has_to_wait = len(times) >= MAX_SINGLE_PER_HOUR and now - times[0] < BETWEEN_COLLECTED
    if not news or has_to_wait:
        return False
    mails = receiving_addresses([rule])[rule.id]
    endpoint = rule.endpoint if rule.endpoint and rule.endpoint.is_enabled else None
    if not mails and endpoint is None:
        return False  # a condition reports it; with a recipient, all of it is sent
    passed = _count_missed(rule, since=times[0]) if len(times) >= MAX_SINGLE_PER_HOUR else 0
    sending = AlertSending(rule=rule, at=now, mails=mails, passed=passed)
    _send(sending, news, endpoint)
    return True


def _past_alerts(rule: AlertRule) -> Mapping[ConditionOpening, AlertSent]:
    """The rule's alerts about openings not ended: of each the last row, with the counts."""
    of_one = ["kind", "object", "opened_at"]
    rows = AlertSent.objects.filter(rule=rule, is_over=False).annotate(  # type: ignore[no-redef]  # where they are declared
        fired=Window(Count("id", filter=Q(occasion=Occasion.FIRED)), of_one),
        repeated=Window(Count("id", filter=Q(occasion=Occasion.REPEATED)), of_one),
    )
    last = rows.order_by(*of_one, "-id").select_related("sending").distinct(*of_one)
    return {told_of(row): row for row in last}


def _hush(
    rule: AlertRule,
    opened: Sequence[Condition],
    past: Mapping[ConditionOpening, AlertSent],
    now: datetime,
) -> None:
    """Mark reported openings that are silenced or accepted now: afterwards they are new again."""
    quiet = (opening_of(condition) for condition in opened if is_quiet(condition, now))
    for opening in quiet:
        if opening in past and not past[opening].is_hushed:
            _rows(rule, opening).update(is_hushed=True)


def _rows(rule: AlertRule, opening: ConditionOpening) -> QuerySet[AlertSent]:
    kind, name, since = opening
    return AlertSent.objects.filter(rule=rule, kind=kind, object=name, opened_at=since)


def _count_missed(rule: AlertRule, *, since: datetime) -> int:
    """The number of conditions that began and ended while the rule had to wait, unreported."""
    ended = Condition.objects.filter(since__gt=since, resolved_at__gt=since, accepted_at=None)
    least = timedelta(minutes=rule.least_minutes)
    return sum(
        is_wanted(rule, condition) and condition.resolved_at - condition.since >= least
        for condition in ended
        if condition.resolved_at
    )


def _send(
    sending: AlertSending, news: Sequence[AlertSent], endpoint: WebhookEndpoint | None
) -> None:
    """Record the alert, and have it sent."""
    rule = sending.rule
    values = wording.template_values(sending, news)
    posted = post_rendered(to=sending.mails, template=wording.MAIL, words=values)
    sending.mail_ids = [mail.id for mail in posted]
    if endpoint is not None:
        sending.url = endpoint.url
        data = wording.body(sending, news)
        event = installation_endpoints.queue_event(
            endpoint, event_type=EVENT, subject_id=sending.id, at=sending.at, data=data
        )
        sending.event_id = event.id
    sending.save(force_insert=True)
    for item in news:
        item.sending, item.rule = sending, rule
    AlertSent.objects.bulk_create(news)
    for item in news:
        if item.occasion == Occasion.RESOLVED:
            _rows(rule, told_of(item)).update(is_over=True)


def _forget_old(now: datetime) -> None:
    old = AlertSending.objects.filter(at__lt=now - ALERTS_KEPT)
    old.exclude(items__is_over=False).delete()
