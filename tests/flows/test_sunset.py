"""The end of a model in HTTP, for SDKs and plain clients."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import openai
import psycopg
import pytest

from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.customers.edits import SQUARE
from tests.customers.sdk import client_of

OLD, NEW = "gpt-image-1", "gpt-image-2"
LINK = (
    '</v1/models/gpt-image-2>; rel="successor-version",'
    ' </docs/models/#when-a-model-ends>; rel="deprecation"; type="text/html"'
)
AHEAD = ("@4070908800", "Sun, 01 Mar 2099 00:00:00 GMT", LINK)
OVER = ("@1790812800", "Sun, 01 Nov 2026 00:00:00 GMT", LINK)
NOTHING = (None, None, None)


@pytest.fixture
def stays(database: "psycopg.Connection[Any]") -> Iterator[None]:
    """Remove every trace of the model's end afterwards."""
    yield
    _set(database, None, None, "")


@pytest.fixture
def announced(operator: Operator, stays: None) -> None:
    said = ("--on", "2099-03-01", "--deprecated", "2099-01-01", "--successor", NEW)
    operator("model", "sunset", OLD, *said)


def _set(database: "psycopg.Connection[Any]", since: str | None, end: str | None, to: str) -> None:
    database.execute(
        "UPDATE generation_contract SET deprecated_at = %s, sunset_at = %s, successor = %s"
        " WHERE model = %s",
        [since, end, to, OLD],
    )


def end(database: "psycopg.Connection[Any]") -> None:
    """End the model now, which no command can hasten."""
    _set(database, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", NEW)


def life(response: httpx.Response) -> tuple[str | None, str | None, str | None]:
    """The headers about a model's end."""
    found = response.headers.get
    return found("deprecation"), found("sunset"), found("link")


@pytest.mark.usefixtures("announced")
def test_every_answer_of_a_model_that_ends_says_so(customer: Customer) -> None:
    client, words = customer.client, {"prompt": "a fox", "quality": "low", "size": "1024x1024"}
    files, form = {"image": ("fox.png", SQUARE)}, {"model": OLD, **words}
    body = {"model": OLD, **words}

    answers = [
        client.post(GENERATIONS, json=body),
        client.post(GENERATIONS, json=body, headers={"Prefer": "respond-async"}),
        client.post(GENERATIONS, json={**body, "stream": True}),
        client.post("/v1/images/edits", files=files, data=form),
        client.post("/v1/images/quote", json=body),
        client.get(f"/v1/models/{OLD}"),
    ]

    assert [answer.status_code for answer in answers] == [200, 202, 200, 200, 200, 200]
    assert [life(answer) for answer in answers] == [AHEAD] * 6
    assert {"deprecation", "sunset", "link"} <= set(
        answers[0].headers["access-control-expose-headers"].split(", ")
    )


@pytest.mark.usefixtures("announced")
def test_no_other_answer_says_anything(customer: Customer) -> None:
    client = customer.client

    answers = [
        customer.generate(model=NEW, quality="low"),
        client.get(f"/v1/models/{NEW}"),
        client.get("/v1/models"),
    ]

    assert [life(answer) for answer in answers] == [NOTHING] * 3


@pytest.mark.usefixtures("announced")
def test_models_are_listed_with_their_ends(customer: Customer) -> None:
    listed = {one["id"]: one for one in customer.client.get("/v1/models").json()["data"]}

    said = {
        model: (one["deprecated_at"], one["sunset_at"], one["successor"])
        for model, one in listed.items()
    }
    assert said[OLD] == (4_070_908_800, 4_076_006_400, NEW)
    assert said[NEW] == NOTHING
    assert customer.client.get(f"/v1/models/{OLD}").json() == listed[OLD]


@pytest.mark.usefixtures("announced")
def test_after_its_end_it_is_gone_and_leads_to_its_successor(
    customer: Customer, database: "psycopg.Connection[Any]"
) -> None:
    body = {"model": OLD, "prompt": "a fox", "quality": "low"}
    keyed = {"Idempotency-Key": "before"}
    made = customer.client.post(GENERATIONS, json=body, headers=keyed)
    end(database)

    answers = [
        customer.client.post(GENERATIONS, json=body),
        customer.client.post("/v1/images/edits", json={**body, "images": [{"image_url": "x"}]}),
        customer.client.post("/v1/images/quote", json=body),
        customer.client.get(f"/v1/models/{OLD}"),
    ]
    again = customer.client.post(GENERATIONS, json=body, headers=keyed)

    assert [answer.status_code for answer in answers] == [410] * 4
    assert [answer.json() for answer in answers] == [
        {
            "error": {
                "message": "The model gpt-image-1 ended at 2026-11-01T00:00:00Z."
                " Use gpt-image-2 instead.",
                "type": "invalid_request_error",
                "param": "model",
                "code": "model_sunset",
            }
        }
    ] * 4
    assert [life(answer) for answer in answers] == [OVER] * 4
    assert {answer.headers["x-should-retry"] for answer in answers} == {"false"}
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-pictor-generation-id"] == made.headers["x-pictor-generation-id"]
    assert OLD not in [one["id"] for one in customer.client.get("/v1/models").json()["data"]]
    assert customer.states() == {"succeeded": 1}


@pytest.mark.usefixtures("stays")
def test_the_sdk_says_what_happened_and_asks_no_second_time(
    customer: Customer, operator: Operator, database: "psycopg.Connection[Any]"
) -> None:
    tester = customer.with_key(operator("key", "create", customer.name, "--test", "--json"))
    end(database)

    with client_of(customer) as client, pytest.raises(openai.APIStatusError) as live:
        client.images.generate(model=OLD, prompt="a fox")
    with closing(tester), client_of(tester) as client, pytest.raises(openai.APIStatusError) as test:
        client.images.generate(model=OLD, prompt="a fox")

    assert [(error.status_code, error.code, error.param) for error in (live.value, test.value)] == [
        (410, "model_sunset", "model")
    ] * 2
