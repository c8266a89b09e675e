"""`manage.py stop` and `start`."""

import json

import pytest

from generation.models import Stop
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.django_db

ORIGIN = "gpt-image-2-origin"


def test_a_model_is_stopped_listed_and_started(seeded, manage):
    none = manage("stop")
    said = manage("stop", ORIGIN, "--reason", "wrong colours", "--words", "Soon.", "--as", "a@b.io")

    since = Stop.objects.get().began_at.isoformat(timespec="seconds")
    assert none.out == "Nothing is stopped.\n"
    assert said.out == (
        f"{ORIGIN} is stopped since {since}: requests get 503 paused, queued work waits to its"
        " deadline, running work finishes\n"
    )
    (row,) = json.loads(manage("stop", "--json").out)
    assert row.pop("by").endswith(" as a@b.io)")
    assert row == {"what": ORIGIN, "since": since, "reason": "wrong colours", "words": "Soon."}
    assert manage("stop").out.splitlines()[0].split() == ["what", "since", "by", "reason", "words"]
    assert manage("start", ORIGIN).out == (f"{ORIGIN} has resumed; it was stopped since {since}\n")
    assert manage("stop", "--json").out == "[]\n"


def test_a_tenant_is_named_by_its_id(seeded, manage):
    acme = PayingCustomer("acme")

    said = manage("stop", acme.tenant.public_id, "--reason", "a loop", "--json")

    assert json.loads(said.out)["what"] == f"acme ({acme.tenant.public_id})"
    assert manage("start", "acme", "--json").error is None


def test_mistakes_are_one_line_each(seeded, manage):
    assert manage("stop", "all").error == "--reason TEXT is needed, for staff"
    assert manage("start", "all").error == "Everything is not stopped"
    assert manage("stop", "gpt-9", "--reason", "x").error == (
        "no model or tenant is called 'gpt-9': give one, or all"
    )
    assert manage("stop", "all", "--reason", "x" * 201).error == (
        "reason: say why, in at most 200 characters"
    )
