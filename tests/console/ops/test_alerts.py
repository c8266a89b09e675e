"""Alert rules on their pages: made, tested, switched, changed, removed; mistakes make none."""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.models import Mail, User
from accounts.services.office import mail
from console.ops.alerts.acts import RULE
from generation.models import AlertRule, AlertSending, Condition
from generation.oversight.alerts.alert_sending import send_due_alerts
from generation.oversight.alerts.alert_tests import send_test
from generation.oversight.alerts.rules import RuleValues, enable, save_rule
from pictor.kit.words import clock
from tests.console.answers import lines_of, said_by
from tests.console.ops.acting import do
from tests.webhooks.conftest import receiver

__all__ = ["receiver"]

LIST, NEW = "/ops/alerts/", "/ops/alerts/new/"
OP = "op@pictor.example"


@pytest.fixture(autouse=True)
def outbox(settings: Settings, mailoutbox: list[EmailMessage]) -> list[EmailMessage]:
    settings.SENDS_MAIL = True
    return mailoutbox


def typed(**fields: Any) -> dict[str, Any]:
    return {
        "name": "On call",
        "is_all": "on",
        "least": "",
        "least_minutes": "0",
        "repeat_hours": "4",
        "mails": OP,
        "url": "",
        "secret": "",
        "once": str(uuid4()),
        **fields,
    }


def make_rule(*, is_on: bool = False, **wishes: Any) -> AlertRule:
    said = {"name": "On call", "mails": [OP], "page": "https://pictor.example/ops/", **wishes}
    rule = save_rule(values=RuleValues(**said), now=clock.now(), actor="test").rule
    if is_on:
        send_test(rule=rule, now=clock.now(), actor="test")
        mail.send_due(now=clock.now() + timedelta(seconds=1))
        enable(rule=rule, now=clock.now(), actor="test")
    return rule


def wrong(name: str = "acme gpt-image-2", **facts: Any) -> Condition:
    facts = {"kind": "calls_fail", "words": "3 of 12 calls", "since": clock.now(), **facts}
    return Condition.objects.create(object=name, **facts)


def page_of(rule: AlertRule) -> str:
    return f"{LIST}{rule.pk}/"


def test_nobody_is_notified_at_first(owner):
    page = said_by(owner.get(LIST))

    assert "Nobody is notified yet" in page
    sent = said_by(owner.get(f"{LIST}sent/"))
    assert "No alerts yet" in sent
    assert "Download CSV" not in sent


def test_a_rule_is_made_tested_and_switched_on(owner, outbox):
    form = owner.get(NEW)
    answer = owner.post(NEW, typed(), follow=True)
    rule = AlertRule.objects.get()
    off = said_by(answer)
    refused = do(owner, "alert.enable", rule.pk)
    do(owner, "alert.test", rule.pk)
    mail.send_due(now=clock.now() + timedelta(seconds=1))
    ready = said_by(owner.get(page_of(rule)))
    on = do(owner, "alert.enable", rule.pk, follow=True)

    assert OP in form.content.decode()  # the author of the rule
    assert "It is off and sends nothing" in off
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert f"No test was sent to {OP} within a week" in said_by(refused)
    assert "Its test got through: switch it on" in ready
    assert "On call is on" in said_by(on)
    assert [one.subject for one in outbox] == ["Test of the alert rule On call"]
    assert f"http://testserver/ops/alerts/{rule.pk}/" in outbox[0].body
    assert AlertRule.objects.get().is_enabled


def test_a_rule_leads_to_what_it_matches_and_to_its_events(owner):
    wrong()
    rule = make_rule(is_on=True, kinds=["calls_fail"])

    listed = owner.get(LIST).content.decode()
    page = owner.get(page_of(rule)).content.decode()

    assert f'href="{page_of(rule)}#matching">1</a>' in listed
    assert 'id="matching"' in page
    assert f'href="/ops/audit/?about={rule.pk}"' in page


