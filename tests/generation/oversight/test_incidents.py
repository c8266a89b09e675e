"""Notices of incidents and maintenance to customers, once each, and their mails."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import AuditEvent, Mail
from generation.models import Condition, Incident, IncidentUpdate
from generation.oversight import conditions, incidents
from generation.oversight.incidents import IncidentWords, State
from pictor.kit.words import clock
from tests.accounts.conftest import until_waiting
from tests.billing.conftest import alone
from tests.making.factories import ORIGIN, PayingCustomer, at, make_owner
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db

NOON = at("2026-11-20T12:00:00Z")
HOUR = timedelta(hours=1)
PRO = "gpt-image-2-pro"


def incident_words(words: str = "We look into it.", **more: Any) -> IncidentWords:
    return IncidentWords(**{"words": words, "once": uuid4(), **more})


def begun(**facts: Any) -> Incident:
    told = {
        "title": "Wrong colours",
        "touched": [ORIGIN],
        "state": State.INVESTIGATING,
        "post": incident_words(),
        "now": NOON,
        "actor": "Ann",
    }
    return incidents.begin(**{**told, **facts})


def updated(incident: Incident, state: State | None, **facts: Any) -> Incident:
    told = {
        "incident_id": incident.id,
        "state": state,
        "post": incident_words("More."),
        "actor": "Ann",
    }
    return incidents.update(**{**told, "now": NOON + HOUR, **facts})


def planned(begins: int, ends: int, **facts: Any) -> Incident:
    """Plan maintenance, in hours from noon."""
    times = {"begins_at": NOON + begins * HOUR, "ends_at": NOON + ends * HOUR}
    told = {
        "title": "New servers",
        "touched": ["API"],
        "post": incident_words(),
        "now": NOON,
        "actor": "Ann",
    }
    return incidents.plan(**{**told, **times, **facts})


def test_an_incident_goes_from_its_beginning_to_its_end(acme):
    incident = begun(post=incident_words(next_update_at=NOON + HOUR))
    updated(incident, State.IDENTIFIED, post=incident_words("It is the colour profile."))
    before = incidents.recent_incidents(now=NOON + HOUR, since=NOON)
    resolved = updated(incident, State.RESOLVED, now=NOON + 2 * HOUR)
    after = incidents.recent_incidents(now=NOON + 3 * HOUR, since=NOON)

    assert [one.id for one in before.open] == [incident.id]
    assert [(update.state, update.words) for update in before.open[0].updates.all()] == [
        ("identified", "It is the colour profile."),
        ("investigating", "We look into it."),
    ]
    assert (resolved.ends_at, resolved.next_update_at) == (NOON + 2 * HOUR, None)
    assert (after.open, [one.id for one in after.ended]) == ([], [incident.id])
    assert incidents.recent_incidents(now=NOON + 4 * HOUR, since=NOON + 3 * HOUR).ended == []
    actions = AuditEvent.objects.filter(object_type="incident").order_by("id")
    assert [(action.action, action.actor_name) for action in actions] == [
        ("incident.begin", "Ann"),
        ("incident.update", "Ann"),
        ("incident.update", "Ann"),
    ]
    assert updated(incident, State.INVESTIGATING, now=NOON + 5 * HOUR).ends_at is None


def test_a_form_sent_twice_is_published_once(acme):
    make_owner(acme, "ann@acme.example", used=ORIGIN, at=NOON - timedelta(days=1))
    once = incident_words(mails=True)
    first, second = begun(post=once), begun(post=once)
    more = incident_words("More.", mails=True)
    updated(first, State.RESOLVED, post=more)
    updated(first, State.RESOLVED, post=more)

    assert first.id == second.id
    assert (Incident.objects.count(), IncidentUpdate.objects.count()) == (1, 2)
    assert Mail.objects.count() == 2


@pytest.mark.usefixtures("pooled_connections", "patient_connections")
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_is_published_once():
    sow()
    once = incident_words()

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        first = begun(post=once)
        second = other.submit(alone, lambda: begun(post=once))
        until_waiting(1)

    assert second.result().id == first.id
    assert (Incident.objects.count(), IncidentUpdate.objects.count()) == (1, 1)


def test_characters_that_no_feed_can_hold_are_left_out(acme):
    incident = begun(
        title="Wrong\x01 colours\0", post=incident_words(" One.\x0b\r\n\r\nTwo\x1b\ud800.")
    )
    update = incident.updates.get()
    corrected = incidents.correct(update_id=update.id, words="Three.\0", now=NOON, actor="Bob")

    assert (incident.title, update.words) == ("Wrong colours", "One.\n\n\nTwo.")
    assert corrected.words == "Three."


def test_owners_who_have_used_a_part_in_30_days_are_mailed_each_once(acme, other):
    make_owner(acme, "ann@acme.example", used=ORIGIN, at=NOON - timedelta(days=1))
    make_owner(other, "bob@other.example", used=PRO, at=NOON - timedelta(days=1))
    third, fourth = PayingCustomer("third"), PayingCustomer("fourth")
    make_owner(third, "ann@acme.example", used=ORIGIN, at=NOON - timedelta(days=29))
    make_owner(fourth, "eve@fourth.example", used=ORIGIN, at=NOON - timedelta(days=31))

    incident = begun(post=incident_words(mails=True, page="https://pictor.example/status/"))

    assert [mail.to for mail in Mail.objects.all()] == ["ann@acme.example"]
    assert incident.updates.get().mailed == 1
    mail = Mail.objects.get()
    assert mail.subject == "Wrong colours: investigating"
    assert "We look into it." in mail.text
    assert f"Affected: {ORIGIN}." in mail.text
    assert "https://pictor.example/status/" in mail.text
    everybody = incidents.owners_touched(["API"], now=NOON)
    assert everybody == ["ann@acme.example", "bob@other.example"]
    assert incidents.owners_touched([], now=NOON) == []


def test_nobody_is_mailed_unless_asked(acme):
    make_owner(acme, "ann@acme.example", used=ORIGIN, at=NOON - timedelta(days=1))

    assert begun().updates.get().mailed == 0
    assert not Mail.objects.exists()


def test_maintenance_begins_and_ends_by_its_times(acme):
    incident = planned(1, 2)

    states = [incident.state_at(NOON + HOUR * hours) for hours in (0, 1, 1.9, 2)]
    assert states == ["scheduled", "in_progress", "in_progress", "completed"]
    assert [one.id for one in incidents.recent_incidents(now=NOON, since=NOON).open] == [
        incident.id
    ]
    assert incidents.recent_incidents(now=NOON + 2 * HOUR, since=NOON).open == []


def test_maintenance_that_ends_early_or_is_called_off(acme):
    early, off = planned(1, 3), planned(4, 5)

    early = updated(early, State.RESOLVED, now=NOON + 2 * HOUR)
    off = updated(off, State.RESOLVED, now=NOON + 2 * HOUR)

    assert (early.begins_at, early.ends_at) == (NOON + HOUR, NOON + 2 * HOUR)
    assert (off.begins_at, off.ends_at) == (NOON + 2 * HOUR, NOON + 2 * HOUR)
    assert off.state_at(NOON + 2 * HOUR) == "completed"


def test_present_incidents_come_before_planned_ones(acme):
    ahead, later, now = planned(2, 3), planned(4, 5), begun()

    assert [one.id for one in incidents.recent_incidents(now=NOON, since=NOON).open] == [
        now.id,
        ahead.id,
        later.id,
    ]


def test_a_typo_is_corrected_and_marked(acme):
    update = begun(post=incident_words("We lok into it.")).updates.get()

    incidents.correct(update_id=update.id, words="We look into it.", now=NOON + HOUR, actor="Bob")
    update.refresh_from_db()
    incidents.correct(update_id=update.id, words="We look into it.", now=NOON + 9 * HOUR, actor="x")
    update.refresh_from_db()

    assert (update.words, update.edited_at) == ("We look into it.", NOON + HOUR)
    event = AuditEvent.objects.get(action="incident.correct")
    assert (event.before, event.after) == (
        {"words": "We lok into it."},
        {"words": "We look into it."},
    )


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"touched": []}, "parts"),
        ({"touched": ["gpt-9"]}, "parts"),
        ({"post": incident_words(" ")}, "words"),
        ({"post": incident_words("x" * 2001)}, "words"),
        ({"post": incident_words(next_update_at=NOON)}, "next_update_at"),
    ],
)
def test_mistakes_name_their_field_and_tell_nobody(acme, facts, field):
    with pytest.raises(ValidationError) as refused:
        begun(**facts)

    assert list(refused.value.message_dict) == [field]
    assert not Incident.objects.exists()


@pytest.mark.parametrize("hours", [(2, 2), (2, 1), (-2, -1)])
def test_maintenance_ends_after_it_begins_and_not_yesterday(acme, hours):
    with pytest.raises(ValidationError, match=r"must be after the beginning|is over"):
        planned(*hours)


def test_an_update_that_was_promised_and_did_not_come_is_a_condition(acme):
    now = clock.now()
    incident = begun(now=now - 2 * HOUR, post=incident_words(next_update_at=now - HOUR))

    conditions.look(now=now)

    condition = Condition.objects.get(kind="update_overdue")
    assert condition.object == incident.title
    assert condition.words.startswith("customers were promised more by ")
