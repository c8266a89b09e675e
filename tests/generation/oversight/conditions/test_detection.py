"""Rows that a look writes about its findings, and the actions that staff take on them."""

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.models import AuditEvent
from billing.models import SoldUntil
from generation.models import Condition, ConditionLook
from generation.oversight import conditions
from generation.oversight.conditions import detection, supply
from generation.oversight.conditions.detected import PresentCondition
from generation.oversight.conditions.kinds import CheckedKind
from pictor.kit.words import clock
from pictor.kit.words.money import Micros

MINUTE = timedelta(minutes=1)


@pytest.fixture
def wrong(db, monkeypatch):
    """Problems, all of one kind, that the next look finds."""
    now_wrong: list[PresentCondition] = []
    monkeypatch.setattr(
        detection, "KINDS", {"smell": CheckedKind(lambda _outlook: iter(now_wrong), "Smell")}
    )
    return now_wrong


@pytest.fixture
def smelly(wrong, look):
    """A condition."""
    wrong.append(PresentCondition("fridge", Micros(5), "it smells"))
    look(0)
    return Condition.objects.get()


def test_a_continuing_condition_keeps_its_beginning_and_takes_the_latest_words(smelly, wrong, look):
    wrong[0] = PresentCondition("fridge", Micros(7), "it smells more")

    look(1)

    now = Condition.objects.get()
    assert (now.since, now.micros, now.words) == (smelly.since, 7, "it smells more")
    assert (now.id, now.resolved_at) == (smelly.id, None)


def test_a_recurring_condition_begins_anew_unassigned(smelly, wrong, look):
    conditions.assign(condition_id=smelly.id, to="ann", actor="test")
    again = wrong.pop()
    look(1)
    ended = Condition.objects.get()

    wrong.append(again)
    look(2)

    assert (ended.resolved_at, ended.assigned_to) == (smelly.since + MINUTE, "ann")
    now = Condition.objects.get()
    assert (now.since, now.resolved_at) == (smelly.since + 2 * MINUTE, None)
    assert now.assigned_to == ""


def test_objects_equal_in_their_first_200_characters_are_one_condition(wrong, look):
    wrong += [
        PresentCondition("a" * 201, None, "b" * 301),
        PresentCondition("a" * 202, Micros(2**63), "c" * 301),
    ]

    assert look(0) == {("smell", "a" * 200): "c" * 300}
    assert Condition.objects.get().micros == 2**63 - 1


def test_conditions_ended_90_days_ago_are_forgotten_unless_accepted(smelly, wrong, look):
    wrong.append(PresentCondition("cellar", None, "it smells"))
    look(1)
    conditions.accept(condition_id=smelly.id, why="cheese", now=clock.now(), actor="test")
    wrong.clear()
    look(2)

    look(2 + 90 * 24 * 60 + 1)

    assert [one.object for one in Condition.objects.all()] == ["fridge"]


def test_two_clocks_look_once(smelly, wrong):
    now = ConditionLook.objects.get().looked_at

    assert not conditions.look(now=now + timedelta(seconds=2))
    assert not conditions.look(now=now - timedelta(seconds=2))
    assert conditions.look(now=now + timedelta(seconds=31))


def test_a_look_with_more_of_what_was_sold_is_another(smelly, wrong):
    now = ConditionLook.objects.get().looked_at
    SoldUntil.objects.update(until=now + timedelta(seconds=1))

    assert conditions.look(now=now + timedelta(seconds=2))
    assert not conditions.look(now=now + timedelta(seconds=3))


@pytest.mark.django_db(transaction=True)
def test_only_one_worker_looks_at_a_time(monkeypatch):
    began, may_end = threading.Event(), threading.Event()

    def slow(_outlook):
        began.set()
        assert may_end.wait(10)
        yield PresentCondition("fridge", None, "it smells")

    def run() -> None:
        looked.append(conditions.look(now=clock.now()))
        connection.close()

    monkeypatch.setattr(detection, "KINDS", {"smell": CheckedKind(slow, "Smell")})
    looked: list[bool] = []
    first = threading.Thread(target=run)
    first.start()
    assert began.wait(10)

    run()
    may_end.set()
    first.join(10)

    assert looked == [False, True]
    assert Condition.objects.count() == 1


