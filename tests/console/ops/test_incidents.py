"""Incidents by forms: sent once, prefilled from their condition; mistakes send nothing."""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from generation.models import Condition, Incident, IncidentUpdate
from generation.oversight import incidents
from generation.oversight.incidents import IncidentWords, State
from pictor.kit.words import clock
from tests.console.answers import lines_of, words_of
from tests.making.factories import ORIGIN

pytestmark = pytest.mark.usefixtures("sown")

LIST, NEW, PLAN = "/ops/incidents/", "/ops/incidents/new/", "/ops/incidents/plan/"


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == HTTPStatus.OK
    return words_of(answer)


def ticked(page: str) -> list[str]:
    """The ticked parts."""
    return re.findall(r'name="parts" value="([^"]+)"[^>]* checked>', page)


def typed(**fields: Any) -> dict[str, Any]:
    return {
        "title": "Wrong colours",
        "parts": [ORIGIN],
        "state": "investigating",
        "words": "We look into it.",
        "next_update_at": "",
        "once": str(uuid4()),
        **fields,
    }


def begun(**facts: Any) -> Incident:
    told = IncidentWords(words="We look into it.", once=uuid4())
    return incidents.begin(
        **{
            "title": "Wrong colours",
            "touched": [ORIGIN],
            "state": State.INVESTIGATING,
            "post": told,
            "now": clock.now(),
            "actor": "Ann",
            **facts,
        }
    )


def test_an_empty_list_says_that_there_were_no_incidents(owner):
    assert "No incidents yet" in shown(owner, LIST)


def listed(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'href="/ops/incidents/(\d+)/"', page)]


def test_ended_incidents_are_found_by_page_part_kind_and_as_csv(
    owner, django_assert_max_num_queries
):
    now = clock.now()
    made = [begun(now=now) for _ in range(52)]
    Incident.objects.update(ends_at=now, state="resolved")  # all at once: the id decides
    numbers = [one.id for one in reversed(made)]
    other = begun(touched=["API"], title="=Slow")

    with django_assert_max_num_queries(12):
        first = shown(owner, LIST)
    after = f"?after={numbers[49]}"
    second = shown(owner, LIST + after)

    assert listed(first) == [other.id, *numbers[:50]]
    assert f'href="{after}"' in first
    assert listed(second) == numbers[50:]
    assert ">Newest<" in second
    assert listed(shown(owner, f"{LIST}?part=API")) == [other.id]
    assert "No incidents match" in shown(owner, f"{LIST}?kind=maintenance")
    assert listed(shown(owner, f"{LIST}?kind=nonsense&after=x")) == listed(first)
    assert "No earlier ones" in shown(owner, f"{LIST}?after={numbers[-1]}")
    (row,) = lines_of(owner.get(f"{LIST}?part=API&format=csv"))
    assert (row["incident"], row["title"], row["state"]) == (
        *(str(other.id), "'=Slow", "investigating"),
    )
    assert (row["words"], row["by"], row["mailed"]) == ("We look into it.", "Ann", "0")
    assert len(lines_of(owner.get(f"{LIST}?format=csv"))) == 53


def test_an_incident_is_told_once_however_often_it_is_sent(owner, django_assert_max_num_queries):
    form = typed()

    answers = [owner.post(NEW, form) for _ in range(2)]

    incident = Incident.objects.get()
    assert [(answer.status_code, answer["Location"]) for answer in answers] == 2 * [
        (303, f"{LIST}{incident.id}/")
    ]
    assert IncidentUpdate.objects.get().by == "op@pictor.example"
    with django_assert_max_num_queries(12):
        listed = shown(owner, LIST)
    assert "Wrong colours" in listed
    with django_assert_max_num_queries(12):
        page = shown(owner, f"{LIST}{incident.id}/")
    assert "We look into it." in page
    assert '<option value="identified" selected>' in page


def test_a_condition_fills_in_the_model_and_words_that_name_no_channel(owner):
    condition = Condition.objects.create(
        kind="calls_fail",
        object=f"acme-openai {ORIGIN}",
        words="2 of 20 calls in 10 minutes brought images",
        since=clock.now(),
    )

    page = shown(owner, f"{NEW}?condition={condition.id}")

    assert 'value="Many requests fail"' in page
    assert f'value="{ORIGIN}"' in page
    assert ticked(page) == [ORIGIN]
    assert "acme-openai" not in page
    assert "brought images" not in page


