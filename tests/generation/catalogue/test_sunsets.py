"""The end of a model: announcing, changing and withdrawing it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from generation.catalogue.services import set_contract
from generation.catalogue.services.sunsets import SOON, announce_sunset, withdraw_sunset
from generation.models import Contract
from pictor.kit.words import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

OLD, NEW = "gpt-image-1", "gpt-image-2"
NOW = datetime(2026, 11, 26, 14, 30, 5, 250_000, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def announced(model: str = OLD, **words: Any) -> Contract:
    told = {"sunset_at": MARCH, "successor": NEW, "now": NOW, "actor": "Ann", **words}
    return announce_sunset(model=model, **told)


def stored(model: str = OLD) -> tuple[datetime | None, datetime | None, str]:
    found = Contract.objects.get(model=model)
    return found.deprecated_at, found.sunset_at, found.successor


def test_an_end_is_announced_from_now_on_changed_and_withdrawn():
    announced()
    first = stored()
    announced(sunset_at=datetime(2027, 4, 1, tzinfo=UTC), now=NOW + timedelta(days=3))
    moved = stored()
    withdraw_sunset(model=OLD, now=NOW + timedelta(days=4), actor="Ann")

    since = datetime(2026, 11, 26, 14, 30, 5, tzinfo=UTC)
    assert first == (since, MARCH, NEW)
    assert moved == (since, datetime(2027, 4, 1, tzinfo=UTC), NEW)
    assert stored() == (None, None, "")


def test_each_step_is_in_the_audit_log_and_saying_the_same_again_is_none():
    announced(deprecated_at=datetime(2026, 12, 1, tzinfo=UTC))
    announced()
    withdraw_sunset(model=OLD, now=NOW, actor="Ben")

    nothing = {"deprecated_at": None, "sunset_at": None, "successor": ""}
    said = {
        "deprecated_at": "2026-12-01T00:00:00+00:00",
        "sunset_at": "2027-03-01T00:00:00+00:00",
        "successor": NEW,
    }
    events = AuditEvent.objects.filter(object_id=OLD).exclude(actor_name="seed").order_by("id")
    assert [(event.action, event.actor_name, event.before, event.after) for event in events] == [
        ("contract.sunset", "Ann", nothing, said),
        ("contract.keep", "Ben", said, nothing),
    ]


def test_another_change_of_the_model_keeps_its_end():
    announced()

    set_contract(model=OLD, columns={"max_n": 4}, actor="Ann")

    assert stored()[1:] == (MARCH, NEW)


@pytest.mark.parametrize(
    ("words", "field", "message"),
    [
        ({"sunset_at": NOW}, "sunset_at", "has passed"),
        ({"sunset_at": NOW - SECOND}, "sunset_at", "has passed"),
        (
            {"deprecated_at": datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC)},
            "deprecated_at",
            "has passed",
        ),
        ({"deprecated_at": MARCH}, "deprecated_at", "must be before the end"),
        ({"successor": " "}, "successor", "name the successor"),
        ({"successor": "gpt-image-9"}, "successor", "there is no model 'gpt-image-9'"),
        ({"successor": OLD}, "successor", "must be another model"),
    ],
)
def test_mistakes_are_refused_at_their_field(words, field, message):
    with pytest.raises(ValidationError) as refused:
        announced(**words)

    assert refused.value.message_dict == {field: [message]}
    assert stored() == (None, None, "")


def test_a_model_that_there_is_not_or_that_is_switched_off_has_no_end():
    Contract.objects.filter(model="dall-e-3").update(is_enabled=False)

    with pytest.raises(ValidationError, match="there is no model 'gpt-image-9'"):
        announced("gpt-image-9")
    with pytest.raises(ValidationError, match="dall-e-3 is switched off: nobody can request it"):
        announced("dall-e-3")
    with pytest.raises(ValidationError, match="dall-e-3 is switched off"):
        announced(successor="dall-e-3")
    with pytest.raises(ValidationError, match="no end of gpt-image-1 is announced"):
        withdraw_sunset(model=OLD, now=NOW, actor="Ann")


def test_today_may_be_the_day_since_when_it_is_deprecated():
    announced(deprecated_at=datetime(2026, 11, 26, tzinfo=UTC))

    assert stored()[0] == datetime(2026, 11, 26, tzinfo=UTC)


def test_an_end_within_60_days_has_to_be_meant():
    least = NOW.replace(microsecond=0) + timedelta(days=60)
    with pytest.raises(ValidationError) as refused:
        announced(sunset_at=least)
    assert refused.value.code == SOON
    assert refused.value.messages == [
        "gpt-image-1 would end in 59 days, for good; customers get 60 unless you confirm the date"
    ]

    announced(sunset_at=least + SECOND)
    announced("dall-e-3", sunset_at=least, is_meant=True)

    assert stored()[1] == least + SECOND
    assert stored("dall-e-3")[1] == least


def test_once_it_is_near_it_may_be_put_off_or_followed_by_another_but_not_hastened():
    later = MARCH - timedelta(days=20)
    announced()

    announced(successor="gpt-image-2-pro", now=later)
    announced(sunset_at=MARCH + timedelta(days=1), now=later)

    assert stored()[1] == MARCH + timedelta(days=1)
    with pytest.raises(ValidationError, match="would end in 20 days"):
        announced(now=later)


def test_an_end_is_final_once_it_has_come():
    announced()

    with pytest.raises(ValidationError, match="ended on 1 March 2027: that is for good"):
        withdraw_sunset(model=OLD, now=MARCH, actor="Ann")
    with pytest.raises(ValidationError, match="ended on 1 March 2027: that is for good"):
        announced(sunset_at=MARCH + timedelta(days=90), now=MARCH)
    withdraw_sunset(model=OLD, now=MARCH - SECOND, actor="Ann")


def test_a_successor_must_last_longer():
    announced(NEW, successor="gpt-image-2-pro")

    with pytest.raises(ValidationError) as refused:
        announced()
    assert refused.value.message_dict == {"successor": ["gpt-image-2 ends on 1 March 2027 itself"]}
    announced(sunset_at=MARCH - SECOND)
    with pytest.raises(ValidationError) as refused:
        announced(NEW, successor="gpt-image-2-pro", sunset_at=MARCH - SECOND)
    assert refused.value.message_dict == {
        "sunset_at": [
            "gpt-image-2 is the successor of gpt-image-1, which ends later, on 28 February 2027"
        ]
    }


def test_a_successor_is_not_switched_off_before_the_end():
    announced(sunset_at=clock.now() + timedelta(days=90))

    with pytest.raises(ValidationError) as refused:
        set_contract(model=NEW, columns={"is_enabled": False}, actor="Ann")
    assert refused.value.message_dict == {
        "is_enabled": ["is to follow gpt-image-1: name another successor first"]
    }
    Contract.objects.filter(model=OLD).update(sunset_at=clock.now())
    set_contract(model=NEW, columns={"is_enabled": False}, actor="Ann")


def test_no_two_follow_one_another():
    announced()

    with pytest.raises(ValidationError, match="gpt-image-1 ends on 1 March 2027 itself"):
        announced(NEW, successor=OLD, sunset_at=MARCH + timedelta(days=1))
