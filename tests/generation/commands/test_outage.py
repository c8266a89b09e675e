"""`manage.py generation outage`: one credit to every tenant that was hit."""

import json
import sys
from datetime import timedelta
from io import StringIO

import pytest

from billing.models import Transfer
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail
from generation.models import Generation
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer, make_channel, make_worker, take

pytestmark = pytest.mark.django_db
WHY = ("--reason", "the vendor was down", "--words", "Sorry")


@pytest.fixture
def hit(seeded):
    """Two failures of one tenant and one of another."""
    make_channel()
    first, second = PayingCustomer("first"), PayingCustomer("second")
    for customer in (first, first, second):
        claim = take(generation_id=customer.generation().id, worker=make_worker())
        assert claim is not None
        fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())
    return first, second


@pytest.fixture
def times(hit):
    now = clock.now()
    since, until = now - timedelta(hours=1), now + timedelta(hours=1)
    return ("--from", since.isoformat(), "--to", until.isoformat())


def credited() -> list[int]:
    return sorted(Transfer.objects.filter(kind="credit").values_list("amount", flat=True))


def test_all_are_credited_what_they_were_quoted_and_not_again(manage, monkeypatch, times):
    monkeypatch.setattr(sys, "stdin", StringIO("2\n"))

    said = manage("generation", "outage", *times, *WHY)
    again = manage("generation", "outage", *times, *WHY, "--json")

    assert said.out == (
        "tenant  failed  quoted    credit\n"
        "first   2       0.105360  0.105360\n"
        "second  1       0.052680  0.052680\n"
        "Credit 0.158040 USD to 2 tenants? Type their number: "
        "first: 0.105360 USD credited\n"
        "second: 0.052680 USD credited\n"
    )
    assert [one["refusal"] for one in json.loads(again.out)] == [
        "that time is already covered", "that time is already covered",
    ]  # fmt: skip
    assert credited() == [52_680, 105_360]
    assert {one.reason for one in Transfer.objects.filter(kind="credit")} == {"Sorry"}


def test_each_gets_so_much_without_a_question(manage, times):
    manage("generation", "outage", *times, *WHY, "--each", "0.5", "--yes")

    assert credited() == [500_000, 500_000]


def test_above_what_one_person_moves_in_all_each_waits(manage, monkeypatch, times, settings):
    settings.MONEY_NEEDS_TWO = 150_000
    monkeypatch.setattr(sys, "stdin", StringIO("2\n"))

    said = manage("generation", "outage", *times, *WHY).out

    question = "Credit 0.158040 USD to 2 tenants, each once another person approves it?"
    assert f"{question} Type their number: " in said
    assert "first: 0.105360 USD wait for another person\n" in said
    assert "second: 0.052680 USD wait for another person\n" in said
    assert credited() == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "Nothing was changed."),
        (("--to", "2020-01-01T00:00:00Z"), "it ends before it begins"),
        (("--from", "2020-01-01T00:00:00Z"), "an outage may last at most 24 hours"),
        (("--each", "-1"), "'-1' is below 0"),
        (("--reason", " "), "--reason is empty"),
    ],
)
def test_a_mistyped_outage_credits_nobody(manage, monkeypatch, times, words, complaint):
    monkeypatch.setattr(sys, "stdin", StringIO("3\n"))

    assert manage("generation", "outage", *times, *WHY, *words).error == complaint
    assert credited() == []


def test_a_failure_by_the_callers_fault_belongs_to_no_outage(manage, times):
    Generation.objects.update(error={"status": 400, "code": "invalid_value"})

    assert json.loads(manage("generation", "outage", *times, *WHY, "--json").out) == []
