"""A quote that explains how its request would be served now."""

from typing import Any

import pytest

from generation.admission.quoting import quoted_order
from generation.api.objects import QuoteObject
from generation.channels.declaration import Task
from generation.models import Contract
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer, make_channel

MODEL = "gpt-image-1"
AS_BEFORE = [
    "object", "model", "size", "requested_size", "tier", "quality", "n", "unit_price", "price",
    "price_min", "price_max", "decided_by", "references", "hold", "quality_held", "is_final",
    "size_plan", "upstream_size", "currency",
]  # fmt: skip


@pytest.fixture
def customer(seeded):
    return PayingCustomer("acme")


def quoted(customer: PayingCustomer, **fields: Any) -> dict[str, Any]:
    request = {"model": MODEL, "prompt": "a fox", "size": "1024x1024", **fields}
    found = quoted_order(caller=customer.caller(), request=request, now=clock.now())
    return dict(QuoteObject.render(found))


def told(answer: dict[str, Any]) -> tuple[str, str, list[str]]:
    return answer["size_plan"], answer["upstream_size"], answer["ignored"]


def test_the_best_rank_is_explained_with_all_fields_that_one_of_it_ignores(customer):
    make_channel("a", MODEL, sizes=["1536x1024"], priority=1, ignored_fields=["moderation"])
    make_channel("b", MODEL, priority=1, ignored_fields=["user", "quality"])
    make_channel("c", MODEL, priority=1, ignored_fields=["background", "partial_images"])
    make_channel("d", MODEL, priority=2, ignored_fields=["style"])
    fields = dict.fromkeys(("user", "background", "style"), "word") | {"moderation": "low"}
    more = {"output_compression": 90, "stream": True, "partial_images": 1}

    few = quoted(customer, **fields, explain=True)
    all_of_them = quoted(customer, **fields, **more, quality="low", explain=True)

    assert told(few) == ("native", "1024x1024", ["background", "user"])
    assert told(all_of_them)[2] == [
        *("background", "output_compression", "partial_images", "quality", "user")
    ]


def test_it_tells_of_no_channel_no_order_and_no_cost(customer):
    make_channel("acme", MODEL, cost_micros=777)

    explained = quoted(customer, explain=True)

    assert set(explained) - set(AS_BEFORE) == {"ignored"}
    assert "acme" not in str(explained)
    assert "777" not in str(explained)


@pytest.mark.parametrize("fields", [{}, {"explain": False}], ids=["absent", "false"])
def test_a_quote_that_is_not_to_be_explained_is_as_before(customer, fields):
    make_channel("a", MODEL, sizes=["1536x1024"], priority=1)
    make_channel("b", MODEL, priority=1)

    answer = quoted(customer, **fields)

    assert list(answer) == AS_BEFORE
    assert (answer["size_plan"], answer["upstream_size"]) == ("closest", "1536x1024")


def test_a_strict_request_is_explained_by_a_channel_that_keeps_its_size(customer):
    make_channel("a", MODEL, sizes=["1536x1024"], priority=1, ignored_fields=["user"])
    make_channel("b", MODEL, priority=2)

    loose, strict = (
        quoted(customer, user="ann", strict_size=strict, explain=True) for strict in (False, True)
    )

    assert told(loose) == ("closest", "1536x1024", ["size", "user"])
    assert told(strict) == ("native", "1024x1024", [])


def test_an_edit_is_explained_by_channels_that_edit(customer):
    make_channel("a", MODEL, priority=1, refused_tasks=["edit"])
    make_channel("b", MODEL, priority=2, ignored_fields=["input_fidelity"])
    Contract.objects.filter(model=MODEL).update(tasks=[*Task])

    answer = quoted(
        customer, task="edit", image=["a"], mask="b", input_fidelity="high", explain=True
    )

    assert told(answer) == ("native", "1024x1024", ["input_fidelity"])