def test_rules_are_downloaded_as_csv(owner):
    wrong(micros=5_000_000)
    make_rule(is_on=True, kinds=["calls_fail"], least_micros=2_500_000)
    make_rule(name="Removed")
    do(owner, "alert.remove", AlertRule.objects.get(name="Removed").pk)

    (row,) = lines_of(owner.get(f"{LIST}?format=csv"))
    (removed,) = lines_of(owner.get(f"{LIST}?show=removed&format=csv"))

    assert (row["rule"], row["state"], row["kinds"]) == ("On call", "On", "calls_fail")
    assert (row["costs_at_least"], row["currency"], row["mails"]) == ("2.500000", "USD", OP)
    assert (row["webhook"], row["matches_now"], row["last_result"]) == ("no", "1", "Arrived")
    assert (removed["rule"], removed["state"], removed["kinds"]) == ("Removed", "Removed", "")


def test_a_secret_is_shown_once(owner, receiver):
    answer = owner.post(NEW, typed(url=receiver.url))
    rule = AlertRule.objects.get()
    rotated = owner.post(f"{page_of(rule)}secret/")
    again = owner.post(f"{page_of(rule)}secret/")
    none = owner.post(f"{page_of(make_rule(name='Other'))}secret/")

    secrets = [re.findall(r"whsec_[\w+/]+=*", one.content.decode()) for one in (answer, rotated)]
    assert [len(set(secret)) for secret in secrets] == [1, 1]
    assert secrets[0] != secrets[1]
    assert "whsec_" not in owner.get(page_of(rule)).content.decode()
    assert again.status_code == none.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "To end all secrets at once, give the rule a secret of your own" in said_by(again)


def test_a_form_that_is_sent_twice_makes_one_rule(owner):
    form = typed()

    first, second = owner.post(NEW, form), owner.post(NEW, form)

    assert first.status_code == second.status_code == HTTPStatus.SEE_OTHER
    assert AlertRule.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "This field is required"),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"is_all": ""}, "Choose at least one kind"),
        ({"is_all": "", "kinds": ["moon"]}, "moon is not one of the available choices"),
        ({"least": "-1"}, "Type an amount of 0 or more"),
        ({"least": "12,50"}, "is not an amount: type dollars, such as 12.50"),
        ({"least": "2,000,000,000"}, "a billion dollars"),
        ({"least_minutes": "-1"}, "greater than or equal to 0"),
        ({"least_minutes": ""}, "This field is required"),
        ({"repeat_hours": "169"}, "less than or equal to 168"),
        ({"repeat_hours": "often"}, "Enter a whole number"),
        ({"mails": ""}, "Give an e-mail address"),
        ({"mails": "ann@pictor.example, ann"}, "'ann' is not an e-mail address"),
        ({"mails": "\x00@"}, "Null characters are not allowed"),
        ({"url": "http://hooks.example.com/"}, "Url must be https"),
        ({"url": "https://[::1]/"}, "public addresses"),
        ({"url": "https://10.1.2.3/", "secret": "x"}, "public addresses"),
        ({"secret": "whsec_abc"}, "give its url"),
        ({"once": "x"}, "Enter a valid UUID"),
    ],
)
def test_a_typed_mistake_is_said_on_the_form_and_makes_nothing(owner, fields, words):
    answer = owner.post(NEW, typed(**fields))

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in said_by(answer)
    assert not AlertRule.objects.exists()


def test_a_secret_of_three_lines_is_refused(owner, receiver):
    answer = owner.post(NEW, typed(url=receiver.url, secret="whsec_QUFB\nQUFB\nQUFB"))

    assert "on one line" in said_by(answer)
    assert not AlertRule.objects.exists()


