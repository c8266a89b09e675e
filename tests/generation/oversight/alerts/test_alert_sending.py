"""Alerts are sent once for each occasion, grouped, and never for what no rule asks for."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from standardwebhooks import Webhook

from accounts.models import Mail
from generation.models import AlertRule, AlertSending, AlertSent, Condition
from generation.oversight import conditions
from generation.oversight.alerts import rules, wording
from generation.oversight.alerts.alert_sending import send_due_alerts
from tests.fakes.raw_server import says
from tests.generation.oversight.alerts.conftest import ANN
from webhooks.models import Delivery, WebhookEndpoint

FIRED = ("fired", "acme gpt-image-2")
REPEATED = ("repeated", "acme gpt-image-2")
RESOLVED = ("resolved", "acme gpt-image-2")
pytestmark = pytest.mark.django_db


def test_a_condition_is_told_once_by_mail_and_signed_webhook_and_its_end_too(desk):
    desk.rule(repeat_hours=0)
    wrong = desk.wrong(micros=630_000)

    desk.later(minutes=1)
    desk.later(hours=30)

    assert (desk.subjects, desk.told) == (["New: Calls fail, acme gpt-image-2"], [[FIRED]])
    (request,) = desk.receiver.received
    body = Webhook(desk.secret).verify(request.body, request.headers)
    rule = AlertRule.objects.get()
    link = f"https://pictor.example/ops/conditions/{wrong.id}/"
    assert body["type"] == "alert.conditions"
    assert body["data"] == {
        "object": "alert",
        "rule": {"id": str(rule.id), "name": "On call"},
        "conditions": [
            {
                "occasion": "fired",
                "id": wrong.id,
                "kind": "calls_fail",
                "about": "acme gpt-image-2",
                "words": "3 of 12 calls brought images",
                "since": int(wrong.since.timestamp()),
                "costs": "0.630000",
                "currency": "USD",
                "url": link,
            }
        ],
        "more": 0,
        "passed": 0,
    }
    (letter,) = desk.inbox
    assert letter.to == [ANN]
    since = f"Since {wrong.since:%-d %B %Y, %H:%M:%S} UTC. Costs $0.63."
    parts = ("3 of 12 calls brought images", since, link, "the alert rule “On call”")
    assert [part for part in parts if part not in letter.body] == []
    assert f'<a href="{link}">' in letter.alternatives[0][0]

    desk.over(wrong)
    desk.later(minutes=1)
    desk.wrong("other")
    desk.later(minutes=1)

    ends = ["Over: Calls fail, acme gpt-image-2", "New: Calls fail, other"]
    assert (desk.subjects[1:], desk.told[1:]) == (ends, [[RESOLVED], [("fired", "other")]])


def test_a_recurring_condition_is_told_again(desk):
    desk.rule()
    wrong = desk.wrong()
    desk.later(minutes=1)
    desk.over(wrong)
    desk.now += timedelta(seconds=20)
    Condition.objects.update(resolved_at=None, since=desk.now)

    desk.later(seconds=40)

    assert desk.told == [[FIRED], [FIRED, RESOLVED]]


def test_an_open_condition_is_repeated_until_somebody_takes_it(desk):
    desk.rule(repeat_hours=4)
    wrong = desk.wrong()
    desk.later(minutes=1)

    desk.later(hours=3, minutes=58)
    desk.later(minutes=2)
    desk.later(minutes=1)
    desk.later(hours=4)
    conditions.assign(condition_id=wrong.id, to=ANN, actor="test")
    desk.later(hours=8)

    assert desk.told == [[FIRED], [REPEATED], [REPEATED]]
    assert desk.subjects[1] == "Still open: Calls fail, acme gpt-image-2"
    assert list(AlertSent.objects.order_by("id").values_list("occasion", "number")) == [
        ("fired", 0),
        ("repeated", 0),
        ("repeated", 1),
    ]


def test_a_silence_says_nothing_and_afterwards_it_is_new(desk):
    desk.rule(repeat_hours=1)
    wrong = desk.wrong()
    desk.later(minutes=1)
    desk.silenced(wrong, hours=4)

    desk.later(minutes=1)
    desk.later(hours=3)
    quiet = desk.told
    desk.later(hours=1)
    desk.later(minutes=1)

    assert (quiet, desk.told) == ([[FIRED]], [[FIRED], [FIRED]])


def test_a_condition_silenced_before_its_alert_is_told_after_the_silence(desk):
    desk.rule()
    wrong = desk.wrong()
    desk.silenced(wrong)
    desk.later(minutes=1)

    desk.later(hours=4)

    assert desk.told == [[FIRED]]


def test_a_recalled_condition_is_told_anew_and_an_accepted_one_only_when_it_ends(desk):
    desk.rule(repeat_hours=1)
    wrong = desk.wrong()
    desk.later(minutes=1)
    conditions.accept(condition_id=wrong.id, why="known", now=desk.now, actor="test")
    desk.later(hours=2)
    accepted = desk.told
    conditions.recall(condition_id=wrong.id, actor="test")
    desk.later(minutes=1)
    conditions.accept(condition_id=wrong.id, why="known", now=desk.now, actor="test")
    desk.later(minutes=1)
    desk.over(wrong)

    desk.later(minutes=1)

    assert accepted == [[FIRED]]
    assert desk.told == [[FIRED], [FIRED], [RESOLVED]]


def test_the_end_of_what_was_never_told_is_not_told(desk):
    desk.rule(least_minutes=10)
    wrong = desk.wrong()
    desk.later(minutes=9)
    desk.over(wrong)

    desk.later(minutes=2)

    assert (desk.told, desk.subjects) == ([], [])


@pytest.mark.parametrize(
    ("wishes", "names"),
    [
        ({}, ["cheap", "dear", "other", "unknown"]),
        ({"kinds": ["queued_too_long"]}, ["other"]),
        ({"least_micros": 5_000_000}, ["dear"]),
        ({"least_micros": 0}, ["cheap", "dear", "other", "unknown"]),
    ],
)
def test_a_rule_tells_of_its_kinds_and_of_what_costs_enough(desk, wishes, names):
    desk.rule(**wishes)
    desk.wrong("cheap", micros=4_999_999)
    desk.wrong("dear", micros=5_000_000)
    desk.wrong("unknown")
    desk.wrong("other", kind="queued_too_long")

    desk.later(minutes=1)

    assert sorted(name for told in desk.told for _, name in told) == names


def test_a_condition_is_told_once_it_is_old_enough(desk):
    desk.rule(least_minutes=10)
    desk.wrong()

    desk.later(minutes=9)
    early = desk.told
    desk.later(minutes=1)

    assert (early, desk.told) == ([], [[FIRED]])


def test_a_mail_names_a_condition_as_the_overview_does(desk):
    desk.rule()
    desk.wrong("gpt-image-2", kind="channels_shrunk")

    desk.later(minutes=1)

    assert desk.subjects == ["New: Channels lost, gpt-image-2"]
    assert "Channels lost: gpt-image-2" in desk.inbox[0].body


def test_a_rule_that_was_made_at_the_shell_links_to_the_site(desk, settings):
    settings.SITE_URL = ""
    desk.rule(page="")
    condition = desk.wrong()
    desk.later(minutes=1)
    settings.SITE_URL = "https://gateway.example"
    desk.over(condition)

    desk.later(minutes=1)

    without, ended = (mail.body for mail in desk.inbox)
    assert "http" not in without
    assert f"https://gateway.example/ops/conditions/{condition.id}/" in ended
    assert "https://gateway.example/ops/alerts/" in ended


def test_a_storm_is_one_mail_and_one_event_a_rule(desk):
    desk.rule()
    for number in range(200):
        desk.wrong(f"channel-{number:03}", micros=number)

    desk.later(minutes=1)

    (letter,) = desk.inbox
    (told,) = desk.told
    assert letter.subject == "New: Calls fail, channel-199 and 199 more"
    assert ("channel-150" in letter.body, "channel-149" in letter.body) == (True, False)
    assert "And 150 more: https://pictor.example/ops/" in letter.body
    assert len(told) == 200
    assert AlertSent.objects.count() == 200


def test_beyond_ten_messages_an_hour_what_comes_is_told_together(desk):
    desk.rule()
    for number in range(10):
        desk.wrong(f"channel-{number}")
        desk.later(minutes=1)
    desk.now += timedelta(seconds=20)
    short, known = desk.wrong("short"), desk.wrong("long")
    desk.now += timedelta(seconds=40)
    desk.over(short)

    desk.later(seconds=10)
    desk.later(minutes=7)
    waited = len(desk.told)
    desk.later(minutes=2)

    assert waited == 10
    assert desk.told[10:] == [[("fired", known.object)]]
    assert desk.bodies[10]["data"]["passed"] == 1
    assert "1 more began and ended" in desk.inbox[10].body


def test_only_one_worker_sends_the_alerts_of_a_minute(desk):
    desk.rule()
    desk.wrong()

    first, second = send_due_alerts(now=desk.now), send_due_alerts(now=desk.now)

    assert (first, second) == (1, 0)


def test_a_worker_dying_midway_sends_nothing_and_the_next_minute_sends_it(desk, monkeypatch):
    desk.rule()
    desk.wrong()

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(AlertSent.objects, "bulk_create", dies)
        with pytest.raises(SystemExit):
            send_due_alerts(now=desk.now)
    nothing = (Mail.objects.filter(sent_at=None).count(), Delivery.objects.filter(state="pending"))

    desk.later(minutes=1)

    assert (nothing[0], nothing[1].count()) == (0, 0)
    assert (len(desk.inbox), desk.told) == (1, [[FIRED]])


def test_a_sender_that_dies_is_followed_by_another_with_the_same_id(desk):
    desk.rule()
    desk.wrong()
    send_due_alerts(now=desk.now)
    desk.receiver.now = desk.now
    (order,) = desk.receiver.claimed()
    desk.receiver.sent(order)  # and the worker dies before it is written down

    desk.later(minutes=2)

    first, second = desk.receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert desk.told == [[FIRED], [FIRED]]
    assert AlertSending.objects.filter(is_test=False).count() == 1


def test_a_webhook_that_fails_is_tried_again_by_the_schedule_of_webhooks(desk):
    desk.rule()
    desk.wrong()
    desk.receiver.answers(says(b"no", status=500))
    desk.later(minutes=1)
    desk.receiver.answers(says(b"ok"))

    desk.later(seconds=7)

    assert desk.told == [[FIRED], [FIRED]]
    assert Delivery.objects.latest("id").state == "delivered"


def test_an_alert_without_a_recipient_waits_for_one(desk):
    desk.rule(mails=[])
    WebhookEndpoint.objects.update(status="paused")
    desk.wrong()
    desk.later(minutes=1)
    unheard = AlertSent.objects.count()

    WebhookEndpoint.objects.update(status="enabled")
    desk.later(minutes=1)

    assert (unheard, desk.told) == (0, [[FIRED]])


def test_a_rule_that_is_off_tells_nothing_and_gives_up_what_was_on_its_way(desk):
    rule = desk.rule()
    desk.wrong()
    send_due_alerts(now=desk.now)

    rules.disable(rule=rule, actor="test")
    desk.wrong("other")
    desk.later(minutes=1)

    assert desk.told == []
    assert Delivery.objects.latest("id").state == "failed"


def test_a_rule_that_fails_keeps_no_other_from_telling(desk, monkeypatch):
    desk.rule()
    broken = desk.rule(name="Broken", url="")
    desk.wrong()
    said = wording.template_values

    def fails(sending: AlertSending, news: Sequence[AlertSent]) -> object:
        if sending.rule_id == broken.id:
            raise ZeroDivisionError
        return said(sending, news)

    monkeypatch.setattr(wording, "template_values", fails)

    desk.later(minutes=1)

    assert desk.told == [[FIRED]]


def test_alerts_of_ended_conditions_are_forgotten_after_90_days(desk):
    desk.rule()
    wrong = desk.wrong()
    desk.wrong("stays")
    desk.later(minutes=1)
    desk.over(wrong)
    desk.later(minutes=1)

    desk.later(days=91)

    assert [one.items.count() for one in AlertSending.objects.order_by("id")] == [2]
    assert len(desk.told) == 2


def test_a_minute_in_which_nothing_changes_costs_four_statements_a_rule(
    desk, django_assert_max_num_queries
):
    desk.rule()
    desk.wrong()
    desk.later(minutes=1)

    with django_assert_max_num_queries(9):
        send_due_alerts(now=desk.now + timedelta(minutes=1))


def test_a_mail_that_is_not_taken_is_tried_again(desk, monkeypatch):
    desk.rule(url="")
    desk.wrong()

    def refuses(*_: object, **__: object) -> None:
        raise OSError("try later")

    with monkeypatch.context() as patched:
        patched.setattr(EmailMultiAlternatives, "send", refuses)
        desk.later(minutes=1)
    assert desk.subjects == []

    desk.later(minutes=2)

    assert desk.subjects == ["New: Calls fail, acme gpt-image-2"]
