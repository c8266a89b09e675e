"""Saving alert rules: every typed mistake, and changes that switch a rule off."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, User
from accounts.services.office.staff import remove_staff
from generation.models import AlertAddress, AlertRule
from generation.oversight.alerts import alert_tests, rules
from generation.oversight.alerts.alert_sending import send_due_alerts
from generation.oversight.alerts.rules import RuleValues, Saved, save_rule, values_of
from pictor.kit.secrets.encryption import decrypted
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.fakes.raw_server import says
from tests.generation.oversight.alerts.conftest import ANN, Desk
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.pausing import pause

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + "QUFB" * 8
TEAM = "team@acme.example"


def untried(rule: AlertRule, *, now: datetime) -> list[str]:
    among = alert_tests.destinations_of(rule)
    return alert_tests.missing_tests(rule, among=among, now=now)


def saved(desk: Desk, **wishes: Any) -> Saved:
    said = {"name": "On call", "mails": [ANN], **wishes}
    return save_rule(values=RuleValues(**said), now=desk.now, actor="test")


@pytest.mark.parametrize(
    ("wishes", "field", "words"),
    [
        ({"name": ""}, "name", "Give it a name"),
        ({"name": "x" * 81}, "name", "at most 80 characters"),
        ({"kinds": []}, "kinds", "at least one kind"),
        ({"kinds": ["calls_fail", "moon"]}, "kinds", "There is no kind 'moon'"),
        ({"least_micros": -1}, "least_micros", "from $0"),
        ({"least_micros": 2**63}, "least_micros", "a billion dollars"),
        ({"least_minutes": -1}, "least_minutes", "0 to 10080 minutes"),
        ({"least_minutes": 10_081}, "least_minutes", "a week"),
        ({"repeat_hours": -1}, "repeat_hours", "0 to 168 hours"),
        ({"repeat_hours": 169}, "repeat_hours", "a week"),
        ({"mails": []}, "mails", "Give an e-mail address"),
        ({"mails": ["ann"]}, "mails", "'ann' is not an e-mail address"),
        ({"mails": [f"{n}@pictor.example" for n in range(11)]}, "mails", "At most 10"),
        ({"url": "http://hooks.example.com/"}, "url", "must be https"),
        ({"url": "https://127.0.0.1/"}, "url", "public addresses"),
        ({"url": "https://10.0.0.8/hook"}, "url", "public addresses"),
        ({"url": "https://ann:secret@hooks.example.com/"}, "url", "without user info"),
        ({"url": "ftp://hooks.example.com/"}, "url", "must be https"),
        ({"url": "hooks"}, "url", "must be https"),
        ({"url": "https://a.example/" + "x" * 2048}, "url", "at most 2048"),
        ({"secret": SECRET}, "secret", "give its url"),
        ({"page": "https://" + "x" * 200}, "page", "at most 200"),
    ],
)
def test_a_typed_mistake_is_said_beside_its_field_and_makes_nothing(desk, wishes, field, words):
    with pytest.raises(ValidationError) as refused:
        saved(desk, **wishes)

    assert words.lower() in " ".join(refused.value.message_dict[field]).lower()
    assert (AlertRule.objects.count(), WebhookEndpoint.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "secret", ["secret", "whsec_", "whsec_short", f"{SECRET}\n{SECRET}\n{SECRET}", "whsec_é" * 9]
)
def test_a_secret_that_signs_nothing_is_refused(desk, secret):
    with pytest.raises(ValidationError) as refused:
        saved(desk, url=desk.receiver.url, secret=secret)

    assert "on one line" in refused.value.message_dict["secret"][0]


def test_a_secret_that_is_given_signs_and_is_not_shown_again(desk):
    made = saved(desk, url=desk.receiver.url, secret=f" {SECRET}\n")

    assert made.secret == ""
    assert decrypted(WebhookEndpoint.objects.get().secret) == SECRET


def test_a_secret_that_is_made_is_shown_once_and_kept_when_the_rule_changes(desk):
    made = saved(desk, url=desk.receiver.url)

    wishes = RuleValues(name="Night", mails=[ANN], url=desk.receiver.url)
    again = save_rule(values=wishes, rule=made.rule, now=desk.now, actor="test")

    assert (made.secret[:6], again.secret) == ("whsec_", "")
    assert decrypted(WebhookEndpoint.objects.get().secret) == made.secret


def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused(desk):
    rule = saved(desk).rule
    seen = values_of(rule).digest
    mine, theirs = (
        RuleValues("On call", repeat_hours=4, mails=[ANN]),
        RuleValues("Night", mails=[ANN]),
    )

    for _ in "ab":  # also by a second click
        save_rule(values=theirs, rule=rule, seen=seen, now=desk.now, actor="test")
    with pytest.raises(ValidationError, match="Somebody changed it") as refused:
        save_rule(values=mine, rule=rule, seen=seen, now=desk.now, actor="test")

    assert refused.value.code == rules.CHANGED
    kept = AlertRule.objects.get()
    assert (kept.name, kept.repeat_hours) == ("Night", 0)
    seen = values_of(kept).digest
    assert save_rule(values=mine, rule=rule, seen=seen, now=desk.now, actor="test").rule == rule


def test_addresses_are_kept_once_and_in_lower_case_and_kinds_in_their_order(desk):
    made = saved(
        desk,
        mails=[" Ann@Pictor.example", ANN],
        kinds=["mail_overdue", "calls_fail"],
        name=" A\tb ",
    ).rule

    assert (made.mails, made.kinds, made.name) == ([ANN], ["calls_fail", "mail_overdue"], "A b")


def test_a_name_is_taken_once_and_there_are_twenty_rules(desk):
    saved(desk)
    with pytest.raises(ValidationError, match="this name already"):
        saved(desk)
    for number in range(19):
        saved(desk, name=f"Rule {number}")

    with pytest.raises(ValidationError, match="There are 20 rules already"):
        saved(desk, name="One more")


def test_a_form_that_is_sent_twice_makes_one_rule(desk):
    once, wishes = ids.new_uuid(), RuleValues(name="On call", mails=[ANN])

    for _ in range(2):
        save_rule(values=wishes, new_id=once, now=desk.now, actor="test")

    assert AlertRule.objects.get().id == once


def test_a_rule_is_off_until_a_test_got_through_everywhere(desk):
    rule = desk.rule(is_on=False)
    with pytest.raises(ValidationError) as refused:
        rules.enable(rule=rule, now=desk.now, actor="test")
    desk.receiver.answers(says(b"no", status=503))
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    waits = untried(rule, now=desk.now)
    desk.sent()
    failed = untried(rule, now=desk.now)
    desk.receiver.answers(says(b"ok"))
    desk.now += timedelta(minutes=1)
    desk.sent()

    assert rules.enable(rule=rule, now=desk.now, actor="test").is_enabled
    shown = "http://127.0.0.1/…"
    assert refused.value.messages == [
        f"No test was sent to {ANN} within a week.",
        f"No test was sent to {shown} within a week.",
    ]
    assert waits == [
        f"The test to {ANN} has not got through: on its way.",
        f"The test to {shown} has not got through: on its way.",
    ]
    assert failed == [f"The test to {shown} has not got through: answered 503, tried again."]


def test_a_test_says_that_nothing_is_wrong(desk):
    rule = desk.rule(is_on=False)

    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    desk.sent()

    (letter,), (body,) = desk.inbox, desk.bodies
    assert letter.subject == "Test of the alert rule On call"
    assert "Nothing is wrong" in letter.body
    assert "code" not in letter.body
    assert body["type"] == "alert.test"
    assert body["data"] == {"object": "alert", "rule": {"id": str(rule.id), "name": "On call"}}


def test_a_test_of_a_week_ago_says_nothing_of_now(desk):
    rule = desk.rule()
    rules.disable(rule=rule, actor="test")

    assert untried(rule, now=desk.now + timedelta(days=6)) == []
    assert len(untried(rule, now=desk.now + timedelta(days=8))) == 2


def test_six_tests_an_hour_are_enough(desk):
    rule = desk.rule(is_on=False)
    for _ in range(6):
        alert_tests.send_test(rule=rule, now=desk.now, actor="test")

    with pytest.raises(ValidationError, match="6 tests were sent"):
        alert_tests.send_test(rule=rule, now=desk.now, actor="test")


def code_from(desk: Desk) -> str:
    desk.sent()
    return str(re.findall(r"\b[0-9]{8}\b", str(desk.inbox[-1].body))[0])


def is_confirmed(rule: AlertRule, code: str, *, now: datetime) -> bool:
    try:
        alert_tests.confirm(rule=rule, address=TEAM, code=code, now=now, actor="test")
    except ValidationError:
        return False
    return True


def test_each_test_has_a_new_code_and_only_the_last_one_counts(desk):
    rule = desk.rule(is_on=False, mails=[TEAM], url="")
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    first = code_from(desk)
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    second = code_from(desk)

    confirmed = [is_confirmed(rule, code, now=desk.now) for code in (first, second)]

    assert confirmed == [False, True]


def test_an_address_added_while_a_test_begins_is_not_mailed(desk, monkeypatch):
    rule = desk.rule(is_on=False, mails=[TEAM], url="")

    def count(*_: object, **__: object) -> None:
        AlertRule.objects.filter(pk=rule.pk).update(mails=[TEAM, "stranger@elsewhere.example"])

    monkeypatch.setattr("accounts.rates.take_typed_mail", count)
    with pytest.raises(ValidationError, match="meanwhile"):
        alert_tests.send_test(rule=rule, now=desk.now, actor="test")

    assert not rule.sendings.exists()


def test_a_code_ends_after_15_minutes(desk):
    rule = desk.rule(is_on=False, mails=[TEAM], url="")
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    code = code_from(desk)
    since = [timedelta(minutes=15), timedelta(minutes=14, seconds=59)]

    assert [is_confirmed(rule, code, now=desk.now + wait) for wait in since] == [False, True]


def test_a_code_ends_with_the_fifth_wrong_try(desk):
    rule = desk.rule(is_on=False, mails=[TEAM], url="")
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    code = code_from(desk)
    tried = [is_confirmed(rule, "not it", now=desk.now) for _ in range(5)]

    assert tried == [False] * 5
    assert not is_confirmed(rule, code, now=desk.now)
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    assert is_confirmed(rule, code_from(desk), now=desk.now)


@pytest.mark.parametrize("wrong", ["", "0" * 8, "1" * 500, "é"], ids=["none", "0", "long", "é"])
def test_an_address_outside_staff_is_not_confirmed_by_a_wrong_code(desk, wrong):
    rule = desk.rule(is_on=False, mails=["team@acme.example"], url="")
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")

    with pytest.raises(ValidationError, match="not the code"):
        alert_tests.confirm(
            code=wrong, rule=rule, address="team@acme.example", now=desk.now, actor="test"
        )


def test_an_address_outside_staff_is_mailed_once_it_confirmed_the_code(desk):
    rule = desk.rule(is_on=False, mails=["Team@acme.example"], url="")
    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    desk.sent()
    (letter,) = desk.inbox
    code = code_from(desk)
    doubts = untried(rule, now=desk.now)
    confirm = {"rule": rule, "address": "team@acme.example", "now": desk.now, "actor": "test"}
    with pytest.raises(ValidationError, match="does not go to"):
        alert_tests.confirm(**{**confirm, "address": "eve@acme.example", "code": code})

    alert_tests.confirm(code=f" {code[:4]} {code[4:]} ", **confirm)

    assert code in letter.body
    assert doubts == ["Type the code from the test mail to team@acme.example."]
    assert rules.enable(rule=rule, now=desk.now, actor="test").is_enabled
    desk.wrong()
    desk.later(minutes=1)
    assert desk.inbox[-1].to == ["team@acme.example"]


def test_a_destination_that_is_new_switches_a_rule_off_and_one_that_goes_does_not(desk):
    rule = desk.rule()
    less = save_rule(
        values=RuleValues(name="On call", url=desk.receiver.url),
        rule=rule,
        now=desk.now,
        actor="test",
    )
    more = save_rule(
        values=RuleValues(name="On call", url=f"{desk.receiver.url}/2"),
        rule=rule,
        now=desk.now,
        actor="test",
    )

    assert (less.rule.is_enabled, more.rule.is_enabled) == (True, False)


def test_another_change_leaves_a_rule_on_however_old_its_test_is(desk):
    rule = desk.rule()
    wishes = RuleValues(name="Night", mails=[ANN], url=desk.receiver.url, least_minutes=5)

    later = desk.now + timedelta(days=30)
    kept = save_rule(values=wishes, rule=rule, now=later, actor="test").rule

    assert (kept.name, kept.is_enabled) == ("Night", True)


def test_a_webhook_that_goes_leaves_no_endpoint(desk):
    rule = desk.rule()

    wishes = RuleValues(name="On call", mails=[ANN])
    kept = save_rule(values=wishes, rule=rule, now=desk.now, actor="test").rule

    assert (kept.url, WebhookEndpoint.objects.count()) == ("", 0)
    assert AlertRule.objects.get().is_enabled


def test_a_removed_rule_tells_nothing_and_is_restored_switched_off(desk):
    rule = desk.rule()
    rules.archive(rule=rule, now=desk.now, actor="test")
    desk.wrong()
    desk.later(minutes=1)
    with pytest.raises(ValidationError, match="restore it first"):
        rules.enable(rule=rule, now=desk.now, actor="test")

    kept = rules.restore(rule=rule, actor="test")

    assert (desk.told, kept.archived_at, kept.is_enabled) == ([], None, False)


def test_a_removed_rule_is_not_restored_beside_another_of_its_name(desk):
    rule = saved(desk).rule
    rules.archive(rule=rule, now=desk.now, actor="test")
    saved(desk)

    with pytest.raises(ValidationError, match="this name already"):
        rules.restore(rule=rule, actor="test")


def test_a_new_secret_signs_beside_the_former_for_a_day(desk):
    rule = desk.rule()
    secret = rules.rotate_secret(rule=rule, now=desk.now, actor="test")
    desk.wrong()

    desk.later(minutes=1)

    (request,) = desk.receiver.received
    assert len(request.headers["webhook-signature"].split()) == 2
    assert secret != desk.secret


def test_a_secret_is_not_rotated_again_while_the_former_one_signs(desk):
    rule = desk.rule()
    rules.rotate_secret(rule=rule, now=desk.now, actor="test")
    secrets = WebhookEndpoint.objects.values_list("secret", "previous_secret")
    before = secrets.get()

    with pytest.raises(ValidationError, match="at once, give the rule a secret of your own"):
        rules.rotate_secret(rule=rule, now=desk.now + timedelta(hours=23), actor="test")
    meanwhile = secrets.get()
    rules.rotate_secret(rule=rule, now=desk.now + timedelta(hours=25), actor="test")

    assert meanwhile == before
    assert secrets.get()[1] == before[0]


def test_a_rotation_locks_the_rule_and_its_endpoint(desk):
    rule = desk.rule()

    with CaptureQueriesContext(connection) as asked:
        rules.rotate_secret(rule=rule, now=desk.now, actor="test")

    locks = [query["sql"] for query in asked.captured_queries if "FOR UPDATE" in query["sql"]]
    assert ['FROM "webhooks_webhookendpoint"' in sql for sql in locks] == [False, True]


def test_a_rule_without_a_webhook_has_no_secret(desk):
    with pytest.raises(ValidationError, match="no webhook"):
        rules.rotate_secret(rule=saved(desk).rule, now=desk.now, actor="test")


def test_a_paused_webhook_of_the_house_mails_no_tenant_and_a_test_mends_it(desk):
    rule = desk.rule()
    pause(WebhookEndpoint.objects.get())
    paused = WebhookEndpoint.objects.get().status

    alert_tests.send_test(rule=rule, now=desk.now, actor="test")
    desk.sent()

    assert (paused, WebhookEndpoint.objects.get().status) == ("paused", "enabled")
    assert desk.subjects == ["Test of the alert rule On call"]
    assert Delivery.objects.latest("id").state == "delivered"


def test_the_log_has_each_change_and_no_secret_of_an_address(desk):
    url = f"{desk.receiver.url}/T00/B00/secret"
    rule = saved(desk, url=url, secret=SECRET).rule
    save_rule(
        values=RuleValues(name="Night", mails=[ANN], url=url), rule=rule, now=desk.now, actor="test"
    )
    rules.archive(rule=rule, now=desk.now, actor="test")

    events = list(AuditEvent.objects.filter(object_type="alert_rule").order_by("id"))
    assert [event.action for event in events] == ["alert.create", "alert.set", "alert.remove"]
    created, changed = [event.after or {} for event in events[:2]]
    assert (created["name"], changed["name"]) == ("On call", "Night")
    assert created["webhook"] == "http://127.0.0.1/…"
    assert "secret" not in str([(event.before, event.after) for event in events])


def test_a_person_removed_from_staff_gets_no_more_alerts(desk):
    User.objects.create_superuser("owner@pictor.example", "correct horse")
    AlertAddress.objects.create(address=ANN, confirmed_at=clock.now())
    rule = desk.rule(mails=[ANN, "owner@pictor.example"], url="")

    remove_staff(user=User.objects.get(email=ANN), actor="test")
    desk.wrong()
    desk.later(minutes=1)

    assert [one.to for one in desk.inbox] == [["owner@pictor.example"]]
    assert AlertRule.objects.get(pk=rule.pk).mails == ["owner@pictor.example"]
    assert not AlertAddress.objects.exists()


def test_a_mail_that_waits_for_somebody_who_left_is_not_sent(desk):
    User.objects.create_superuser("owner@pictor.example", "correct horse")
    desk.rule(url="")
    desk.wrong()
    told = send_due_alerts(now=desk.now)

    remove_staff(user=User.objects.get(email=ANN), actor="test")
    desk.sent()

    assert (told, desk.inbox) == (1, [])


def test_a_saved_rule_is_read_back_as_its_values(desk):
    wishes = RuleValues(
        name="On call",
        kinds=["calls_fail"],
        least_micros=Micros(5),
        least_minutes=6,
        repeat_hours=7,
        mails=[ANN],
        page="https://pictor.example/ops/",
    )

    rule = save_rule(values=wishes, now=desk.now, actor="test").rule

    assert values_of(AlertRule.objects.get(pk=rule.pk)) == wishes
