"""The system page names stuck work with its reason; its stop switch stops what it names."""

import re
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

import pytest
from django.db.models import F
from django.test import Client

from accounts.models import AuditEvent
from billing.models import FIGURES, SoldDay
from generation.lifecycle import lease
from generation.models import ConditionLook, Generation, Stop, Worker
from pictor import __version__
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.making.factories import ORIGIN, PayingCustomer, make_channel, make_worker
from tests.making.seeds import sow

SYSTEM, STOP, START = "/ops/system/", "/ops/system/stop/", "/ops/system/start/"


@pytest.fixture
def acme() -> PayingCustomer:
    sow()
    make_channel()
    return PayingCustomer("acme")


def shown_to(client: Client, path: str = SYSTEM) -> str:
    answer = client.get(path)
    assert answer.status_code == HTTPStatus.OK
    return words_of(answer)


def aged(seconds: int) -> None:
    """Date everything queued this many seconds back."""
    Generation.objects.update(created_at=F("created_at") - timedelta(seconds=seconds))


def test_a_fresh_installation_has_no_worker_and_nobody_who_looks(owner):
    found = shown_to(owner)

    assert "No image worker" in found
    assert "No check yet: one runs each minute" in found
    assert found.count("Not run yet") == 2


def test_a_running_system_is_shown_as_well(owner, acme, settings, django_assert_max_num_queries):
    lease.renew(worker=make_worker(), in_hand=3)
    now = clock.now()
    ConditionLook.objects.create(first_at=now, looked_at=now)

    with django_assert_max_num_queries(12):
        found = shown_to(owner)

    assert f'<td data-label="Version">{__version__}</td>' in found
    assert f">3 of {settings.WORKER_SLOTS}</td>" in found
    assert "No check" not in found
    assert found.count(">Empty<") == 3
    assert "None kept yet: one is kept each day" in found


def test_a_queue_that_stands_says_why(owner, acme):
    acme.generation()
    aged(31)
    nobody = shown_to(owner)
    worker = make_worker()
    storing_nothing = shown_to(owner)
    lease.renew(worker=worker)
    busy = shown_to(owner)
    owner.post(STOP, {"what": ORIGIN, "reason": "wrong colours"})
    stopped = shown_to(owner)

    assert "No image worker is running: queued requests fail at their deadline" in nobody
    assert "No image worker can store images" in storing_nothing
    assert "nothing has been stored yet" in storing_nothing
    assert "are full or waiting for channels" in busy
    assert "Stopped work waits here too" in stopped
    aged(-25)
    assert ">Moving<" in shown_to(owner)


def test_the_page_says_when_checks_have_stopped(owner):
    at = clock.now() - timedelta(minutes=4)
    ConditionLook.objects.create(first_at=at, looked_at=at)

    assert f"Last check {at:%-d %B, %H:%M:%S} UTC" in shown_to(owner)
    assert "No check for 3 minutes" in shown_to(owner)


def test_a_worker_that_went_silent_or_is_of_another_version(owner, acme):
    silent, older = make_worker(), make_worker()
    lease.renew(worker=older)
    Worker.objects.filter(epoch=silent).update(seen_at=F("seen_at") - timedelta(seconds=60))
    Worker.objects.filter(epoch=older).update(version="0.1.9")

    found = shown_to(owner)

    assert "Its work was requeued" in found
    assert f"Its version is not this page&#x27;s, {__version__}" in found


def test_a_model_is_stopped_and_started_by_the_page(owner, acme):
    form = shown_to(owner, STOP + f"?what={ORIGIN}")

    stopped = owner.post(STOP, {"what": ORIGIN, "reason": "wrong colours", "words": "Soon."})

    assert f'value="{ORIGIN}"' in form
    assert (stopped.status_code, stopped["Location"]) == (303, SYSTEM)
    assert (Stop.objects.get().by, Stop.objects.get().words) == ("op@pictor.example", "Soon.")
    shown = shown_to(owner)
    assert "wrong colours" in shown
    assert f'name="what" value="{ORIGIN}"' in shown
    started = owner.post(START, {"what": ORIGIN})
    assert started.status_code == HTTPStatus.SEE_OTHER
    assert "wrong colours" not in shown_to(owner)
    actions = AuditEvent.objects.filter(object_type="stop").values_list("action", "actor__email")
    assert list(actions.order_by("id")) == [
        ("stop.begin", "op@pictor.example"),
        ("stop.end", "op@pictor.example"),
    ]


def test_a_tenant_is_started_by_its_id(owner, acme):
    owner.post(STOP, {"what": "acme", "reason": "a loop"})

    assert f'name="what" value="{acme.tenant.public_id}"' in shown_to(owner)
    owner.post(START, {"what": acme.tenant.public_id})
    assert "a loop" not in shown_to(owner)


def test_the_form_says_what_a_stop_of_each_model_touches(
    owner, acme, django_assert_max_num_queries
):
    acme.generation()
    today = clock.now().date()
    for day, images in ((today, 3), (today - timedelta(days=1), 4), (today - timedelta(days=2), 9)):
        figures = dict.fromkeys(FIGURES, 0) | {"images": images}
        SoldDay.objects.create(day=day, tenant=acme.tenant, is_demo=False, model=ORIGIN, **figures)

    with django_assert_max_num_queries(12):
        page = shown_to(owner, STOP)

    row = page[page.index(f">{ORIGIN}</th>") :].partition("</tr>")[0]
    assert re.findall(r">(\d+)</td>", row) == ["1", "7", "1", "0"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"what": "gpt-9", "reason": "x"}, "No model or tenant is called"),
        ({"what": "", "reason": "x"}, "This field is required."),
        ({"what": "all", "reason": " "}, "This field is required."),
        ({"what": "all", "reason": "x" * 201}, "at most 200 characters"),
        ({"what": "all\x00", "reason": "x"}, "Null characters are not allowed."),
    ],
)
def test_a_mistake_keeps_what_was_typed_and_stops_nothing(owner, acme, typed, said):
    answer = owner.post(STOP, {**typed, "words": "Hold on."})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.content.decode()
    assert "Hold on." in answer.content.decode()
    assert not Stop.objects.exists()


@pytest.mark.parametrize("what", ["all\0", "\ud800", "x" * 10_000])
def test_a_stop_of_an_unknown_name_is_not_started(owner, what):
    typed = urlencode({"what": what}, errors="surrogatepass")

    answer = owner.post(START, typed, "application/x-www-form-urlencoded", follow=True)

    assert "no model or tenant is called" in answer.content.decode()


def test_a_second_click_is_answered_like_the_first(owner, acme):
    clicks = [
        owner.post(STOP, {"what": what, "reason": "x"}, follow=True) for what in ("All", "all")
    ]
    another = owner.post(STOP, {"what": "all", "reason": "y"})

    assert ["Everything stopped" in click.content.decode() for click in clicks] == [True, True]
    assert AuditEvent.objects.filter(action="stop.begin").count() == 1
    assert another.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Everything is stopped already, since" in another.content.decode()
    starts = [owner.post(START, {"what": "all"}, follow=True) for _ in range(2)]
    assert "Everything has resumed" in starts[0].content.decode()
    assert "Everything is not stopped" in starts[1].content.decode()
    assert Stop.objects.count() == 1
