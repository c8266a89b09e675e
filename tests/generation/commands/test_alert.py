"""`manage.py alert`: alert rules at the shell."""

import json
import re
import sys
from datetime import timedelta
from io import StringIO

import pytest
from django.core.cache import cache

from accounts.models import Mail, User
from accounts.services.office import mail
from generation.models import AlertRule, Condition
from pictor.kit.words import clock
from tests.webhooks.conftest import receiver

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db
ANN = "ann@pictor.example"


@pytest.fixture(autouse=True)
def ann(db, settings):
    settings.SENDS_MAIL = True
    cache.clear()  # the limits of mails
    User.objects.create_user(ANN, "correct horse", staff_role="operator")


def test_a_rule_is_made_tested_switched_removed_and_restored(manage, receiver):
    made = manage("alert", "set", "On call", "--mails", ANN, "--url", receiver.url, "--json")
    untried = manage("do", "alert.enable", "On call")
    tested = manage("do", "alert.test", "On call")
    mail.send_due(now=clock.now() + timedelta(seconds=1))
    receiver.work()
    said = [
        manage("do", f"alert.{act}", "On call").out.strip()
        for act in ("enable", "disable", "remove", "restore")
    ]

    assert "No test was sent to" in str(untried.error)
    assert json.loads(made.out)["secret"].startswith("whsec_")
    assert tested.out == "Test sent. Reload to see its result\n"
    assert said == [
        "On call is on",
        "On call is off",
        "On call removed",
        "On call restored",
    ]


def test_options_not_named_stay(manage):
    manage(
        "alert", "set", "Money", "--mails", ANN, "--kinds", "sold_below_cost,cost_unknown",
        "--least", "5", "--after", "10", "--repeat", "6", "--page", "https://pictor.example/ops/",
    )  # fmt: skip

    manage("alert", "set", "Money", "--rename", "Margin", "--least", "none", "--kinds", "all")

    rule = AlertRule.objects.get()
    assert (rule.name, rule.kinds, rule.least_micros) == ("Margin", None, None)
    assert (rule.least_minutes, rule.repeat_hours, rule.mails) == (10, 6, [ANN])
    assert rule.page == "https://pictor.example/ops/"


def test_the_list_says_what_each_matches_and_told(manage):
    manage("alert", "set", "On call", "--mails", ANN)
    manage("do", "alert.test", "On call")
    Condition.objects.create(kind="calls_fail", object="acme", words="no", since=clock.now())

    (row,) = json.loads(manage("alert", "list", "--json").out)
    table = manage("alert", "list").out

    assert (row["name"], row["is"], row["kinds"], row["matches"]) == ("On call", "off", "all", 1)
    assert (row["is_test"], row["result"]) == (True, f"{ANN}: on its way")
    assert table.splitlines()[0].split() == [
        "name", "is", "kinds", "to", "matches", "told", "result",
    ]  # fmt: skip
    manage("do", "alert.remove", "On call")
    assert manage("alert", "list").out == "There are no alert rules.\n"
    assert "removed" in manage("alert", "list", "--removed").out


def test_an_address_is_confirmed_and_a_secret_is_read_and_rotated(manage, receiver, monkeypatch):
    monkeypatch.setattr(sys, "stdin", StringIO("whsec_" + "QUFB" * 8 + "\n"))
    team = "team@acme.example"
    made = manage(
        "alert", "set", "On call", "--mails", team, "--url", receiver.url, "--secret", "-"
    )

    manage("do", "alert.test", "On call")
    code = re.findall(r"\b[0-9]{8}\b", Mail.objects.get(to=team).text)[0]

    confirmed = manage("alert", "confirm", "On call", team, code)
    rotated = manage("alert", "rotate", "On call")

    assert made.out == "On call is created; it is off until a test gets through\n"
    assert confirmed.out == "team@acme.example now gets alerts of On call\n"
    assert rotated.out.startswith("Its new secret, shown this once: whsec_")


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (("set", "x"), "mails: Give an e-mail address, a webhook, or both"),
        (("set", "x", "--mails", "ann"), "mails: 'ann' is not an e-mail address"),
        (("set", "x", "--mails", ANN, "--kinds", "moon"), "kinds: There is no kind 'moon'"),
        (("set", "x", "--mails", ANN, "--kinds", ","), "a list of names"),
        (("set", "x", "--mails", ANN, "--least", "-1"), "below 0"),
        (("set", "x", "--mails", ANN, "--least", "much"), "much"),
        (("set", "x", "--mails", ANN, "--after", "-1"), "'-1' is not a whole number from 0"),
        (("set", "x", "--mails", ANN, "--repeat", "1.5"), "'1.5' is not a whole number from 0"),
        (("set", "x", "--url", "http://example.com/"), "url: url must be https"),
        (("set", "x", "--url", "https://192.168.1.1/"), "url: url must be https"),
        (("set", "x", "--mails", ANN, "--secret", "x"), "secret: A secret is only for a webhook"),
        (("rotate", "nothing"), "there is no rule 'nothing'"),
    ],
)
def test_a_mistake_is_one_line_and_makes_nothing(manage, words, mistake):
    refused = manage("alert", *words)

    assert mistake in str(refused.error)
    assert "\n" not in str(refused.error)
    assert not AlertRule.objects.exists()
