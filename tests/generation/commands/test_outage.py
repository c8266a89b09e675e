"""One credit to every tenant that an outage hit, at the shell."""

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
WHY = ("--note", "the vendor was down", "--words", "Sorry")


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
    return ("--since", since.isoformat(), "--until", until.isoformat())


def credited() -> list[int]:
    return sorted(Transfer.objects.filter(kind="credit").values_list("amount", flat=True))


def test_all_are_credited_what_they_were_quoted_and_not_again(manage, monkeypatch, times):
    monkeypatch.setattr(sys, "stdin", StringIO("2\n"))

    said = manage("do", "outage.credit", *times, *WHY)
    again = manage("do", "outage.credit", *times, *WHY, "--json")

    assert said.out == (
        "first: 2 failed, quoted $0.10536: $10.00 → $10.10536\n"
        "second: 1 failed, quoted $0.05268: $10.00 → $10.05268\n"
        "2 tenants, credits $0.15804.\n"
        "Type the number of tenants: 2 tenants credited or waiting\n"
        "first: Credited: $0.10536\n"
        "second: Credited: $0.05268\n"
    )
    assert again.error == "No tenant that is not credited yet was hit in that time."
    assert credited() == [52_680, 105_360]
    assert {one.reason for one in Transfer.objects.filter(kind="credit")} == {"Sorry"}


def test_each_gets_so_much(manage, times):
    manage("do", "outage.credit", *times, *WHY, "--each", "0.5", "--confirm", "2")

    assert credited() == [500_000, 500_000]


def test_above_what_one_person_moves_in_all_each_waits(manage, monkeypatch, times, settings):
    settings.MONEY_NEEDS_TWO = 150_000
    monkeypatch.setattr(sys, "stdin", StringIO("2\n"))

    said = manage("do", "outage.credit", *times, *WHY).out

    assert "Above $0.15 in all: each waits for another person" in said
    assert "first: Waits for another person: $0.10536\n" in said
    assert "second: Waits for another person: $0.05268\n" in said
    assert credited() == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "There are 2."),
        (("--until", "2020-01-01T00:00:00Z"), "it ends before it begins"),
        (("--since", "2020-01-01T00:00:00Z"), "an outage may last at most 24 hours"),
        (("--each=-1",), "--each: Type an amount above 0, or nothing."),
        (("--note", " "), "--note: This field is required."),
    ],
)
def test_a_mistyped_outage_credits_nobody(manage, monkeypatch, times, words, complaint):
    monkeypatch.setattr(sys, "stdin", StringIO("3\n"))

    assert manage("do", "outage.credit", *times, *WHY, *words).error == complaint
    assert credited() == []


def test_a_failure_by_the_callers_fault_belongs_to_no_outage(manage, times):
    Generation.objects.update(error={"status": 400, "code": "invalid_value"})

    said = manage("do", "outage.credit", *times, *WHY)

    assert said.error == "No tenant that is not credited yet was hit in that time."
