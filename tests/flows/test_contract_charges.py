"""Quotes, holds, two special ways of billing, and unrequested sizes."""

from typing import Any

import httpx
import pytest

from tests.customers.customer import Customer, Operator

QUOTE = "/v1/images/quote"
OPENING = 10_000_000


def quoted(customer: Customer, **fields: Any) -> httpx.Response:
    return customer.client.post(QUOTE, json={"prompt": "a fox", **fields})


# --- the quote is the hold, and for fixed sizes and an explicit quality the charge ------------


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({"model": "dall-e-2", "size": "256x256", "n": 10}, "0.160000"),
        ({"model": "dall-e-3", "size": "1792x1024", "quality": "hd"}, "0.120000"),
        ({"model": "gpt-image-1", "size": "1536x1024", "quality": "high"}, "0.250000"),
        ({"model": "gpt-image-2", "size": "16:9", "quality": "medium", "n": 2}, "0.079500"),
        ({"model": "gpt-image-2-pro", "size": "4:3(4K)", "quality": "low"}, "0.014400"),
        ({"model": "gpt-image-2-origin", "size": "1024x1536", "quality": "medium", "n": 3},
         "0.123480"),
        ({"model": "gpt-image-2-origin", "size": "3840x2160", "quality": "high"}, "0.400260"),
    ],
)  # fmt: skip
def test_quote_hold_and_charge_are_one_amount(
    customer: Customer, fields: dict[str, Any], total: str
) -> None:
    quote = quoted(customer, **fields)
    untouched = customer.balance()
    queued = customer.generate(headers={"Prefer": "respond-async"}, **fields)
    done = customer.generate(**fields)

    assert quote.status_code == 200, quote.text
    assert quote.json()["price"] == quote.json()["hold"] == total
    assert quote.json()["is_final"] is True
    assert untouched == (OPENING, 0)
    assert queued.json()["quoted"] == total
    assert done.headers["x-pictor-charge"] == total
    assert done.json()["usage"]["cost"] == total


@pytest.mark.parametrize(
    ("fields", "hold"),
    [
        ({"model": "gpt-image-2"}, "0.210720"),
        ({"model": "gpt-image-2", "quality": "auto", "n": 2}, "0.421440"),
        ({"model": "gpt-image-2", "size": "auto", "quality": "low"}, "0.011910"),
        ({"model": "gpt-image-1"}, "0.167000"),
        ({"model": "gpt-image-1", "size": "auto"}, "0.250000"),
        ({"model": "gpt-image-2-auto"}, "0.428160"),
        ({"model": "gpt-image-2-auto", "quality": "medium"}, "0.107040"),
        ({"model": "gpt-image-2-auto", "n": 10}, "4.281600"),
        ({"model": "dall-e-3"}, "0.040000"),
    ],
)
def test_an_unstated_size_or_quality_is_held_at_its_dearest(
    customer: Customer, fields: dict[str, Any], hold: str
) -> None:
    quote = quoted(customer, **fields)
    queued = customer.generate(
        "a fox [sandbox: delay=1]", headers={"Prefer": "respond-async"}, **fields
    )

    assert quote.json()["hold"] == hold
    assert queued.json()["held"] == hold


@pytest.mark.parametrize(
    ("fields", "least", "most", "decided_by"),
    [
        ({"model": "gpt-image-2"}, "0.005880", "0.210720", ["quality"]),
        ({"model": "gpt-image-2", "quality": "high", "n": 2}, "0.421440", "0.421440", []),
        ({"model": "gpt-image-1", "size": "auto", "quality": "low"}, "0.011000", "0.016000",
         ["size"]),
        ({"model": "gpt-image-2-auto", "n": 2}, "0.006300", "0.856320", ["size", "quality"]),
        ({"model": "dall-e-3"}, "0.040000", "0.040000", []),
    ],
)  # fmt: skip
def test_a_quote_says_its_range_and_what_decides(
    customer: Customer, fields: dict[str, Any], least: str, most: str, decided_by: list[str]
) -> None:
    quote = quoted(customer, **fields).json()

    assert (quote["price_min"], quote["price_max"]) == (least, most)
    assert quote["decided_by"] == decided_by
    assert quote["is_final"] is (decided_by == [])


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "gpt-image-2", "size": "77x77"},
        {"model": "gpt-image-9"},
        {"model": None},
        {"model": "dall-e-2", "prompt": "x" * 1001},
        {"model": "dall-e-2", "colour": "red"},
    ],
)
def test_a_quote_refuses_what_a_generation_would(
    customer: Customer, fields: dict[str, Any]
) -> None:
    quote = quoted(customer, **fields)
    generation = customer.client.post("/v1/images/generations", json={"prompt": "a fox", **fields})

    assert 400 <= quote.status_code < 500
    assert quote.status_code == generation.status_code
    assert quote.json() == generation.json()


def test_a_quote_says_the_resolved_size_and_tier(customer: Customer) -> None:
    pro = quoted(customer, model="gpt-image-2-pro", size="1:1(2K)").json()
    origin = quoted(customer, model="gpt-image-2-origin", size="2048x2048").json()

    assert (pro["requested_size"], pro["size"], pro["tier"]) == ("1:1(2K)", "2048x2048", "2K")
    assert (origin["size"], origin["tier"]) == ("2048x2048", "4K")
    assert pro["size_plan"] == origin["size_plan"] == "native"


