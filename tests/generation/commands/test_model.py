"""`manage.py model sunset`."""

import json
from datetime import timedelta

import pytest

from generation.models import Contract
from pictor.kit.words import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

OLD, NEW = "gpt-image-1", "gpt-image-2"
ON = ("model", "sunset", OLD, "--on", "2099-03-01", "--successor", NEW)


def test_an_end_is_announced_and_withdrawn(manage):
    said = manage(*ON, "--deprecated", "2099-01-01T12:00:00+01:00")
    as_json = manage(*ON, "--json")
    kept = manage("model", "sunset", OLD, "--withdraw")

    assert said.out == (
        "gpt-image-1 is deprecated since 2099-01-01T11:00:00+00:00 and ends at"
        " 2099-03-01T00:00:00+00:00: then requests get 410 model_sunset, which names gpt-image-2."
        " Once it has come, the end is for good\n"
    )
    assert json.loads(as_json.out) == {
        "model": OLD,
        "deprecated_at": "2099-01-01T11:00:00+00:00",
        "sunset_at": "2099-03-01T00:00:00+00:00",
        "successor": NEW,
    }
    assert kept.out == "gpt-image-1 stays\n"
    assert json.loads(manage(*ON, "--json").out)["successor"] == NEW
    assert json.loads(manage("model", "sunset", OLD, "--withdraw", "--json").out) == {
        "model": OLD,
        "deprecated_at": None,
        "sunset_at": None,
        "successor": None,
    }
    assert Contract.objects.get(model=OLD).sunset_at is None


def test_mistakes_are_one_line_each(manage):
    sunset = ("model", "sunset", OLD)

    assert manage(*sunset).error == "--on DATE and --successor MODEL are needed, or --withdraw"
    assert manage(*ON, "--withdraw").error == "--withdraw takes no date and no successor"
    assert manage(*sunset, "--withdraw").error == "no end of gpt-image-1 is announced"
    assert manage(*sunset, "--on", "1 March", "--successor", NEW).error == (
        "'1 March' is not a time with its zone, such as 2026-12-01 00:00 UTC"
    )
    assert (
        manage(*sunset, "--on", "2020-01-01", "--successor", NEW).error == "sunset_at: has passed"
    )
    assert manage(*sunset, "--on", "2099-01-01", "--successor", OLD).error == (
        "successor: must be another model"
    )


def test_a_date_that_is_near_is_meant(manage):
    near = (clock.now() + timedelta(days=7, hours=1)).isoformat()
    soon = ("model", "sunset", OLD, "--on", near, "--successor", NEW)

    assert manage(*soon).error == (
        "gpt-image-1 would end in 7 days, for good; customers get 60 unless you confirm the date:"
        " --soon"
    )
    assert manage(*soon, "--soon").error is None
