"""`manage.py status`: open conditions, its exit status, and acknowledgements."""

import json
from datetime import timedelta

import pytest

from accounts.models import AuditEvent
from generation.models import Condition, ConditionLook
from pictor.kit.words import clock

pytestmark = pytest.mark.django_db

STALE = "no check for 3 minutes: is a short-work worker running?"


def looked(**ago: float) -> str:
    at = clock.now() - timedelta(**ago)
    ConditionLook.objects.create(first_at=at, looked_at=at)
    return at.isoformat()


def condition(name: str = "acme", **facts: object) -> Condition:
    since = clock.now() - timedelta(hours=1)
    words = f"{name} is below cost"
    return Condition.objects.create(
        kind="below_cost", object=name, micros=12_500, words=words, since=since, **facts
    )


def test_status_says_that_nothing_needs_attention(manage):
    at = looked(seconds=10)
    condition(resolved_at=clock.now())

    said = manage("status")

    assert (said.out, said.error) == (f"Nothing needs attention. Last check {at}.\n", None)
    assert json.loads(manage("status", "--json").out) == {
        "looked_at": at,
        "is_fresh": True,
        "conditions": [],
    }


def test_open_conditions_are_printed_and_the_exit_status_is_1(manage):
    at = looked(seconds=10)
    one = condition()

    said, as_json = manage("status"), manage("status", "--json")

    since = one.since.isoformat(timespec="seconds")
    assert said.error == as_json.error == "open conditions: 1"
    head, row, last = said.out.splitlines()
    assert head.split() == ["id", "kind", "object", "since", "usd", "assigned_to", "quiet", "words"]
    assert row.split() == [
        *(str(one.id), "below_cost", "acme", since, "0.012500"),
        *("acme", "is", "below", "cost"),
    ]
    assert last == f"Last check {at}."
    assert json.loads(as_json.out)["conditions"] == [
        {
            "id": one.id, "kind": "below_cost", "object": "acme", "since": since,
            "usd": "0.012500", "words": "acme is below cost", "assigned_to": "",
            "silenced_until": None, "is_accepted": False, "why": "",
        }
    ]  # fmt: skip


def test_a_look_of_more_than_three_minutes_ago_ends_with_1(manage):
    never = manage("status")
    looked(seconds=181)

    assert (never.out, never.error) == ("Nothing needs attention. No check yet.\n", STALE)
    assert manage("status").error == STALE
    ConditionLook.objects.update(looked_at=clock.now() - timedelta(seconds=170))
    assert manage("status").error is None


def test_silenced_and_accepted_conditions_do_not_count_and_are_shown_on_request(manage):
    looked(seconds=10)
    one, other = condition(), condition("bravo")

    quiet = manage("status", "silence", str(one.id), "--why", "new prices tonight", "--json")
    manage("status", "accept", str(other.id), "--why", "a pilot customer")

    until = json.loads(quiet.out)["silenced_until"]
    assert manage("status").error is None
    assert "acme" not in manage("status").out
    shown = manage("status", "--all")
    assert shown.error is None
    assert f"until {until}" in shown.out
    assert "accepted" in shown.out
    Condition.objects.update(silenced_until=clock.now())
    assert manage("status").error == "open conditions: 1"
    manage("status", "recall", str(other.id))
    assert manage("status").error == "open conditions: 2"


def test_a_condition_is_assigned_to_the_caller_or_to_a_named_person(manage):
    looked(seconds=10)
    one = str(condition().id)

    mine = manage("status", "assign", one, "--json", "--as", "ann@example.com")
    theirs = manage("status", "assign", one, "--to", "bob", "--json")

    assert json.loads(mine.out)["assigned_to"] == "ann@example.com"
    assert json.loads(theirs.out)["assigned_to"] == "bob"
    assert manage("status").error == "open conditions: 1"
    first = AuditEvent.objects.filter(action="condition.assign").earliest("id")
    assert first.actor_name.endswith(" as ann@example.com)")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("assign", "99"), "no condition 99 is open"),
        (("assign", "x"), "'x' is not a whole number from 1 to 2147483647"),
        (("silence", "1", "--why", ""), "say why, in at most 200 characters"),
        (("silence", "1", "--why", "x", "--hours", "169"), "silence it for 1 to 168 hours"),
        (("assign", "1", "--to", "x" * 255), "name the assignee, in at most 254 characters"),
    ],
)
def test_a_mistake_is_one_line(manage, words, error):
    assert manage("status", *words).error == error