# --- gpt-image-2-auto: by the delivered size ---------------------------------------------------


@pytest.mark.parametrize(
    ("directive", "fields", "charge", "count"),
    [
        ("", {}, "0.052680", 1),
        ("", {"quality": "high"}, "0.210720", 1),
        ("", {"quality": "low", "n": 3}, "0.017640", 3),
        ("[sandbox: size=1536x1024]", {}, "0.041160", 1),
        ("[sandbox: size=1536x1024]", {"quality": "high", "n": 2}, "0.329280", 2),
        ("[sandbox: size=1536x1024 images=1]", {"quality": "high", "n": 2}, "0.164640", 1),
        ("[sandbox: images=2]", {"n": 4}, "0.105360", 2),
        ("[sandbox: images=3]", {"n": 1}, "0.052680", 1),
        ("[sandbox: size=2880x2880]", {"quality": "high"}, "0.428160", 1),
        ("[sandbox: size=2880x2880]", {"quality": "medium"}, "0.107040", 1),
        ("[sandbox: size=2880x2880]", {}, "0.177900", 1),
        ("[sandbox: size=2880x2880 images=1]", {"quality": "high", "n": 2}, "0.711570", 1),
        ("[sandbox: size=512x512]", {"quality": "medium"}, "0.039090", 1),
    ],
)
def test_auto_charges_the_size_quality_and_count_that_came_and_at_most_its_hold(
    customer: Customer, directive: str, fields: dict[str, Any], charge: str, count: int
) -> None:
    response = customer.generate(f"a fox {directive}", model="gpt-image-2-auto", **fields)

    assert response.status_code == 200, response.text
    assert response.headers["x-pictor-charge"] == charge
    assert len(response.json()["data"]) == count
    assert response.json()["metadata"]["requested_size"] == "auto"
    assert customer.balance()[1] == 0


# --- fixed sizes: the lower of the requested and the delivered ---------------------------------


@pytest.mark.parametrize(
    ("fields", "came", "charge"),
    [
        ({"model": "dall-e-2", "size": "1024x1024"}, "256x256", "0.016000"),
        ({"model": "dall-e-2", "size": "256x256"}, "1024x1024", "0.016000"),
        ({"model": "gpt-image-2-origin", "quality": "high"}, "3840x2160", "0.210720"),
        ({"model": "gpt-image-2-origin", "quality": "high"}, "1000x1000", "0.200958"),
        ({"model": "gpt-image-2-pro", "size": "1:1(4K)", "quality": "high"}, "1024x1024",
         "0.210720"),
        ({"model": "gpt-image-2", "size": "3840x2160", "quality": "high"}, "1536x1024",
         "0.164640"),
        ({"model": "gpt-image-1", "quality": "low", "size": "1536x1024"}, "1024x1024", "0.011000"),
    ],
)  # fmt: skip
def test_another_size_costs_the_lower_of_both_prices(
    customer: Customer, fields: dict[str, Any], came: str, charge: str
) -> None:
    response = customer.generate(f"a fox [sandbox: size={came}]", **fields)

    assert response.status_code == 200, response.text
    assert response.headers["x-pictor-charge"] == charge
    assert response.json()["size"] == came
    assert response.json()["metadata"]["delivered_sizes"] == [came]


def test_images_beyond_the_count_are_neither_given_nor_charged(customer: Customer) -> None:
    response = customer.generate("a fox [sandbox: images=5]", n=2, quality="low")

    assert len(response.json()["data"]) == 2
    assert customer.captures() == [2 * 5_880]


@pytest.mark.parametrize("came", ["512x512", "2048x2048", "1024x1023"])
def test_a_strict_size_refuses_any_other_and_pays_nothing(
    customer: Customer, operator: Operator, came: str
) -> None:
    # known to deliver the last size, it would not be called
    operator("channel", "reset", "sandbox")

    response = customer.generate(f"a fox [sandbox: size={came}]", strict_size=True)

    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_error"
    assert "not charged" in response.json()["error"]["message"]
    assert response.headers["x-should-retry"] == "false"
    assert customer.captures() == []
    assert customer.balance() == (OPENING, 0)


def test_a_strict_size_takes_the_right_one(customer: Customer, operator: Operator) -> None:
    operator("channel", "reset", "sandbox")

    response = customer.generate("a fox", strict_size=True, size="1536x1024", quality="low")

    assert response.status_code == 200
    assert response.headers["x-pictor-charge"] == "0.004740"


def test_a_quote_says_how_the_request_would_be_served_and_an_order_does_not(
    customer: Customer,
) -> None:
    plain = quoted(customer, model="gpt-image-2")
    explained = quoted(customer, model="gpt-image-2", explain=True)
    ordered = customer.generate(model="gpt-image-2", explain=True)

    assert explained.json() == {**plain.json(), "ignored": []}
    assert (ordered.status_code, ordered.json()["error"]["code"]) == (400, "unknown_parameter")
    assert ordered.json()["error"]["param"] == "explain"