def test_only_conditions_that_customers_feel_offer_an_incident(owner):
    for kind in ("queued_too_long", "sold_below_cost"):
        Condition.objects.create(kind=kind, object=ORIGIN, words="x", since=clock.now())
    felt = Condition.objects.get(kind="queued_too_long")

    links = re.findall(r"/ops/incidents/new/[^\"]*", shown(owner, "/ops/"))

    assert links == [f"{NEW}?condition={felt.id}"]
    assert 'value="Requests wait longer than usual"' in shown(owner, links[0])


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 30, "\N{SUPERSCRIPT TWO}"])
def test_a_condition_that_is_none_fills_in_nothing(owner, number):
    assert ticked(shown(owner, f"{NEW}?condition={number}&parts=nonsense&parts=%00")) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": ""}, "This field is required."),
        ({"parts": []}, "This field is required."),
        ({"parts": ["gpt-9"]}, "is not one of the available choices"),
        ({"parts": ["\0"]}, "is not one of the available choices"),
        ({"state": "resolved"}, "is not one of the available choices"),
        ({"words": " "}, "This field is required."),
        (
            {"next_update_at": "soon"},
            "&#x27;soon&#x27; is not a time with its zone, such as 2026-12-01 00:00 UTC.",
        ),
        ({"next_update_at": "2099-02-30 10:00 UTC"}, "is not a time with its zone"),
        ({"next_update_at": "2099-01-01T10:00"}, "is not a time with its zone"),
        ({"next_update_at": "2020-01-01 10:00 UTC"}, "Must lie ahead"),
        ({"once": "x"}, "Enter a valid UUID."),
        ({"once": ""}, "This field is required."),
    ],
)
def test_mistakes_are_said_and_tell_nobody(owner, fields, said):
    answer = owner.post(NEW, typed(**fields))

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.content.decode()
    assert not Incident.objects.exists()


def test_an_incident_is_updated_corrected_and_resolved(owner, client):
    incident = begun()
    page = f"{LIST}{incident.id}/"
    more = {"words": "It is the profle.", "state": "monitoring", "once": str(uuid4())}

    updated = owner.post(f"{page}update/", more)
    update = incident.updates.latest("id")
    corrected = owner.post(f"{page}updates/{update.id}/", {"words": "It is the profile."})
    owner.post(
        f"{page}update/", {"words": "All is well.", "state": "resolved", "once": str(uuid4())}
    )

    assert (updated.status_code, corrected.status_code) == (303, 303)
    status = shown(client, "/status/")
    assert "It is the profile." in status
    assert " · edited " in status
    incident.refresh_from_db()
    assert incident.state == "resolved"
    assert "Nothing is open." in shown(owner, LIST)
    refused = owner.post(f"{page}updates/{update.id}/", {"words": " "}, follow=True)
    assert "say it, in at most 2000 characters" in refused.content.decode()
    assert owner.post(f"{page}updates/{update.id}/", {"words": "It is\0 well."}).status_code == 303


def test_maintenance_is_planned_and_ends_early(owner):
    ahead = clock.now() + timedelta(days=1)
    times = {"begins_at": f"{ahead:%Y-%m-%d 10:00} UTC", "ends_at": f"{ahead:%Y-%m-%d 11:00} UTC"}

    wrong = owner.post(PLAN, typed(**{**times, "ends_at": times["begins_at"]}))
    owner.post(PLAN, typed(**times))

    assert "Must be after the beginning" in wrong.content.decode()
    incident = Incident.objects.get()
    assert incident.is_maintenance
    assert incident.ends_at == incident.begins_at + timedelta(hours=1)
    assert f"{incident.begins_at:%H:%M}" == "10:00"
    assert ">Scheduled<" in shown(owner, LIST)
    page = f"{LIST}{incident.id}/"
    owner.post(f"{page}update/", {"words": "More soon.", "state": "", "once": str(uuid4())})
    assert ">Scheduled<" in shown(owner, LIST)
    owner.post(
        f"{page}update/", {"words": "Called off.", "state": "resolved", "once": str(uuid4())}
    )
    assert ">Completed<" in shown(owner, LIST)


def test_a_missing_incident_is_not_found(owner):
    assert owner.get(f"{LIST}7/").status_code == HTTPStatus.NOT_FOUND
    assert owner.post(f"{LIST}7/update/", {"words": "x"}).status_code == HTTPStatus.NOT_FOUND
    refused = owner.post(f"{LIST}7/updates/7/", {"words": "x"})
    assert refused.status_code == HTTPStatus.FOUND


def test_an_update_without_words_keeps_what_was_chosen(owner):
    incident = begun()

    answer = owner.post(
        f"{LIST}{incident.id}/update/", {"words": " ", "state": "resolved", "once": str(uuid4())}
    )

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert '<option value="resolved" selected>' in answer.content.decode()
    assert incident.updates.count() == 1
