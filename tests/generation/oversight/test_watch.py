"""The figures of a look, and their daily counts."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from generation.admission.retry_shield import WebProcess
from generation.lifecycle import lease
from generation.models import Generation, Incident, WatchedDay
from generation.oversight import conditions, watch
from generation.oversight.watch import API, WORKERS, Sight
from pictor.kit.words import clock
from tests.making.factories import ORIGIN, PayingCustomer, at

NOON = at("2026-11-20T12:00:00Z")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def presence(db):
    """This process holds a lock as web processes do."""
    number = WebProcess().number
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [number])
        yield
        cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@pytest.fixture(autouse=True)
def sure_at_once(monkeypatch):
    """Treat unseen web processes as gone at once."""
    monkeypatch.setattr(watch, "SURE_AFTER_SECONDS", 0)


def troubles() -> dict[str, str]:
    return {one.part: one.trouble for one in watch.look(now=clock.now())}


def ended(customer: PayingCustomer, *statuses: int, ago: timedelta = MINUTE) -> None:
    """Generations that ended this long ago: 200 succeeded, others failed with that status."""
    now = clock.now()
    for status in statuses:
        made = customer.generation()
        Generation.objects.filter(id=made.id).update(
            state="succeeded" if status == 200 else "failed",
            captured_micros=0,
            finished_at=now - ago,
            error=None if status == 200 else {"status": status},
        )


def counted(part: str) -> list[tuple[str, int, int]]:
    rows = WatchedDay.objects.filter(part=part).order_by("day")
    return [(row.day.isoformat(), row.looks, row.failed) for row in rows]


def seeing(monkeypatch: pytest.MonkeyPatch, *sights: Sight) -> None:
    monkeypatch.setattr(watch, "look", lambda *, now: list(sights))


def test_all_is_well_with_a_web_process_a_worker_and_a_channel(acme, worker, presence):
    found = troubles()

    assert (found[API], found[WORKERS], found[ORIGIN]) == ("", "", "")


def test_missing_parts_are_named(acme, worker):
    lease.retire(worker=worker)

    found = troubles()

    assert found[API] == "No web process is at work"
    assert found[WORKERS] == "None is at work"
    assert found["dall-e-2"] == "No channel serves it"


@pytest.mark.parametrize(
    ("statuses", "trouble"),
    [
        ((502, 503, 504) * 3, ""),
        ((502, 503) * 5, "Most requests fail"),
        ((200,) * 4 + (502,) * 6, "Most requests fail"),
        ((200,) * 5 + (502,) * 5, ""),
        ((400,) * 10, ""),
    ],
)
def test_a_model_is_ill_when_most_of_ten_requests_failed_by_no_fault_of_the_caller(
    acme, statuses, trouble
):
    ended(acme, *statuses)

    assert troubles()[ORIGIN] == trouble


def test_an_earlier_failure_says_nothing_of_now(acme):
    ended(acme, *(502,) * 10, ago=timedelta(minutes=11))

    assert troubles()[ORIGIN] == ""


@pytest.mark.django_db
def test_looks_are_counted_by_day(monkeypatch):
    seeing(monkeypatch, Sight(API, ""))
    watch.look_and_count(now=NOON - timedelta(days=1))
    watch.look_and_count(now=NOON)
    seeing(monkeypatch, Sight(API, "No web process is at work"))
    watch.look_and_count(now=NOON + MINUTE)
    watch.look_and_count(now=NOON + 2 * MINUTE)

    assert counted(API) == [("2026-11-19", 1, 0), ("2026-11-20", 3, 2)]
    today = WatchedDay.objects.get(day=NOON.date())
    assert (today.first_failed_at, today.last_failed_at) == (NOON + MINUTE, NOON + 2 * MINUTE)
    assert today.trouble == "No web process is at work"


@pytest.mark.django_db
def test_a_web_process_that_is_out_of_sight_for_a_moment_is_not_missed(monkeypatch):
    sights = iter([Sight(API, "No web process is at work")] * 3 + [Sight(API, "")])
    monkeypatch.setattr(watch, "look", lambda *, now: [next(sights)])
    monkeypatch.setattr(watch, "SURE_AFTER_SECONDS", 60)
    monkeypatch.setattr(watch, "AGAIN_SECONDS", 0)

    watch.look_and_count(now=NOON)

    assert counted(API) == [("2026-11-20", 1, 0)]


@pytest.mark.django_db
def test_two_clocks_count_one_look(monkeypatch):
    seeing(monkeypatch, Sight(API, ""))

    watch.look_and_count(now=NOON)
    watch.look_and_count(now=NOON + timedelta(seconds=2))

    assert counted(API) == [("2026-11-20", 1, 0)]


@pytest.mark.django_db
def test_looks_without_a_database_are_counted_once_it_is_back(monkeypatch):
    def away(*, now):
        raise OperationalError("the server is gone")

    monkeypatch.setattr(watch, "look", away)
    with pytest.raises(OperationalError):
        watch.look_and_count(now=NOON)
    with pytest.raises(OperationalError):
        watch.look_and_count(now=NOON + MINUTE)
    seeing(monkeypatch, Sight(API, ""))
    watch.look_and_count(now=NOON + 2 * MINUTE)
    watch.look_and_count(now=NOON + 3 * MINUTE)

    assert counted(API) == [("2026-11-20", 4, 2)]
    assert WatchedDay.objects.get().trouble == "The database did not answer"


@pytest.mark.django_db
def test_the_ninetieth_day_is_kept_and_the_one_before_goes(monkeypatch):
    seeing(monkeypatch, Sight(API, ""))
    for days in (90, 89):
        watch.look_and_count(now=NOON - timedelta(days=days))

    watch.look_and_count(now=NOON)

    assert [day for day, _, _ in counted(API)] == ["2026-08-23", "2026-11-20"]
    assert [row.day.isoformat() for row in watch.history(now=NOON)] == ["2026-08-23", "2026-11-20"]


@pytest.mark.django_db
def test_trouble_is_what_the_last_look_found_just_now(monkeypatch):
    seeing(monkeypatch, Sight(API, ""), Sight(WORKERS, "None is at work"))
    conditions.look(now=NOON)

    assert watch.troubles(now=NOON + 2 * MINUTE) == [Sight(WORKERS, "None is at work")]
    assert watch.troubles(now=NOON + 4 * MINUTE) == []
    seeing(monkeypatch, Sight(API, ""), Sight(WORKERS, ""))
    conditions.look(now=NOON + MINUTE)
    assert watch.troubles(now=NOON + 2 * MINUTE) == []


@pytest.mark.django_db
def test_trouble_is_also_what_people_say_while_it_goes_on(monkeypatch):
    seeing(monkeypatch, Sight(WORKERS, "None is at work"))
    conditions.look(now=NOON)
    facts = {"parts": [WORKERS], "begins_at": NOON, "ends_at": NOON + 2 * MINUTE}
    Incident.objects.create(title="Disks", is_maintenance=True, state="scheduled", **facts)
    facts["ends_at"] = None
    Incident.objects.create(title="Slow", is_maintenance=False, state="identified", **facts)

    def troubled(minutes: int) -> list[Sight]:
        return list(watch.troubles(now=NOON + minutes * MINUTE))

    slow, seen = Sight("Slow", "Identified"), Sight(WORKERS, "None is at work")
    assert troubled(-1) == [seen]
    assert troubled(1) == [Sight("Disks", "Maintenance"), slow, seen]
    assert troubled(2) == [slow, seen]


@pytest.mark.django_db
def test_no_page_says_that_nothing_makes_pages(monkeypatch):
    seeing(
        monkeypatch, Sight(API, "No web process is at work"), Sight(ORIGIN, "No channel serves it")
    )
    conditions.look(now=NOON)

    assert watch.troubles(now=NOON + MINUTE) == [Sight(ORIGIN, "No channel serves it")]