def test_a_change_is_saved_and_a_new_destination_switches_it_off(owner):
    rule = make_rule(is_on=True)
    edit = f"{page_of(rule)}edit/"
    form = owner.get(edit).content.decode()

    kept = owner.post(edit, typed(least="5", is_all="", kinds=["mail_overdue", "calls_fail"]))
    was_on = AlertRule.objects.get().is_enabled
    more = owner.post(edit, typed(mails=f"{OP}\nteam@acme.example"), follow=True)

    assert 'value="4"' not in form  # it will not be reported again, and the form says so
    assert (kept.status_code, was_on) == (HTTPStatus.SEE_OTHER, True)
    assert "It is off: send a test" in said_by(more)
    assert not AlertRule.objects.get().is_enabled


def test_the_second_of_two_tabs_is_refused_and_saves_only_on_purpose(owner):
    rule = make_rule()
    edit = f"{page_of(rule)}edit/"
    (seen,) = re.findall(r'name="seen" value="(\w+)"', owner.get(edit).content.decode())

    owner.post(edit, typed(name="First", seen=seen))
    second = owner.post(edit, typed(name="Second", seen=seen))
    kept = AlertRule.objects.get().name
    (now,) = re.findall(r'name="seen" value="(\w+)"', second.content.decode())
    owner.post(edit, typed(name="Second", seen=now))

    assert second.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Check it and save again. Stored now: Name: First." in said_by(second)
    assert 'value="Second"' in second.content.decode()
    assert (kept, AlertRule.objects.get().name) == ("First", "Second")


def test_an_address_of_others_is_confirmed_by_its_code(owner):
    rule = make_rule(mails=["team@acme.example"])
    before = said_by(owner.get(page_of(rule)))
    send_test(rule=rule, now=clock.now(), actor="test")
    code = re.findall(r"\b[0-9]{8}\b", Mail.objects.get(to="team@acme.example").text)[0]

    wrong_code = owner.post(
        f"{page_of(rule)}confirm/", {"address": "team@acme.example", "code": "00000000"}
    )
    right = owner.post(
        f"{page_of(rule)}confirm/",
        {"address": "team@acme.example", "code": code},
        follow=True,
    )

    assert "neither staff nor confirmed: gets only tests" in before
    assert wrong_code.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "That is not the code" in said_by(wrong_code)
    assert "team@acme.example confirmed" in said_by(right)
    assert "gets only tests" not in said_by(right)


def test_a_rule_is_removed_and_restored(owner):
    rule = make_rule(is_on=True)

    removed = do(owner, "alert.remove", rule.pk, follow=True)
    late = do(owner, "alert.test", rule.pk)
    there = said_by(owner.get(f"{LIST}?show=removed"))
    restored = do(owner, "alert.restore", rule.pk, follow=True)

    assert "On call removed" in said_by(removed)
    assert late.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "On call" in there
    assert "On call restored" in said_by(restored)
    assert "It is off" in said_by(restored)


def test_the_pages_say_what_matches_what_was_told_and_what_came_of_it(
    owner, django_assert_max_num_queries
):
    rule = make_rule(is_on=True, least_minutes=0, repeat_hours=4)
    late = make_rule(name="Late", least_minutes=30, kinds=["calls_fail", "mail_overdue"])
    told = wrong(micros=630_000)
    quiet = wrong("quiet", silenced_until=clock.now() + timedelta(hours=1))
    send_due_alerts(now=clock.now() + timedelta(seconds=1))
    mail.send_due(now=clock.now() + timedelta(seconds=2))

    with django_assert_max_num_queries(12):
        rules = said_by(owner.get(LIST))
    with django_assert_max_num_queries(12):
        one = said_by(owner.get(page_of(rule)))
    with django_assert_max_num_queries(12):
        off = said_by(owner.get(page_of(late)))
    with django_assert_max_num_queries(12):
        sent = said_by(owner.get(f"{LIST}sent/"))

    assert "Every condition, again every 4 hours" in rules
    assert "Calls fail and Mail overdue, once 30 minutes old" in rules
    assert told.object in one
    assert quiet.object not in one
    assert "$0.63" in one
    assert "not old enough yet" in off
    assert "New: Calls fail acme gpt-image-2 3 of 12 calls" in sent
    assert sent.count("Arrived op@pictor.example: sent") == 2


