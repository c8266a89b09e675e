"""Alert rules without a working receiver are a condition, since they cannot report it."""

from datetime import timedelta

import pytest

from accounts.models import Mail, User
from generation.models import AlertRule, AlertSending
from pictor.kit.words import clock, ids
from webhooks import installation_endpoints
from webhooks.models import WebhookEndpoint

ANN = "ann@pictor.example"
KEY = ("alerts_overdue", "On call")


@pytest.fixture
def rule(seeded):
    User.objects.create_user(ANN, "correct horse", staff_role="operator")
    endpoint = installation_endpoints.open_endpoint(
        "https://hooks.example.com/", "whsec_" + "QUFB" * 8
    )
    return AlertRule.objects.create(name="On call", mails=[ANN], endpoint=endpoint, is_enabled=True)


def test_a_rule_that_is_heard_is_none(rule, look):
    assert look(0) == {}


def test_a_rule_with_an_address_it_cannot_reach_is_a_condition(rule, look):
    User.objects.update(staff_role="")
    left = look(0)
    AlertRule.objects.update(endpoint=None)
    alone = look(1)
    AlertRule.objects.update(mails=[])
    nobody = look(2)
    AlertRule.objects.update(is_enabled=False)

    assert left == {KEY: f"{ANN} gets nothing: it is neither confirmed nor of staff"}
    words = "it reaches nobody: it has no webhook, and no address that is confirmed or of staff"
    assert (alone, nobody, look(3)) == ({KEY: words}, {KEY: words}, {})


def test_a_person_who_may_not_sign_in_gets_nothing(rule, look):
    User.objects.update(is_active=False)

    assert list(look(0)) == [KEY]


def test_a_webhook_that_fails_is_paused_or_wants_no_more(rule, look):
    now = clock.now()
    endpoints = WebhookEndpoint.objects.all()
    endpoints.update(failing_since=now - timedelta(minutes=14))
    lately = look(0)
    endpoints.update(failing_since=now - timedelta(minutes=16))
    failing = look(0.7)
    endpoints.update(status="paused")
    paused = look(2)
    endpoints.update(status="disabled")

    assert lately == {}
    assert failing == {KEY: "its webhook has accepted nothing for 17 minutes"}
    assert paused == {KEY: "its webhook is paused: it has accepted nothing for 5 days"}
    assert look(3) == {KEY: "its webhook is off: it answered 410 Gone"}


def test_an_unsent_mail_of_a_rule_is_a_condition_until_it_is_sent(rule, look):
    now = clock.now()
    mail = Mail.objects.create(to=ANN, contents="")
    sending = AlertSending.objects.create(
        rule=rule, at=now - timedelta(minutes=20), mails=[ANN], mail_ids=[mail.id]
    )
    unsent = look(0)
    Mail.objects.update(sent_at=now)
    sent = look(1)
    AlertSending.objects.filter(pk=sending.pk).update(mail_ids=[ids.new_uuid()])

    assert unsent == {KEY: f"its last mail to {ANN} has not been sent"}
    assert (sent, look(2)) == ({}, {})
