"""Every model in every size, by pixels and by preset, and in every form, on the running stack.

Compared are the pixels Pillow reads from the bytes, the format by its magic bytes, and the charge,
in the answer and in the ledger, with the literal price list. Every size comes as base64 here,
gpt-image-2-origin's 48 by url in test_sizes.py; every model and every format both ways here.
"""

import asyncio
import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.contracts.price_list import LOW_OR_STANDARD
from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.stack.running import MakeCustomer

REQUESTS_AT_ONCE = 8
MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF"}
DALL_E = ("dall-e-2", "dall-e-3")


@pytest.fixture(scope="module", autouse=True)
def sound_ledger_at_the_end(operator: Operator) -> Iterator[None]:
    yield
    operator("ledger_check", "--json")


@dataclass(frozen=True)
class Got:
    """One answer: its fields and its first image."""

    status: int
    size: str
    said: str
    format: str
    charged: str
    cost: str


@pytest.mark.parametrize("model", LOW_OR_STANDARD)
def test_every_size_of_a_model_is_delivered_in_its_pixels_at_its_price(
    make_customer: MakeCustomer, model: str
) -> None:
    customer = make_customer("10.00")
    sizes = LOW_OR_STANDARD[model]
    quality = "standard" if model in DALL_E else "low"
    bodies = [
        {
            "model": model,
            "prompt": "a kite",
            "size": word,
            "quality": quality,
            "response_format": "b64_json",
        }
        for word in sizes
    ]

    got = dict(zip(sizes, asyncio.run(all_of(customer, bodies)), strict=True))

    assert got == {
        word: Got(200, size, size, "PNG", usd(price), usd(price))
        for word, (size, price) in sizes.items()
    }
    assert sorted(customer.captures()) == sorted(price for _, price in sizes.values())
    assert customer.balance() == (10_000_000 - sum(price for _, price in sizes.values()), 0)


@pytest.mark.parametrize(
    ("model", "fields", "price"),
    [
        ("dall-e-3", {"quality": "hd", "size": "1792x1024"}, 120_000),
        ("dall-e-2", {}, 20_000),
        ("gpt-image-1", {}, 42_000),
        ("gpt-image-2", {"quality": "hd"}, 210_720),
        ("gpt-image-2-pro", {"quality": "high", "size": "4:3(4K)"}, 517_920),
        ("gpt-image-2-pro", {"quality": "medium", "size": "16:9(2K)"}, 42_390),
        ("gpt-image-2-origin", {"quality": "medium", "size": "1536x1024"}, 41_160),
    ],
)
def test_a_quality_is_charged_by_its_own_price(
    customer: Customer, model: str, fields: dict[str, Any], price: int
) -> None:
    response = customer.generate("a kite", model=model, **fields)

    assert response.status_code == 200, response.text
    assert response.headers["x-pictor-charge"] == usd(price)
    assert customer.captures() == [price]


FORMATS = [
    *((model, "webp") for model in LOW_OR_STANDARD),
    ("gpt-image-2", "png"),
    ("gpt-image-2", "jpeg"),
]
"""Every model in one format, and every format; `test_convert.py` makes each of each."""


@pytest.mark.parametrize(("model", "output_format"), FORMATS)
def test_the_bytes_are_of_the_format_asked_for_in_url_and_base64(
    customer: Customer, model: str, output_format: str
) -> None:
    fields: dict[str, Any] = {"model": model, "output_format": output_format}

    by_url = customer.generate("a kite", response_format="url", **fields).json()
    by_base64 = customer.generate("a kite", response_format="base64", **fields).json()

    fetched = httpx.get(by_url["data"][0]["url"], trust_env=False)
    decoded = base64.b64decode(by_base64["data"][0]["b64_json"], validate=True)
    assert fetched.headers["content-type"] == f"image/{output_format}"
    assert fetched.content.startswith(MAGIC[output_format])
    assert decoded.startswith(MAGIC[output_format])
    assert Image.open(io.BytesIO(fetched.content)).size == (1024, 1024)
    assert Image.open(io.BytesIO(decoded)).size == (1024, 1024)
    assert by_url["output_format"] == by_base64["output_format"] == output_format


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("dall-e-2", "url"),
        ("dall-e-3", "url"),
        ("gpt-image-1", "b64_json"),
        ("gpt-image-2", "b64_json"),
        ("gpt-image-2-pro", "b64_json"),
        ("gpt-image-2-auto", "b64_json"),
        ("gpt-image-2-origin", "url"),
    ],
)
def test_without_a_response_format_the_model_s_own_is_answered(
    customer: Customer, model: str, form: str
) -> None:
    answer = customer.generate("a kite", model=model).json()

    assert set(answer["data"][0]) == {form}


@pytest.mark.refused
@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("dall-e-2", "auto"),
        ("gpt-image-1", "1920x1080"),
        ("gpt-image-2", "16：9"),  # noqa: RUF001 - a full-width colon is the point
        ("gpt-image-2-pro", "16:9(8K)"),
        ("gpt-image-2-auto", "1024x1024"),
    ],
)
def test_a_size_outside_the_contract_is_refused_with_the_legal_ones(
    customer: Customer, model: str, size: str
) -> None:
    response = customer.generate("a kite", model=model, size=size)

    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["code"], error["param"]) == ("invalid_size", "size")
    assert all(word in error["message"] for word in LOW_OR_STANDARD[model])


def usd(micros: int) -> str:
    return f"0.{micros:06d}"


async def all_of(customer: Customer, bodies: list[dict[str, Any]]) -> list[Got]:
    turns = asyncio.Semaphore(REQUESTS_AT_ONCE)
    async with httpx.AsyncClient(
        base_url=customer.stack.base_url, timeout=120, trust_env=False
    ) as client:

        async def one(body: dict[str, Any]) -> Got:
            async with turns:
                headers = {"Authorization": f"Bearer {customer.api_key}"}
                response = await client.post(GENERATIONS, json=body, headers=headers)
                return await asyncio.to_thread(got_of, response)

        return list(await asyncio.gather(*(one(body) for body in bodies)))


def got_of(response: httpx.Response) -> Got:
    answer = response.json()
    assert response.status_code == 200, answer
    (item,) = answer["data"]
    assert set(item) == {"b64_json"}
    content = base64.b64decode(item["b64_json"], validate=True)
    assert content.startswith(MAGIC["png"])
    image = Image.open(io.BytesIO(content))
    image.load()
    return Got(
        status=response.status_code,
        size=f"{image.width}x{image.height}",
        said=answer["size"],
        format=str(image.format),
        charged=response.headers["x-pictor-charge"],
        cost=answer["usage"]["cost"],
    )
