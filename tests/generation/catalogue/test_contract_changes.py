"""Changes of a contract: each refusal with its words."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import AuditEvent
from accounts.services import Subject, record
from billing.price_rows import BookRow
from billing.services.office.prices import draft_price_book
from generation.catalogue import services
from generation.models import Channel, Contract, Route
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import make_channel
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db
MODEL = "dall-e-3"


@pytest.fixture(autouse=True)
def offer() -> None:
    sow()


def refused(**columns: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as error:
        services.set_contract(model=MODEL, columns=columns, actor="Ann")
    return error.value.message_dict


def size(text: object, **more: object) -> list[dict[str, object]]:
    return [{"size": "1024x1024"}, {"size": text, **more}]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"sizes": 7}, "are rows with a size each"),
        ({"sizes": ["1024x1024"]}, "are rows with a size each"),
        ({"sizes": [{}]}, "row 1: None is not a size such as 1536x1024"),
        ({"sizes": size(7)}, "row 2: 7 is not a size such as 1536x1024"),
        ({"sizes": size(["2x2"])}, "row 2: ['2x2'] is not a size such as 1536x1024"),
        ({"sizes": size("2x2", tier="")}, "row 2: '' is not a word of 1 to 8 characters"),
        ({"sizes": size("2x2", ratio=1)}, "row 2: 1 is not a ratio such as 3:2"),
        ({"sizes": size("2x2", preset=7)}, "row 2: 7 is not a word of 1 to 16 characters"),
        ({"sizes": size("1024x1024")}, "row 2: 1024x1024 is listed twice"),
        ({"sizes": []}, "name at least one, or let the upstream choose"),
        ({"tasks": ["dance"]}, "there is no task dance"),
        ({"qualities": ["standard", "hd", "a b"]}, "a b is not a word of 1 to 16 characters"),
        ({"quality_aliases": [1]}, "must map words to qualities"),
        ({"quality_aliases": {"a": ["hd"]}}, "must map words to qualities"),
        ({"quality_aliases": {"a b": "hd"}}, "a b is not a word of 1 to 16 characters"),
        ({"max_n": 0}, "must be from 1 to 10"),
        ({"response_format_default": "x"}, "must be url or b64_json"),
    ],
    ids=str,
)
def test_a_promise_that_cannot_be_kept_is_refused(columns, words):
    before = Contract.objects.filter(pk=MODEL).values().get()

    found = refused(**columns)

    (column,) = columns
    assert found[column] == [words]
    assert Contract.objects.filter(pk=MODEL).values().get() == before


def test_a_model_with_only_auto_needs_a_quality_with_a_price():
    found = refused(qualities=["auto"], quality_default="auto", quality_aliases={})

    assert found["qualities"] == ["need one besides auto, which has no price"]


@pytest.mark.parametrize("name", ["", "a b", "fox/1", "-fox", "f" * 61])
def test_a_name_is_one_that_an_address_can_hold(name):
    with pytest.raises(ValidationError, match="a name has 1 to 60 letters"):
        services.copy_contract(
            model=name + ("" if name.strip() else " "), source=MODEL, actor="Ann"
        )


def test_a_copy_stands_behind_all_others_and_is_off():
    made, is_new = services.copy_contract(model="fox-1", source=MODEL, actor="Ann")

    assert (made.is_enabled, is_new) == (False, True)
    assert Contract.objects.order_by("position").last() == made
    assert services.columns_of(made) == services.columns_of(Contract.objects.get(pk=MODEL)) | {
        "position": made.position,
        "is_enabled": False,
        "created": made.created,
    }
    assert made.created > Contract.objects.get(pk=MODEL).created


def test_a_copy_of_nothing_or_over_another_is_refused():
    services.copy_contract(model="fox-1", source="gpt-image-2", actor="Ann")

    with pytest.raises(ValidationError, match="a model named fox-1 exists already"):
        services.copy_contract(model="fox-1", source=MODEL, actor="Ann")
    with pytest.raises(ValidationError, match="there is no model 'none'"):
        services.copy_contract(model="fox-2", source="none", actor="Ann")


def test_a_model_is_offered_once_it_has_prices_and_a_channel_that_was_tested():
    services.set_offered(model=MODEL, is_offered=False, actor="Ann")
    route = Route.objects.get(channel=make_channel("one", MODEL))
    Route.objects.update(is_approved=False)

    with pytest.raises(ValidationError, match="dall-e-3 is served by no channel"):
        services.set_offered(model=MODEL, is_offered=True, actor="Ann")
    Route.objects.filter(pk=route.pk).update(is_approved=True)
    services.set_offered(model=MODEL, is_offered=True, actor="Ann")
    services.set_offered(model=MODEL, is_offered=True, actor="Ann")

    assert Contract.objects.get(pk=MODEL).is_enabled
    actions = AuditEvent.objects.filter(actor_name="Ann", object_id=MODEL).order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["contract.disable", "contract.enable"]


def test_a_model_is_not_offered_while_a_cell_cannot_be_quoted():
    make_channel("one", MODEL)
    Contract.objects.filter(pk=MODEL).update(is_enabled=False)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE billing_pricebook CASCADE")

    with pytest.raises(ValidationError, match="dall-e-3 cannot be quoted for dall-e-3 1024x1024"):
        services.set_offered(model=MODEL, is_offered=True, actor="Ann")


def test_an_ended_model_is_not_offered_again():
    make_channel("one", MODEL)
    Contract.objects.filter(pk=MODEL).update(is_enabled=False, sunset_at="2026-02-01T00:00Z")

    with pytest.raises(ValidationError, match="dall-e-3 ended on 1 February 2026, for good"):
        services.set_offered(model=MODEL, is_offered=True, actor="Ann")


def test_an_unknown_model_cannot_be_offered():
    with pytest.raises(ValidationError, match="there is no model 'none'"):
        services.set_offered(model="none", is_offered=True, actor="Ann")


def test_a_channel_only_for_tests_serves_nobody():
    make_channel("one", MODEL)
    Channel.objects.update(serves="test")

    Contract.objects.filter(pk=MODEL).update(is_enabled=False)

    with pytest.raises(ValidationError, match="dall-e-3 is served by no channel"):
        services.set_offered(model=MODEL, is_offered=True, actor="Ann")


def test_a_model_that_was_never_on_is_deleted():
    services.copy_contract(model="fox-1", source=MODEL, actor="Ann")

    services.delete_contract(model="fox-1", actor="Ann")

    assert not Contract.objects.filter(pk="fox-1").exists()
    assert AuditEvent.objects.latest("id").action == "contract.delete"


def was_on() -> None:
    record(Subject("contract", "fox-1"), "contract.enable", actor="Ann", after={"is_enabled": True})


def is_priced() -> None:
    row = BookRow("fox-1", "1024x1024", "low", Micros(1), 1024, 1024)
    draft_price_book(name="fox", rows=[row], effective_from=clock.now(), actor="Ann")


@pytest.mark.parametrize(
    ("need", "why"),
    [
        (was_on, "was on: it can only be switched off"),
        (lambda: make_channel("one", "fox-1"), "Take the model from one first"),
        (is_priced, "Price books have prices of fox-1"),
        (lambda: Contract.objects.filter(pk=MODEL).update(successor="fox-1"), "to follow"),
    ],
)
def test_a_model_that_something_refers_to_is_not_deleted(need, why):
    services.copy_contract(model="fox-1", source=MODEL, actor="Ann")
    need()

    with pytest.raises(ValidationError, match=why):
        services.delete_contract(model="fox-1", actor="Ann")

    assert Contract.objects.filter(pk="fox-1").exists()
