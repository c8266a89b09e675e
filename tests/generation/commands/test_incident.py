"""`manage.py incident`."""

import json

import pytest

from generation.models import Incident, IncidentUpdate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

ORIGIN = "gpt-image-2-origin"
WORDS = ("--words", "We look into it.")


def test_an_incident_is_told_updated_corrected_resolved_and_listed(manage):
    none = manage("incident", "list")
    began = manage("incident", "start", "Wrong colours", "--parts", ORIGIN, *WORDS, "--mail")
    number = str(Incident.objects.get().id)
    listed = manage("incident", "list")
    update = manage(
        *("incident", "update", number, "--state", "monitoring"),
        *("--words", "It is the profle.", "--next", "2099-01-01T00:00:00Z"),
    )
    said = IncidentUpdate.objects.latest("id")
    corrected = manage("incident", "correct", str(said.id), "--words", "It is the profile.")
    resolved = manage("incident", "resolve", number, *WORDS, "--as", "ann@pictor.example")

    assert none.out == "Nothing is open.\n"
    assert began.out == f"{number}: Wrong colours, investigating; 0 owners are mailed\n"
    assert listed.out.splitlines()[0].split() == [
        *("id", "state", "begins_at", "ends_at", "next_update_at", "parts", "title"),
    ]
    assert update.out == f"{number}: Wrong colours, monitoring\n"
    assert corrected.out == f"update {said.id} is corrected\n"
    assert resolved.out == f"{number}: Wrong colours, resolved\n"
    assert manage("incident", "list").out == "Nothing is open.\n"
    (one,) = json.loads(manage("incident", "list", "--all", "--json").out)
    assert [(said["state"], said["is_edited"]) for said in one["updates"]] == [
        ("resolved", False),
        ("monitoring", True),
        ("investigating", False),
    ]
    assert one["updates"][0]["by"].endswith(" as ann@pictor.example)")


def test_planned_maintenance_is_scheduled(manage):
    times = ("--from", "2099-01-01T10:00:00Z", "--until", "2099-01-01T11:00:00Z")

    said = manage("incident", "plan", "New servers", "--parts", "API", *times, *WORDS, "--json")

    found = json.loads(said.out)
    assert (found["state"], found["begins_at"]) == ("scheduled", "2099-01-01T10:00:00+00:00")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("start", "x", "--parts", "gpt-9", *WORDS),
            "parts: no such part: gpt-9; available: API, ",
        ),
        (("start", " ", "--parts", "API", *WORDS), "title: say what is wrong"),
        (("start", "x", "--parts", "API", *WORDS, "--next", "soon"), "'soon' is not a time"),
        (("start", "x", "--parts", "API", "--words", " "), "words: say it"),
        (("update", "7", *WORDS), "no incident 7"),
        (("resolve", "x", *WORDS), "'x' is not a whole number"),
        (("correct", "7", *WORDS), "no update 7"),
    ],
)
def test_mistakes_are_one_line_each(manage, words, error):
    said = manage("incident", *words)

    assert said.error is not None
    assert said.error.startswith(error)
    assert not Incident.objects.exists()
