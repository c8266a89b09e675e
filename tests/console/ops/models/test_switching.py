"""A model copied, enabled after a trial, and disabled after its users were shown."""

from datetime import timedelta
from http import HTTPStatus

import pytest

from accounts.models import AuditEvent
from generation.catalogue.snapshot import current_catalogue
from generation.models import Channel, Contract, CostTable
from pictor.kit.words import clock
from tests.console.ops.acting import act_page, do
from tests.console.ops.channel_pages import text_of
from tests.console.ops.models.model_pages import LEAST, MODEL, called, of, sold
from tests.making.factories import make_channel


def is_offered(model: str = MODEL) -> bool:
    return current_catalogue().contract(model) is not None


# --- off ----------------------------------------------------------------------------------------


def test_switching_off_says_who_uses_it_first(owner, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    called(make_channel("one", MODEL), minutes_ago=4)
    for number in range(14):
        sold(f"tenant-{number}", images=220 + 40 * (number == 0), captured_micros=1)

    page = owner.get(act_page("model.disable", MODEL))

    said = text_of(page)
    assert "14 tenants, 3,120 images in 30 days, last 4 min ago" in said
    assert 'href="/ops/margin/?by=tenant&amp;model=gpt-image-2"' in page.content.decode()
    assert "gpt-image-2 answers 404 model_not_found from the next request on" in said
    assert "announce its end" in said
    assert is_offered()


def test_a_model_is_switched_off_and_on_again(owner):
    make_channel("one", MODEL)

    off = do(owner, "model.disable", MODEL)
    was_off = not is_offered()
    on = do(owner, "model.enable", MODEL)

    assert (off.status_code, on.status_code) == (HTTPStatus.SEE_OTHER, HTTPStatus.SEE_OTHER)
    assert was_off
    assert is_offered()
    events = AuditEvent.objects.filter(actor_name="op@pictor.example").order_by("id")
    assert [(event.action, event.before, event.after) for event in events] == [
        ("contract.disable", {"is_enabled": True}, {"is_enabled": False}),
        ("contract.enable", {"is_enabled": False}, {"is_enabled": True}),
    ]


def test_a_model_that_was_on_is_said_to_stay_before_its_name_is_typed(owner):
    page = text_of(owner.get(act_page("model.delete", MODEL)))

    assert f"{MODEL} was on: it can only be switched off." in page
    assert "Type its name" not in page


def test_switching_a_model_off_twice_is_noted_once(owner):
    answers = [do(owner, "model.disable", MODEL) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [HTTPStatus.SEE_OTHER] * 2
    assert AuditEvent.objects.filter(actor_name="op@pictor.example").count() == 1


def test_nobody_uses_what_nobody_bought(owner):
    said = text_of(owner.get(act_page("model.disable", MODEL)))

    assert "No image of it was sold in 30 days" in said
    assert "announce its end" not in said


# --- on -----------------------------------------------------------------------------------------


def test_a_model_lacking_prices_is_not_switched_on_and_says_why(owner):
    Contract.objects.filter(pk=MODEL).update(
        is_enabled=False, qualities=["low", "medium", "high", "ultra"]
    )

    page = owner.get(act_page("model.enable", MODEL))
    answer = do(owner, "model.enable", MODEL)

    assert "No channel serves it. 10 of 40 cells have no price." in text_of(page)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not is_offered()


@pytest.mark.parametrize(
    "change",
    [{"serves": "test"}, {"is_enabled": False}],
    ids=str,
)
def test_a_channel_of_tests_or_one_that_is_paused_does_not_serve(owner, change):
    make_channel("one", MODEL)
    Channel.objects.update(**change)
    Contract.objects.filter(pk=MODEL).update(is_enabled=False)

    assert do(owner, "model.enable", MODEL).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_prices_and_channels_are_counted_before_a_model_is_switched_on(owner):
    make_channel("one", MODEL)
    Contract.objects.filter(pk=MODEL).update(is_enabled=False)

    said = text_of(owner.get(act_page("model.enable", MODEL)))

    assert "30 of 30 cells have a price. Served by one." in said


def test_a_model_below_cost_is_switched_on_with_a_reason_and_their_number(owner):
    channel = make_channel("dear", MODEL)
    Contract.objects.filter(pk=MODEL).update(is_enabled=False)
    at, cell = clock.now() - timedelta(days=1), [MODEL, "1024x1024", "low", "fixed", 90_000]
    CostTable.objects.create(channel=channel, rows=[cell], effective_from=at, created_at=at)

    page = text_of(owner.get(act_page("model.enable", MODEL)))
    refused = [
        do(owner, "model.enable", MODEL, confirm="2", reason="a promotion"),
        do(owner, "model.enable", MODEL, confirm="1"),
    ]
    was_off = not is_offered()
    done = do(owner, "model.enable", MODEL, confirm="1", reason="a promotion")

    assert "gpt-image-2 1024x1024 low: 0.005880 USD, costs 0.090000 USD at dear" in page
    assert [answer.status_code for answer in refused] == [HTTPStatus.UNPROCESSABLE_ENTITY] * 2
    assert "There are 1." in text_of(refused[0])
    assert "It needs a reason, and the number of new prices below cost." in text_of(refused[1])
    assert was_off
    assert (done.status_code, is_offered()) == (HTTPStatus.SEE_OTHER, True)
    assert AuditEvent.objects.get(action="contract.confirm").after == {
        "reason": "a promotion", "changes": 0, "large": 0, "below_cost": 1,
    }  # fmt: skip


# --- copied -------------------------------------------------------------------------------------


def test_a_copy_is_off_until_it_has_prices_and_a_channel(owner):
    answer = owner.post(of(LEAST, "copy"), {"model": "fox-1", "source": LEAST})
    page = text_of(owner.get(of("fox-1")))

    made = Contract.objects.get(pk="fox-1")
    assert (answer.status_code, answer["Location"]) == (HTTPStatus.SEE_OTHER, of("fox-1"))
    assert (made.is_enabled, made.sizes) == (False, Contract.objects.get(pk=LEAST).sizes)
    assert made.position == max(Contract.objects.values_list("position", flat=True))
    assert "No channel serves it." in page
    assert "6 of 6 cells have no price." in page


def test_a_double_click_makes_one_copy(owner):
    said = {"model": "fox-1", "source": LEAST}

    answers = [owner.post(of(LEAST, "copy"), said) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [of("fox-1")] * 2
    assert AuditEvent.objects.filter(object_id="fox-1").count() == 1


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({}, "model", "This field is required."),
        ({"model": "a b"}, "model", "a name has 1 to 60 letters, digits, dots"),
        ({"model": "fox/1"}, "model", "a name has 1 to 60 letters, digits, dots"),
        ({"model": "-fox"}, "model", "a name has 1 to 60 letters, digits, dots"),
        ({"model": "füchse"}, "model", "a name has 1 to 60 letters, digits, dots"),
        ({"model": "f" * 61}, "model", "Ensure this value has at most 60 characters"),
        ({"model": "f\0"}, "model", "Null characters are not allowed."),
        ({"model": MODEL}, "model", "a model named gpt-image-2 exists already"),
        ({"model": "fox", "source": "no"}, "source", "Select a valid choice."),
        ({"model": "fox", "source": ""}, "source", "This field is required."),
    ],
    ids=str,
)
def test_a_name_that_cannot_be_one_is_refused_at_its_field(owner, said, field, words):
    number = Contract.objects.count()

    answer = owner.post(of(LEAST, "copy"), {"source": LEAST, **said})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.context["form"].errors[field][0].startswith(words)
    assert Contract.objects.count() == number
