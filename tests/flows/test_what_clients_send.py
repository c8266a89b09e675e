"""Odd requests of browsers, phones and third-party clients that must be understood."""

import base64
from typing import Any

import pytest

from tests.customers.customer import GENERATIONS, Customer
from tests.customers.edits import EDITS, FIELDS, picture
from tests.stack.running import MakeCustomer

PNG = base64.b64encode(picture()).decode()


@pytest.fixture(scope="module")
def customer(make_customer_once: MakeCustomer) -> Customer:
    """One customer for all tests: none of them reads its ledger."""
    return make_customer_once()


@pytest.mark.parametrize(
    "model", ["gpt-image-1", "gpt-image-2", "gpt-image-2-pro", "gpt-image-2-auto"]
)
def test_a_gpt_image_model_answers_with_base64_as_openais_do(
    customer: Customer, model: str
) -> None:
    [image] = customer.generate(model=model, quality="low").json()["data"]

    assert base64.b64decode(image["b64_json"], validate=True).startswith(b"\x89PNG")
    assert "url" not in image


@pytest.mark.parametrize("model", ["gpt-image-2-origin", "dall-e-2", "dall-e-3"])
def test_other_models_answer_with_a_url(customer: Customer, model: str) -> None:
    [image] = customer.generate(model=model).json()["data"]

    assert image["url"].startswith("http")


def test_models_say_what_they_answer_with(customer: Customer) -> None:
    models = customer.client.get("/v1/models").json()["data"]

    assert {model["id"]: model["default_response_format"] for model in models} == {
        "dall-e-2": "url",
        "dall-e-3": "url",
        "gpt-image-1": "b64_json",
        "gpt-image-2": "b64_json",
        "gpt-image-2-pro": "b64_json",
        "gpt-image-2-auto": "b64_json",
        "gpt-image-2-origin": "url",
    }


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3"])
def test_auto_is_dall_es_usual_quality(customer: Customer, model: str) -> None:
    answer = customer.generate(model=model, quality="auto")

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "image",
    [
        f"data:image/png;base64,{PNG}",
        f"data:image/png;name=my%20photo%20(1).png;base64,{PNG}",
        f"data:;base64,{PNG}",
        f" data: image/png ; charset=utf-8 ; base64 , {PNG}",
        f"DATA:image/png;BASE64,{PNG}",
    ],
)
def test_a_data_uri_is_read_as_rfc_2397_has_it(customer: Customer, image: str) -> None:
    answer = customer.generate(model="gpt-image-2", quality="low", image=image)

    assert answer.status_code == 200, answer.text


def test_an_address_is_taken_where_base64_is(customer: Customer) -> None:
    body = {"model": "gpt-image-2", "prompt": "a fox", "quality": "low"}
    inner = customer.client.post(GENERATIONS, json={**body, "image": "https://127.0.0.1/cat.png"})

    assert inner.status_code == 400
    assert inner.json()["error"]["message"] == "image is an address that may not be fetched."


def form(customer: Customer, *parts: tuple[str, bytes], before: bytes = b"") -> Any:
    texts = [(f'form-data; name="{name}"', text.encode()) for name, text in FIELDS.items()]
    body = before + b"".join(
        f"--XbX\r\nContent-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in (*texts, *parts)
    )
    kind = {"Content-Type": "multipart/form-data; boundary=XbX"}
    return customer.client.post(EDITS, content=body + b"--XbX--\r\n", headers=kind)


IMAGE = ('form-data; name="image"; filename="a.png"', picture())


def test_a_mask_that_a_browsers_form_was_left_without_is_none(customer: Customer) -> None:
    answer = form(customer, IMAGE, ('form-data; name="mask"; filename=""', b""))

    assert answer.status_code == 200, answer.text


def test_text_before_the_first_boundary_is_ignored(customer: Customer) -> None:
    answer = form(customer, IMAGE, before=b"This is a message with several parts.\r\n")

    assert answer.status_code == 200, answer.text
