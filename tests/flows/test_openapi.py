"""The OpenAPI document: valid, and true of every operation. Every other flow holds it too."""

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.customer import Customer
from tests.edits import edit, vary
from tests.openapi import Document

MONEY = ("balance", "usage", "prices", "billing/rules")


@pytest.fixture
def document(customer: Customer) -> Document:
    return customer.document


def test_every_operation_answers_as_documented(customer: Customer, document: Document) -> None:
    client = customer.client
    made = customer.generate(quality="low")
    made_as_base64 = customer.generate(quality="low", response_format="b64_json")
    begun = customer.generate(headers={"Prefer": "respond-async"})
    edited, varied = edit(customer), vary(customer, size="256x256")
    path = f"/v1/images/generations/{made.headers['x-pictor-generation-id']}"
    quoted = client.post("/v1/images/quote", json={"model": "gpt-image-2", "prompt": "a fox"})
    listed = client.get("/v1/images/generations", params={"limit": 2})
    found = client.get(path)
    models, model = client.get("/v1/models"), client.get("/v1/models/dall-e-2")
    deleted = client.delete(path)
    money = [client.get(f"/v1/{question}") for question in MONEY]
    key = client.post("/v1/api_keys", json={})
    key_path = f"/v1/api_keys/{key.json()['id']}"
    keys = [
        client.get("/v1/api_keys"),
        client.get(key_path),
        client.patch(key_path, json={"name": "ci"}),
        client.post(f"{key_path}/rotate", json={}),
        client.delete(key_path),
    ]
    hook = client.post("/v1/webhook_endpoints", json={"url": "https://1.1.1.1/hook"})
    hook_path = f"/v1/webhook_endpoints/{hook.json()['id']}"
    tested = client.post(f"{hook_path}/test")
    delivery_path = f"{hook_path}/deliveries/{tested.json()['id']}"
    hooks = [
        client.get("/v1/webhook_endpoints"),
        client.get(hook_path),
        client.patch(hook_path, json={"events": ["generation.failed"]}),
        client.post(f"{hook_path}/rotate", json={}),
        client.get(f"{hook_path}/deliveries"),
        client.get(delivery_path),
    ]
    resent = [
        client.post(f"{delivery_path}/resend"),
        client.post(f"{hook_path}/resend", json={"since": 0}),
    ]
    unhooked = client.delete(hook_path)
    late = client.post(f"{path}/cancel")

    answers = [
        *(made, made_as_base64, edited, varied, begun),
        *(quoted, listed, found, models, model, deleted),
        *(*money, key, *keys, hook, tested, *hooks, *resent, unhooked, late),
    ]
    assert [answer.status_code for answer in answers] == [
        *[200] * 4,
        202,
        *[200] * 10,
        201,
        *[200] * 5,
        *(201, 202),
        *[200] * 6,
        *(202, 202, 200),
        409,
    ]
    assert set(document.operations) - document.succeeded <= {"cancel_generation"}


def test_every_schema_is_a_schema(document: Document) -> None:
    schemas = document.document["components"]["schemas"]

    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert document.document["openapi"] == "3.1.0"


def test_every_body_and_answer_has_an_example_of_its_schema(document: Document) -> None:
    bodies = {
        f"{name} {what}": content
        for name, (_, _, operation) in document.operations.items()
        for what, holder in (
            ("body", operation.get("requestBody")),
            *operation["responses"].items(),
        )
        for kind, content in (holder or {}).get("content", {}).items()
        if kind == "application/json"
    }

    without = [name for name, content in bodies.items() if not content.get("examples")]
    assert without == []
    wrong = {
        name: problem
        for name, content in bodies.items()
        for example in content["examples"].values()
        if (problem := document.mismatch(content["schema"], example["value"]))
    }
    assert wrong == {}


def test_every_operation_has_a_tag_a_summary_a_description_and_headers(document: Document) -> None:
    for name, (_, _, operation) in document.operations.items():
        assert operation["tags"], name
        assert operation["summary"], name
        assert operation["description"], name
        for status, answer in operation["responses"].items():
            assert answer["description"], (name, status)
            assert "x-request-id" in answer["headers"], (name, status)
    (_, _, create) = document.operations["create_generation"]
    assert "text/event-stream" in create["responses"]["200"]["content"]
    assert {"Location", "x-ratelimit-limit-requests"} <= create["responses"]["202"][
        "headers"
    ].keys()
    assert document.document["servers"]


def test_edits_are_documented_as_forms_and_as_json(document: Document) -> None:
    (_, _, edit), (_, _, vary) = (
        document.operations[name] for name in ("create_edit", "create_variation")
    )
    schemas = document.document["components"]["schemas"]

    assert edit["requestBody"]["content"].keys() == {"application/json", "multipart/form-data"}
    assert vary["requestBody"]["content"].keys() == {"multipart/form-data"}
    form = schemas["EditForm"]["properties"]
    assert (form["image"]["type"], form["image"]["format"]) == ("string", "binary")
    assert form["image[]"]["items"] == {"type": "string", "format": "binary"}
    assert "style" not in form
    assert "images" in schemas["EditRequest"]["properties"]
    assert "text/event-stream" in edit["responses"]["200"]["content"]
    assert schemas["EditCompletedEvent"]["properties"]["type"]["const"] == "image_edit.completed"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"extra": 1}, "Additional properties are not allowed ('extra' was unexpected)"),
        ({"has_more": None}, "None is not of type 'boolean'"),
        ({"object": "page"}, "'list' was expected"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_noticed(
    customer: Customer, document: Document, change: dict[str, object], problem: str
) -> None:
    answer = customer.client.get("/v1/images/generations").json()
    _, _, operation = document.operations["list_generations"]

    (found,) = document.problems(operation, 200, {**answer, **change})

    assert problem in found


def test_a_status_that_is_not_documented_is_noticed(document: Document) -> None:
    _, _, operation = document.operations["list_models"]

    assert document.problems(operation, 418, {}) == ["418 is not documented"]


def test_an_answer_is_compared_as_it_comes(customer: Customer, document: Document) -> None:
    request = httpx.Request("GET", f"{customer.stack.base_url}/v1/models")
    answer = httpx.Response(200, json={"object": "list"}, request=request)

    with pytest.raises(AssertionError, match="'data' is a required property"):
        document.check(answer)


def test_whoever_has_the_document_is_not_sent_it_again(customer: Customer) -> None:
    first = customer.client.get("/openapi.json")
    again = customer.client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert (again.status_code, again.content) == (304, b"")
