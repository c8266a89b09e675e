"""Conditions, rules that report them by mail and webhook, and a clock moved by minutes."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import User
from accounts.services.office import mail
from generation.models import AlertRule, Condition
from generation.oversight import conditions
from generation.oversight.alerts.alert_sending import send_due_alerts
from generation.oversight.alerts.alert_tests import send_test
from generation.oversight.alerts.rules import RuleValues, enable, save_rule
from pictor.kit.words import clock
from tests.webhooks.conftest import Receiver, receiver

__all__ = ["receiver"]

ANN = "ann@pictor.example"
PAGE = "https://pictor.example/ops/"


class Desk:
    """The receivers of alerts, and the messages they got."""

    def __init__(self, receiver: Receiver, inbox: list[EmailMessage]) -> None:
        self.receiver, self.inbox = receiver, inbox
        self.now = clock.now() + timedelta(minutes=1)
        self.secret = ""

    def rule(self, *, is_on: bool = True, **wishes: Any) -> AlertRule:
        """A rule that goes to Ann and to the receiver, tested and on."""
        said = {"name": "On call", "mails": [ANN], "url": self.receiver.url, "page": PAGE, **wishes}
        saved = save_rule(values=RuleValues(**said), now=self.now, actor="test")
        self.secret = saved.secret
        if is_on:
            send_test(rule=saved.rule, now=self.now, actor="test")
            self.sent()
            enable(rule=saved.rule, now=self.now, actor="test")
        self.inbox.clear()
        self.receiver.received.clear()
        return AlertRule.objects.get(pk=saved.rule.pk)

    def wrong(self, name: str = "acme gpt-image-2", **facts: Any) -> Condition:
        """Open a condition now."""
        facts = {"kind": "calls_fail", "words": "3 of 12 calls brought images", **facts}
        return Condition.objects.create(object=name, since=self.now, **facts)

    def silenced(self, condition: Condition, hours: int = 4) -> None:
        conditions.silence(
            condition_id=condition.id, why="known", hours=hours, now=self.now, actor="test"
        )

    def over(self, condition: Condition) -> None:
        Condition.objects.filter(pk=condition.pk).update(resolved_at=self.now)

    def later(self, **passed: float) -> datetime:
        """Move the clock by this time and do that minute's work."""
        self.now += timedelta(**passed)
        send_due_alerts(now=self.now)
        self.sent()
        return self.now

    def sent(self) -> None:
        """Send everything that is due."""
        mail.send_due(now=self.now)
        self.receiver.now = self.now
        self.receiver.work()

    @property
    def subjects(self) -> list[str]:
        """Subjects of the mails that arrived."""
        return [str(one.subject) for one in self.inbox]

    @property
    def told(self) -> list[list[tuple[str, str]]]:
        """The occasion and object of each condition, by event received."""
        return [
            [(one["occasion"], one["about"]) for one in body["data"]["conditions"]]
            for body in self.bodies
        ]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.receiver.received]


@pytest.fixture
def desk(db: None, receiver: Receiver, mailoutbox: list[EmailMessage], settings: Settings) -> Desk:
    """A desk with Ann, a member of staff."""
    settings.SENDS_MAIL, settings.MAILBOX = True, False
    cache.clear()  # the limits of mails
    User.objects.create_user(ANN, "correct horse", staff_role="operator")
    return Desk(receiver, mailoutbox)
