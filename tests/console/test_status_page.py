"""The status page shows whether each part works, from the facts that the system itself uses."""

import json
from datetime import date, timedelta
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from django.core.management import call_command

from accounts.models import Tenant
from console.site.status import Component, components
from generation.catalogue.services.stop_switch import Stoppable, start, stop
from generation.lifecycle import lease
from generation.models import Channel, Incident, WatchedDay
from generation.oversight import incidents, watch
from generation.oversight.incidents import IncidentWords
from generation.oversight.watch import Sight
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.making.seeds import sow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]
TODAY = date(2026, 11, 20)


@pytest.fixture
def seeded(db):
    sow()
    call_command("seed", verbosity=0)  # the remaining need: a channel


@pytest.fixture
def failed(seeded, monkeypatch):
    """A look an hour ago that found no image worker; since then a channel for every model."""
    monkeypatch.setattr(watch, "SURE_AFTER_SECONDS", 0)
    watch.look_and_count(now=clock.now() - timedelta(hours=1))
    lease.enlist()
    Channel.objects.update(is_enabled=True)


def component_of(days: dict[int, tuple[int, int]]) -> Component:
    """The component of a part with these looks and failures, by days ago."""
    history = [
        WatchedDay(part="x", day=TODAY - timedelta(days=back), looks=looks, failed=count)
        for back, (looks, count) in days.items()
    ]
    return components([Sight("x", "")], history, today=TODAY)[0]


def test_everything_works_while_a_worker_renews_its_lease(
    client, seeded, django_assert_max_num_queries
):
    lease.enlist()
    Channel.objects.update(is_enabled=True)

    with django_assert_max_num_queries(12):
        answer = client.get("/status/")

    assert "All parts are operational." in words_of(answer)


def test_a_missing_worker_is_named(client, seeded):
    Channel.objects.update(is_enabled=True)

    page = words_of(client.get("/status/"))

    assert "Image workers." in page
    assert "None is at work" in page
    assert "All parts are operational." not in page


def test_a_model_without_a_channel_is_named(client, seeded):
    lease.enlist()
    Channel.objects.update(is_enabled=False)

    assert "No channel serves it" in words_of(client.get("/status/"))


def test_without_a_look_there_is_no_history(client, seeded):
    page = words_of(client.get("/status/"))

    assert "API: Not checked yet" in page
    assert "None in the last 90 days." in page


def test_a_failed_look_stays_on_the_page_and_in_the_feed(client, failed):
    page = words_of(client.get("/status/"))
    feed = ElementTree.fromstring(client.get("/status/rss/").content)  # noqa: S314 - our own

    assert "All parts are operational." in page
    assert "Image workers: 0% over 1 day with data, worst" in page
    titles = [item.findtext("title") for item in feed.iter("item")]
    assert "Image workers: none is at work" in titles
    assert len({item.findtext("guid") for item in feed.iter("item")}) == len(titles)


def test_the_status_as_json_says_what_the_page_says(client, failed):
    answer = client.get("/status.json")

    said = answer.json()
    workers = next(one for one in said["components"] if one["name"] == "Image workers")
    assert said["works"] is True
    assert (workers["works"], workers["words"], workers["share"]) == (True, "Operational", "0")
    assert [(day["looks"], day["failed"]) for day in workers["days"]] == [(1, 1)]
    assert answer["Cache-Control"] == "public, max-age=30"


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ({}, "Not checked yet"),
        ({0: (1440, 0), 1: (1440, 0)}, "100% over 2 days with data"),
        (
            dict.fromkeys(range(90), (1440, 0)) | {17: (1440, 39)},
            "99.96% over 90 days, worst 3 November",  # 39 of 129,600 is 0.0301 percent
        ),
        (
            dict.fromkeys(range(90), (1440, 0)) | {1: (1440, 1)},
            "99.99% over 90 days, worst 19 November",  # never rounded up to 100
        ),
    ],
)
def test_a_components_days_are_summed_up_in_words(days, sentence):
    assert component_of(days).sentence == sentence


def test_a_bar_for_each_day_by_what_was_seen():
    found = dict(component_of({0: (100, 0), 1: (100, 1), 2: (100, 5)}).bars)

    assert found["ok"] == "M334 0h25v32h-25z"  # to the box's right edge, 359
    assert found["warn"] == "M308 10h25v22h-25z"
    assert found["bad"] == "M282 20h25v12h-25z"
    assert found["idle"].count("M") == 11


def test_bars_begin_with_the_first_day_that_was_checked():
    assert component_of({0: (100, 0), 29: (100, 0)}).shown_days == 30
    assert component_of({89: (100, 0)}).shown_days == 90


