"""Our answers against the OpenAI SDK's own types, read strictly, and the contract's shapes."""

import json
import re
import time
from typing import Any

import openai.types
import pytest
from pydantic import TypeAdapter

from tests.contracts.price_list import LOW_OR_STANDARD
from tests.customers.customer import GENERATIONS, Customer
from tests.stack.running import MakeCustomer

MONEY = re.compile(r"[0-9]+\.[0-9]{6}")
ALWAYS = {"created", "data", "size", "output_format", "usage", "metadata"}
USAGE = {
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "input_tokens_details",
    "images",
    "cost",
}
METADATA = {
    "generation_id",
    "requested_size",
    "upstream_size",
    "delivered_sizes",
    "size_plan",
    "ignored",
    "content_credentials",
}
OBJECT = {
    "livemode",
    "id",
    "object",
    "status",
    "created",
    "started",
    "finished",
    "model",
    "size",
    "quality",
    "n",
    "quoted",
    "held",
    "captured",
    "currency",
    "result",
    "error",
}


@pytest.fixture(scope="module")
def customer(make_customer_once: MakeCustomer) -> Customer:
    """One customer for all tests: none of them reads its ledger."""
    return make_customer_once()


def strictly(kind: Any, content: bytes) -> Any:
    """The SDK's object; raises ValidationError for a type that only looks right."""
    return TypeAdapter(kind).validate_json(content, strict=True)


@pytest.mark.parametrize("form", ["url", "b64_json"])
@pytest.mark.parametrize("model", LOW_OR_STANDARD)
def test_an_answer_fits_the_sdk_s_strict_type(customer: Customer, model: str, form: str) -> None:
    response = customer.generate("a kite [sandbox: revise]", model=model, response_format=form)

    answer = strictly(openai.types.ImagesResponse, response.content)
    quality = None if model.startswith("dall-e") else "medium"
    assert answer.quality == quality
    assert answer.size == "1024x1024"
    assert answer.data[0].revised_prompt
    assert bool(answer.data[0].url) is (form == "url")


@pytest.mark.parametrize("quality", ["auto", "standard", "hd", "low"])
def test_words_that_strict_types_do_not_know_are_never_said(
    customer: Customer, quality: str
) -> None:
    response = customer.generate("a kite", quality=quality, background="auto")

    document = response.json()
    strictly(openai.types.ImagesResponse, response.content)
    assert document["quality"] in {"low", "medium", "high"}
    assert "background" not in document


def test_an_answer_has_exactly_the_parts_of_the_contract(customer: Customer) -> None:
    before = int(time.time())

    by_url = customer.generate("a kite", quality="low", n=2).json()
    by_base64 = customer.generate("a kite", quality="low", response_format="b64_json").json()

    assert set(by_url) == set(by_base64) == ALWAYS | {"quality"}
    assert set(by_url["usage"]) == set(by_base64["usage"]) == USAGE
    assert set(by_url["metadata"]) == METADATA | {"url_expires_at"}
    assert set(by_base64["metadata"]) == METADATA
    assert [set(item) for item in by_url["data"]] == [{"url"}, {"url"}]
    assert MONEY.fullmatch(by_url["usage"]["cost"])
    assert by_url["usage"]["images"] == 2
    assert by_url["usage"]["output_tokens"] == 392
    assert before + 3_590 <= by_url["metadata"]["url_expires_at"] <= time.time() + 3_610
    assert before - 5 <= by_url["created"] <= time.time() + 5


def test_a_generation_object_has_exactly_the_parts_of_the_contract(customer: Customer) -> None:
    done = customer.generate("a kite", quality="low")
    failed = customer.generate("a kite [sandbox: fail=500]")
    ids = [each.headers["x-pictor-generation-id"] for each in (done, failed)]

    good, bad = (customer.client.get(f"{GENERATIONS}/{each}").json() for each in ids)

    assert set(good) == set(bad) == OBJECT
    assert (good["object"], good["status"], good["error"]) == (
        "image.generation",
        "succeeded",
        None,
    )
    assert (good["quoted"], good["held"], good["captured"]) == ("0.005880", "0.000000", "0.005880")
    assert good["currency"] == "USD"
    assert good["created"] <= good["started"] <= good["finished"]
    assert good["result"]["metadata"]["generation_id"] == ids[0]
    assert (bad["status"], bad["result"], bad["captured"]) == ("failed", None, "0.000000")
    assert bad["error"] == failed.json()["error"]


def test_models_fit_the_sdk_s_strict_type(customer: Customer) -> None:
    listed = customer.client.get("/v1/models").json()

    models = [strictly(openai.types.Model, json.dumps(one).encode()) for one in listed["data"]]

    assert {model.id for model in models} == set(LOW_OR_STANDARD)