def test_a_kind_that_fails_is_a_condition_and_holds_up_no_other(smelly, wrong, look, monkeypatch):
    def broken(_outlook):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        yield PresentCondition("never", None, "")

    noise = CheckedKind(lambda _: iter(wrong), "Noise")
    monkeypatch.setattr(detection, "KINDS", {"smell": CheckedKind(broken, "Smell"), "noise": noise})

    failed = look(1)

    assert failed == {
        ("look_fails", "smell"): "its check failed: DataError",
        ("noise", "fridge"): "it smells",
        ("smell", "fridge"): "it smells",
    }
    monkeypatch.setattr(detection, "KINDS", {"smell": CheckedKind(lambda _: iter([]), "Smell")})
    assert look(2) == {}


def test_a_look_that_ends_in_the_middle_has_changed_nothing(smelly, wrong, look, monkeypatch):
    before = ConditionLook.objects.get().looked_at
    wrong.clear()
    monkeypatch.setattr(supply, "channels_before", lambda _: 1 / 0)

    with transaction.atomic(), pytest.raises(ZeroDivisionError):
        look(1)

    assert Condition.objects.get().resolved_at is None
    assert ConditionLook.objects.get().looked_at == before


# --- staff ------------------------------------------------------------------------------------


def test_a_silence_ends_by_itself(smelly):
    now = clock.now()

    conditions.silence(condition_id=smelly.id, why="a new filter", now=now, actor="test")

    standing = conditions.conditions_now(now=now)
    assert standing.needing(now) == []
    assert standing.needing(now + timedelta(hours=4) - MINUTE) == []
    assert standing.needing(now + timedelta(hours=4)) == [smelly]


def test_an_accepted_condition_stays_accepted_on_recurrence_until_recalled(smelly, wrong, look):
    again = wrong.pop()
    conditions.accept(condition_id=smelly.id, why="cheese", now=clock.now(), actor="test")
    look(1)
    wrong.append(again)
    look(2)
    quiet = conditions.conditions_now(now=clock.now()).needing(clock.now())

    conditions.recall(condition_id=smelly.id, actor="test")

    assert quiet == []
    assert conditions.conditions_now(now=clock.now()).needing(clock.now()) == [smelly]


def test_each_change_is_audited(smelly):
    now = clock.now()
    conditions.assign(condition_id=smelly.id, to="ann@example.com", actor="test")
    conditions.silence(
        condition_id=smelly.id, why=" a new\nfilter ", now=now, hours=1, actor="test"
    )
    conditions.accept(condition_id=smelly.id, why="cheese", now=now, actor="test")

    events = AuditEvent.objects.filter(object_type="condition", object_id=str(smelly.id))
    of = {"kind": "smell", "object": "fridge"}
    hour = (now + timedelta(hours=1)).isoformat()
    assert list(events.order_by("id").values_list("action", "before", "after")) == [
        ("condition.assign", {"assigned_to": ""}, {**of, "assigned_to": "ann@example.com"}),
        (
            "condition.silence",
            {"silenced_until": None, "why": ""},
            {**of, "silenced_until": hour, "why": "a new filter"},
        ),
        (
            "condition.accept",
            {"accepted_at": None, "why": "a new filter"},
            {**of, "accepted_at": now.isoformat(), "why": "cheese"},
        ),
    ]


@pytest.mark.parametrize("why", ["", " \n", "x" * 201])
@pytest.mark.parametrize("change", [conditions.silence, conditions.accept])
def test_a_silence_and_an_acceptance_say_why(smelly, change, why):
    with pytest.raises(ValidationError, match="say why, in at most 200 characters"):
        change(condition_id=smelly.id, why=why, now=clock.now(), actor="test")


@pytest.mark.parametrize("hours", [0, 169])
def test_a_silence_takes_a_week_at_most(smelly, hours):
    with pytest.raises(ValidationError, match="silence it for 1 to 168 hours"):
        conditions.silence(
            condition_id=smelly.id, why="x", hours=hours, now=clock.now(), actor="test"
        )


def test_an_ended_condition_cannot_be_assigned(smelly, wrong, look):
    wrong.clear()
    look(1)

    with pytest.raises(ValidationError, match=f"no condition {smelly.id} is open"):
        conditions.assign(condition_id=smelly.id, to="ann", actor="test")