def test_sent_alerts_are_listed_in_pages_and_as_csv(owner):
    rule = make_rule(is_on=True)
    wrong("=acme")
    send_due_alerts(now=clock.now() + timedelta(seconds=1))
    now = clock.now()
    AlertSending.objects.bulk_create(
        AlertSending(rule=rule, at=now, mails=[OP], mail_ids=[uuid4()]) for _ in range(51)
    )

    lines = lines_of(owner.get(f"{LIST}sent/?format=csv"))
    first = owner.get(f"{LIST}sent/").content.decode()
    (older,) = re.findall(r'href="(\?after=[^"]+)"', first)
    second = owner.get(f"{LIST}sent/{older}").content.decode()

    (fired,) = [line for line in lines if line["occasion"] == "fired"]
    assert (fired["rule"], fired["is_test"], fired["about"]) == ("On call", "no", "'=acme")
    assert (fired["words"], fired["to"]) == ("3 of 12 calls", OP)
    assert len([line for line in lines if line["is_test"] == "yes"]) == 1
    assert (first.count('class="grid gap-2 px-4 py-3'), second.count("Newest")) == (50, 1)
    assert owner.get(f"{LIST}sent/?after=x").status_code == HTTPStatus.OK


def test_a_link_of_a_mail_leads_where_the_button_leads(owner):
    open_one, over = wrong("past", kind="past_deadline"), wrong("gone", resolved_at=clock.now())

    there = owner.get(f"/ops/conditions/{open_one.pk}/")
    ended = owner.get(f"/ops/conditions/{over.pk}/", follow=True)
    missing = owner.get(f"/ops/conditions/{over.pk + 999}/", follow=True)

    assert there["Location"] == "/ops/generations/?model=past&late=1"
    assert "That is over since" in said_by(ended)
    assert "That is over." in said_by(missing)


def test_other_staff_change_nothing_and_see_no_whole_url(receiver, owner):
    rule = make_rule(url=f"{receiver.url}/T00/secret")
    User.objects.create_user("fin@pictor.example", "correct horse", staff_role="finance")
    client = Client()
    client.force_login(User.objects.get(email="fin@pictor.example"))

    seen = client.get(page_of(rule)).content.decode() + client.get(LIST).content.decode()

    assert ("T00" in seen, "T00" in owner.get(page_of(rule)).content.decode()) == (False, True)
    assert ("Add rule" in seen, "Send test" in seen, "Edit rule" in seen) == (False, False, False)
    assert client.get(NEW).status_code == HTTPStatus.NOT_FOUND


def test_a_missing_rule_has_no_pages(owner):
    missing = f"{LIST}{uuid4()}/"

    answers = [owner.get(missing), owner.get(f"{missing}edit/"), owner.post(f"{missing}secret/")]

    assert {answer.status_code for answer in answers} == {HTTPStatus.NOT_FOUND}
    assert owner.get(f"{LIST}x/").status_code == HTTPStatus.NOT_FOUND


def test_a_rule_that_is_switched_off_is_said_to_be_off(owner):
    rule = make_rule(is_on=True)

    answer = do(owner, "alert.disable", rule.pk, follow=True)

    assert "On call is off" in said_by(answer)
    assert not AlertRule.objects.get().is_enabled


def test_a_name_means_the_rule_that_is_there_before_one_that_was_removed():
    removed = make_rule(is_on=True)
    AlertRule.objects.update(archived_at=clock.now(), is_enabled=False)
    before = RULE.named("On call")
    there = make_rule(is_on=True)

    assert (before, RULE.named("On call")) == (removed, there)
