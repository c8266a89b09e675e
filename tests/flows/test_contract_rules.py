"""Prompt limits, counts, true formats, and the two forms of the path."""

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.customers.customer import Customer

FOX = "\U0001f98a"
"""One character, four bytes, two UTF-16 units."""


# --- prompt -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "limit", "letter"),
    [("dall-e-2", 1000, "x"), ("dall-e-3", 4000, "ü"), ("gpt-image-2-origin", 32000, FOX)],
)
def test_a_prompt_may_have_as_many_characters_as_the_limit_and_not_one_more(
    customer: Customer, model: str, limit: int, letter: str
) -> None:
    full = customer.generate(letter * limit, model=model)
    over = customer.generate(letter * (limit + 1), model=model)

    assert full.status_code == 200, full.text
    assert over.status_code == 400
    assert over.json()["error"]["code"] == "string_above_max_length"
    assert over.json()["error"]["param"] == "prompt"
    assert customer.states() == {"succeeded": 1}


def test_a_prompt_written_as_json_escapes_counts_its_characters(customer: Customer) -> None:
    escaped = b"\\ud83e\\udd8a" * 32_000

    response = customer.client.post(
        "/v1/images/generations",
        content=b'{"model": "gpt-image-2-origin", "prompt": "' + escaped + b'"}',
    )

    assert response.status_code == 200, response.text


@pytest.mark.refused
@pytest.mark.parametrize("prompt", ["\u2003 \u00a0", None])
def test_a_blank_prompt_is_missing(customer: Customer, prompt: str | None) -> None:
    response = customer.client.post(
        "/v1/images/generations", json={"model": "dall-e-2", "prompt": prompt}
    )

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "missing_required_parameter"
    assert response.json()["error"]["param"] == "prompt"


# --- n ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "n", "images"),
    [
        ("/v1/images/generations", "03", 3),
        ("/v1/images/generations", 0, 1),
        ("/v1/images/generations/", 10, 10),
    ],
)
def test_a_count_in_any_spelling_is_that_many_images(
    customer: Customer, path: str, n: object, images: int
) -> None:
    body = {"model": "gpt-image-2", "prompt": "a fox", "quality": "low", "n": n}

    response = customer.client.post(path, json=body)

    assert response.status_code == 200, response.text
    assert len(response.json()["data"]) == images
    assert customer.captures() == [5_880 * images]


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/images/generations/"])
def test_a_count_left_out_is_one(customer: Customer, path: str) -> None:
    response = customer.client.post(path, json={"model": "gpt-image-2", "prompt": "a fox"})

    assert len(response.json()["data"]) == 1


@pytest.mark.refused
@pytest.mark.parametrize("n", [11, "three", []])
def test_any_other_count_is_refused(customer: Customer, n: object) -> None:
    response = customer.generate("a fox", n=n)

    error = response.json()["error"]
    assert response.status_code == 400, response.text
    assert error["code"] in {"invalid_type", "invalid_value"}
    assert error["param"] == "n"
    assert customer.states() == {}


# --- formats ----------------------------------------------------------------------------------


def image_of(response: httpx.Response) -> tuple[str | None, int]:
    content = base64.b64decode(response.json()["data"][0]["b64_json"], validate=True)
    image = Image.open(io.BytesIO(content))
    image.load()
    return image.format, len(content)


@pytest.mark.parametrize(("word", "name"), [("jpeg", "JPEG"), ("webp", "WEBP")])
def test_compression_makes_smaller_files_of_the_right_format(
    customer: Customer, word: str, name: str
) -> None:
    common: dict[str, Any] = {"response_format": "b64_json", "output_format": word}

    coarse = image_of(customer.generate("a fox", output_compression=5, **common))
    fine = image_of(customer.generate("a fox", output_compression=100, **common))

    assert coarse[0] == fine[0] == name
    assert coarse[1] * 2 < fine[1]


@pytest.mark.refused
@pytest.mark.parametrize("compression", [101, "50"])
def test_a_compression_that_is_no_percentage_is_refused(
    customer: Customer, compression: object
) -> None:
    response = customer.generate("a fox", output_format="webp", output_compression=compression)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "output_compression"


@pytest.mark.refused
@pytest.mark.parametrize("background", ["transparent", {"type": "transparent"}])
def test_a_transparent_jpeg_is_refused(customer: Customer, background: object) -> None:
    response = customer.generate("a fox", background=background, output_format="jpeg")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_value"
    assert response.json()["error"]["param"] == "background"
    assert customer.states() == {}


@pytest.mark.parametrize("word", ["png", "webp"])
def test_a_transparent_background_is_echoed(customer: Customer, word: str) -> None:
    answer = customer.generate("a fox", background="transparent", output_format=word).json()

    assert answer["background"] == "transparent"
    assert answer["output_format"] == word


# --- the two forms of the path ----------------------------------------------------------------


@pytest.mark.parametrize("body", [{}, {"model": None}, {"model": ""}])
def test_only_the_slash_form_has_a_default_model(customer: Customer, body: dict[str, Any]) -> None:
    plain = customer.client.post("/v1/images/generations", json={"prompt": "a fox", **body})
    slash = customer.client.post(
        "/v1/images/generations/",
        json={"prompt": "a fox", "size": "1344x1024", **body},
    )

    assert plain.status_code == 400
    assert plain.json()["error"]["code"] == "missing_required_parameter"
    assert plain.json()["error"]["param"] == "model"
    assert slash.status_code == 200, slash.text
    assert slash.json()["size"] == "1344x1024"


def test_the_slash_form_keeps_a_model_that_is_named(customer: Customer) -> None:
    response = customer.client.post(
        "/v1/images/generations/", json={"prompt": "a fox", "model": "dall-e-2", "size": "256x256"}
    )

    assert response.json()["size"] == "256x256"