def begin_incident(*, hours_ago: int = 0) -> Incident:
    """An incident of dall-e-3 that began this long ago."""
    return incidents.begin(
        title="Requests fail",
        touched=["dall-e-3"],
        state=incidents.State.IDENTIFIED,
        post=IncidentWords(words="Every second one fails.", once=uuid4()),
        now=clock.now() - timedelta(hours=hours_ago),
        actor="Ann Archer",
    )


def resolve(incident: Incident, words: str) -> None:
    incidents.update(
        incident_id=incident.id,
        state=incidents.State.RESOLVED,
        post=IncidentWords(words=words, once=uuid4()),
        now=clock.now(),
        actor="Ann Archer",
    )


def pause(what: Stoppable, words: str, *, hours_ago: int = 0) -> None:
    at = clock.now() - timedelta(hours=hours_ago)
    stop(what=what, reason="acme-openai overbills", words=words, now=at, actor="Ann Archer")


def test_an_open_incident_comes_first_and_marks_its_parts(
    client, seeded, django_assert_max_num_queries
):
    lease.enlist()
    Channel.objects.update(is_enabled=True)
    incident = begin_incident()
    client.get("/status/")  # this loads the catalogue, once a process

    with django_assert_max_num_queries(9):
        page = words_of(client.get("/status/"))

    assert "All parts are operational." not in page
    assert page.index("Every second one fails.") < page.index("Components")
    assert page.count("Identified</span>") == 3  # for the incident, its update and its part
    said = client.get("/status.json").json()
    assert said["works"] is True
    (one,) = said["incidents"]
    assert (one["id"], one["kind"], one["state"], one["components"]) == (
        *(incident.id, "incident", "identified"),
        ["dall-e-3"],
    )
    assert one["updates"][0]["words"] == "Every second one fails."
    assert "Ann Archer" not in page
    assert "Ann Archer" not in json.dumps(said)


def test_a_resolved_incident_stays_for_90_days(client, seeded):
    resolve(begin_incident(hours_ago=2), "It was a disk.")
    at_first, now = words_of(client.get("/status/")), clock.now()
    Incident.objects.update(begins_at=now - timedelta(days=99), ends_at=now - timedelta(days=91))

    assert "Past" in at_first
    assert "It was a disk." in at_first
    assert "It was a disk." not in words_of(client.get("/status/"))


def test_the_page_shows_20_past_incidents_and_programs_read_50(client, seeded):
    for number in range(60):
        resolve(begin_incident(hours_ago=60 - number), f"It was disk {number}.")
    Incident.objects.filter(id=Incident.objects.latest("id").id).update(ends_at=None)

    page, said = words_of(client.get("/status/")), client.get("/status.json").json()

    assert page.count('id="incident-') == 21
    assert len(said["incidents"]) == 50
    assert said["incidents"][0]["updates"][0]["words"] == "It was disk 59."


def test_a_stop_is_told_in_its_words_without_the_reason(client, seeded):
    acme = Tenant.objects.create(name="acme")
    pause(Stoppable("dall-e-3"), "We look.")
    pause(Stoppable(tenant=acme), "Call us.")

    page, said = words_of(client.get("/status/")), client.get("/status.json").json()
    start(what=Stoppable("dall-e-3"), now=clock.now(), actor="Ann Archer")
    after = words_of(client.get("/status/"))

    assert "dall-e-3 is paused" in page
    assert "We look." in page
    assert [(one["component"], one["words"]) for one in said["stops"]] == [("dall-e-3", "We look.")]
    secrets = ("acme", "overbills", "Call us.", "Ann Archer")
    assert [secret for secret in secrets if secret in page + json.dumps(said)] == []
    assert "dall-e-3 was paused" in after
    assert client.get("/status.json").json()["stops"] == []


def test_no_words_break_the_feed(client, seeded):
    pause(Stoppable(), "Back\x1b soon.")
    resolve(begin_incident(), "Fixed\x0b.\x00")

    feed = ElementTree.fromstring(client.get("/status/rss/").content)  # noqa: S314 - our own

    said = {one.findtext("description") for one in feed.iter("item")}
    assert {"Back soon.", "Fixed\n."} <= said


def test_the_feed_has_each_thing_that_was_said_the_last_first(client, seeded):
    incident = begin_incident(hours_ago=2)
    pause(Stoppable(), "Back soon.", hours_ago=1)
    resolve(incident, "Fixed < & well.")

    feed = ElementTree.fromstring(client.get("/status/rss/").content)  # noqa: S314 - our own

    items = [(one.findtext("title"), one.findtext("description")) for one in feed.iter("item")]
    assert items == [
        ("Requests fail: resolved", "Fixed < & well."),
        ("Image generation is paused", "Back soon."),
        ("Requests fail: identified", "Every second one fails."),
    ]
    keys = [one.findtext("guid") for one in feed.iter("item")]
    assert len(set(keys)) == 3
    zones = {one.findtext("pubDate", "")[-5:] for one in feed.iter("item")}
    assert zones == {"+0000"}
