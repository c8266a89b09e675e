"""`manage.py generation list`."""

import json
from datetime import timedelta

import pytest

from generation.models import Generation
from pictor.kit.words import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(acme):
    return acme.admit(5_880)


@pytest.fixture
def listed(manage, waiting, settled):
    """The ids listed with these arguments."""
    now = clock.now()
    for one, minutes in ((waiting, 2), (settled, 1)):
        begun = now - timedelta(minutes=minutes)
        deadline = begun + timedelta(minutes=8)
        found = Generation.objects.filter(id=one.id)
        found.update(created_at=begun, deadline_at=deadline)

    def listed(*words):
        found = json.loads(manage("generation", "list", *words, "--json").out)
        return [row["id"] for row in found]

    return listed


def test_the_newest_come_first_and_filters_narrow_it(listed, waiting, settled):
    both = [settled.public_id, waiting.public_id]

    assert listed() == both
    assert listed("--tenant", "acme", "--hours", "100") == both
    assert listed("--limit", "1") == both[:1]
    assert listed("--state", "queued") == [waiting.public_id]
    assert listed("--channel", "vendor") == [settled.public_id]
    assert listed("--mode", "test") == []
    assert listed("--model", "dall-e-3") == []


def test_only_unended_generations_are_past_their_deadline(listed, waiting):
    assert listed("--late") == []
    Generation.objects.update(deadline_at=clock.now() - timedelta(seconds=1))

    assert listed("--late") == [waiting.public_id]


def test_the_list_is_a_table_by_default(manage, settled):
    Generation.objects.update(request_id="req_1")

    head, line = manage("generation", "list").out.splitlines()

    assert head.split()[:5] == ["id", "created", "deadline", "tenant", "state"]
    cells = line.split()
    assert cells[0] == settled.public_id
    assert cells[3:5] == ["acme", "succeeded"]
    assert cells[-4:] == ["vendor", "delivered", "0.005880", "req_1"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--hours", "25"), "more than 24 hours need one --tenant"),
        (("--hours", "0"), "--hours is 1 to 100000, not 0"),
        (("--limit", "-1"), "--limit is 1 to 100000, not -1"),
        (("--tenant", "nobody"), "nobody"),
    ],
)
def test_a_senseless_option_is_refused_with_a_reason(manage, seeded, words, why):
    assert why in manage("generation", "list", *words).error
