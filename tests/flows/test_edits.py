"""Edits and variations over HTTP: a form or JSON in, images and a charge out."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import psycopg
import pytest

from tests.customers.customer import Customer
from tests.customers.edits import (
    EDITS,
    FIELDS,
    LATER,
    LOW,
    MASK,
    READ,
    SQUARE,
    VARIATIONS,
    data_uri,
    edit,
    picture,
    vary,
)
from tests.stack.running import Held, turns
from tests.stack.stack_processes import until


@pytest.fixture
def sdk(customer: Customer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{customer.stack.base_url}/v1",
        api_key=customer.api_key,
        http_client=openai.DefaultHttpxClient(trust_env=False),
        max_retries=0,
    ) as client:
        yield client


# --- an edit ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("sound_ledger")
def test_an_edit_is_charged_as_a_generation_and_by_the_tokens_of_its_image(
    customer: Customer,
) -> None:
    response = edit(customer, {"image": ("../../etc/passwd", picture())})

    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["size"] == "1024x1024"
    assert answer["metadata"]["task"] == answer["metadata"]["upstream_task"] == "edit"
    assert answer["usage"]["input_tokens_details"]["image_tokens"] > 0
    assert response.headers["x-pictor-charge"] == "0.007928"
    assert customer.captures() == [LOW + READ]
    assert customer.balance() == (10_000_000 - LOW - READ, 0)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_each_format_is_told_by_its_bytes(customer: Customer, image_format: str) -> None:
    image = picture(image_format=image_format)

    response = edit(customer, {"image": ("boat.gif", image, "image/gif")})

    assert response.status_code == 200, response.text


def test_an_edit_is_another_request_than_a_generation_of_the_same_fields(
    customer: Customer,
) -> None:
    once = {"Idempotency-Key": "once"}
    image = data_uri(picture())

    made = customer.client.post(
        "/v1/images/generations", json={**FIELDS, "image": [image]}, headers=once
    )
    edited = edit(customer, headers=once)

    assert made.status_code == 200, made.text
    assert edited.status_code == 422


def test_an_edit_can_be_asked_for_and_fetched_later(customer: Customer) -> None:
    begun = edit(customer, headers=LATER)
    until(lambda: customer.states() == {"succeeded": 1})
    found = customer.client.get(begun.headers["location"]).json()

    assert begun.status_code == 202
    assert found["result"]["metadata"]["task"] == "edit"
    assert found["captured"] == "0.007928"


def test_an_edit_is_streamed_in_events_of_its_own(customer: Customer) -> None:
    response = edit(customer, stream="true", partial_images="1", n="2")

    events = [
        json.loads(line.removeprefix("data: "))
        for line in response.text.splitlines()
        if line.startswith("data: ")
    ]
    names = [line[7:] for line in response.text.splitlines() if line.startswith("event: ")]
    assert [event["type"] for event in events] == names
    assert set(names[:-2]) <= {"image_edit.partial_image"}
    assert names[-2:] == ["image_edit.completed"] * 2
    assert customer.captures() == [2 * LOW + READ]


# --- the SDK ----------------------------------------------------------------------------------


def test_the_sdk_edits_one_image_several_and_with_a_mask(
    customer: Customer, sdk: openai.OpenAI
) -> None:
    one = sdk.images.edit(model="gpt-image-2", prompt="a boat", image=picture(), quality="low")
    several = sdk.images.edit(
        model="gpt-image-2",
        prompt="a boat",
        image=[picture(), ("b.webp", picture(image_format="webp"))],
        mask=MASK,
        quality="low",
        response_format="b64_json",
    )

    assert one.data is not None
    assert one.data[0].b64_json is not None
    assert several.data is not None
    assert several.data[0].b64_json is not None
    assert customer.captures() == [LOW + READ, LOW + 2 * READ]


def test_the_sdk_streams_an_edit(customer: Customer, sdk: openai.OpenAI) -> None:
    stream = sdk.images.edit(
        model="gpt-image-2",
        prompt="a boat",
        image=picture(),
        quality="low",
        stream=True,
        partial_images=1,
    )

    assert [event.type for event in stream][-1] == "image_edit.completed"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # its model is
def test_the_sdk_makes_a_variation(customer: Customer, sdk: openai.OpenAI) -> None:
    answer = sdk.images.create_variation(image=SQUARE, n=2, size="512x512")

    assert answer.data is not None
    assert [image.url is not None for image in answer.data] == [True, True]
    assert customer.captures() == [2 * 18_000]


# --- variations -------------------------------------------------------------------------------


@pytest.mark.refused
@pytest.mark.parametrize(
    ("image", "fields", "status", "param"),
    [
        (picture(), {}, 400, "image"),
        (picture((64, 64), "jpeg"), {}, 400, "image"),
        (SQUARE, {"model": "gpt-image-2"}, 400, "model"),
        (SQUARE, {"prompt": "a boat"}, 400, "prompt"),
        (SQUARE, {"stream": "true"}, 400, "stream"),
        (SQUARE, {"size": "1536x1024"}, 400, "size"),
    ],
)
def test_an_impossible_variation_is_refused(
    customer: Customer, image: bytes, fields: dict[str, str], status: int, param: str
) -> None:
    response = vary(customer, image, **fields)

    assert (response.status_code, response.json()["error"]["param"]) == (status, param)
    assert customer.states() == {}


def test_a_variation_is_a_form(customer: Customer) -> None:
    response = customer.client.post(VARIATIONS, json={"image": data_uri(SQUARE)})

    assert response.status_code == 415


# --- abilities of models -----------------------------------------------------------------------


def test_a_model_that_does_not_edit_says_so(customer: Customer) -> None:
    response = edit(customer, model="dall-e-3", quality="")

    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, "model")
    assert error["message"].startswith("dall-e-3 does not edit images.")


def test_the_models_say_what_can_be_asked_of_them(customer: Customer) -> None:
    models = customer.client.get("/v1/models").json()["data"]

    tasks = {model["id"]: model["tasks"] for model in models}
    assert tasks["dall-e-2"] == ["generate", "edit", "variation"]
    assert tasks["dall-e-3"] == ["generate"]
    assert tasks["gpt-image-2-pro"] == ["generate", "edit"]


@pytest.mark.parametrize(
    ("task", "model", "status"),
    [("generate", "dall-e-3", 200), ("edit", "dall-e-3", 400), ("edit", "dall-e-2", 200)],
)
def test_a_quote_may_say_what_it_is_for(
    customer: Customer, task: str, model: str, status: int
) -> None:
    body = {"model": model, "prompt": "a boat", "image": [data_uri(SQUARE)], "task": task}

    response = customer.client.post("/v1/images/quote", json=body)

    assert response.status_code == status, response.text


def test_a_quote_takes_the_markup_of_an_edit(customer: Customer) -> None:
    body = {**FIELDS, "task": "edit", "image": data_uri(SQUARE), "markup": data_uri(SQUARE)}

    quoted = customer.client.post("/v1/images/quote", json=body)

    assert quoted.status_code == 200, quoted.text
    assert quoted.json()["references"] == "0.053600"


def test_an_edit_is_quoted_as_a_generation_and_a_variation_needs_no_prompt(
    customer: Customer,
) -> None:
    quoted = customer.client.post("/v1/images/quote", json={**FIELDS, "task": "edit"}).json()
    varied = customer.client.post(
        "/v1/images/quote", json={"model": "dall-e-2", "task": "variation", "n": 2}
    ).json()

    assert (quoted["price"], varied["price"]) == ("0.005880", "0.040000")


def test_a_quote_says_what_reference_images_cost_at_most(customer: Customer) -> None:
    body = {**FIELDS, "task": "edit", "image": [data_uri(SQUARE)] * 2}

    quoted = customer.client.post("/v1/images/quote", json=body).json()

    assert quoted["references"] == "0.107200"
    assert (quoted["price_min"], quoted["price_max"]) == ("0.005880", "0.113080")
    assert (quoted["decided_by"], quoted["is_final"]) == (["image"], False)


def test_the_price_list_says_what_reference_images_cost(customer: Customer) -> None:
    listed = customer.client.get("/v1/prices").json()["data"]

    found = {row["model"]: row for row in listed if row["size"] == "reference"}
    assert "dall-e-2" not in found
    assert found["gpt-image-2"] == {
        "model": "gpt-image-2",
        "size": "reference",
        "quality": "input",
        "price": "0.053600",
        "is_most": True,
    }


def test_a_retry_of_an_edit_gets_the_image_that_is_under_way(
    customer: Customer, database: "psycopg.Connection[Any]", held: Held
) -> None:
    """Each time the form has another boundary and file name."""
    slow = {"prompt": "a boat [sandbox: delay=60]"}
    form = httpx.Request("POST", "http://x", data={**FIELDS, **slow}, files={"image": picture()})
    address = urlsplit(customer.stack.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {customer.api_key}",
        "Content-Type": form.headers["Content-Type"],
    }
    connection.request("POST", EDITS, form.read(), headers)
    until(lambda: sum(customer.states().values()) == 1)
    connection.close()

    again = held(
        lambda: edit(
            customer,
            {"image": ("other.png", picture())},
            headers={"x-stainless-retry-count": "1"},
            **slow,
        ),
        when=lambda: turns(database, customer) == 1,
    )

    assert again.status_code == 200, again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert customer.captures() == [LOW + READ]
