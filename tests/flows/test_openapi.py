"""The OpenAPI document: valid, and true of every operation; every other flow checks it too."""

import json
from typing import Any, NoReturn

import httpx
import psycopg
import pytest
from django.db import OperationalError
from django.test import RequestFactory
from openapi_spec_validator import OpenAPIV31SpecValidator

from console.site import openapi
from tests.customers.customer import Customer
from tests.customers.edits import edit, vary
from tests.customers.openapi import Document
from webhooks.models import EVENTS, TEST
from webhooks.signing import headers_of

MONEY = ("balance", "usage", "prices", "billing/rules")


@pytest.fixture
def document(customer: Customer) -> Document:
    return customer.document


def test_every_operation_answers_as_documented(customer: Customer, document: Document) -> None:
    client = customer.client
    made = customer.generate(quality="low")
    made_without_model = client.post(
        "/v1/images/generations/", json={"prompt": "a fox", "quality": "low"}
    )
    made_as_base64 = customer.generate(quality="low", response_format="b64_json")
    begun = customer.generate(headers={"Prefer": "respond-async"})
    edited, varied = edit(customer), vary(customer, size="256x256")
    path = f"/v1/images/generations/{made.headers['x-pictor-generation-id']}"
    quoted = client.post("/v1/images/quote", json={"model": "gpt-image-2", "prompt": "a fox"})
    traced = client.post("/v1/images/provenance", json={"sha256": "0" * 64})
    listed = client.get("/v1/images/generations", params={"limit": 2})
    found = client.get(path)
    models, model = client.get("/v1/models"), client.get("/v1/models/dall-e-2")
    deleted = client.delete(path)
    money = [client.get(f"/v1/{question}") for question in MONEY]
    probes = [client.get("/healthz"), client.get("/readyz")]
    key, *keys = about_keys(client)
    hook, tested, *hooks = about_webhooks(client)
    late = client.post(f"{path}/cancel")

    answers = [
        *(made, made_without_model, made_as_base64, edited, varied, begun),
        *(quoted, traced, listed, found, models, model, deleted),
        *(*probes, *money, key, *keys, hook, tested, *hooks, late),
    ]
    assert [answer.status_code for answer in answers] == [
        *[200] * 5,
        202,
        *[200] * 13,
        201,
        *[200] * 5,
        *(201, 202),
        *[200] * 6,
        *(202, 202, 200),
        409,
    ]
    assert set(document.operations) - document.succeeded <= {"cancel_generation", "read_metrics"}


def about_keys(client: httpx.Client) -> list[httpx.Response]:
    """A key is made, looked at, changed, rotated and revoked."""
    made = client.post("/v1/api_keys", json={})
    path = f"/v1/api_keys/{made.json()['id']}"
    return [
        made,
        client.get("/v1/api_keys"),
        client.get(path),
        client.patch(path, json={"name": "ci"}),
        client.post(f"{path}/rotate", json={}),
        client.delete(path),
    ]


def about_webhooks(client: httpx.Client) -> list[httpx.Response]:
    """An endpoint is made, tested, read, changed, rotated, sent an event again and deleted."""
    made = client.post("/v1/webhook_endpoints", json={"url": "https://1.1.1.1/hook"})
    path = f"/v1/webhook_endpoints/{made.json()['id']}"
    tested = client.post(f"{path}/test")
    delivery_path = f"{path}/deliveries/{tested.json()['id']}"
    return [
        *(made, tested),
        client.get("/v1/webhook_endpoints"),
        client.get(path),
        client.patch(path, json={"events": ["generation.failed"]}),
        client.post(f"{path}/rotate", json={}),
        client.get(f"{path}/deliveries"),
        client.get(delivery_path),
        client.post(f"{delivery_path}/resend"),
        client.post(f"{path}/resend", json={"since": 0}),
        client.delete(path),
    ]


def test_the_document_is_valid(customer: Customer) -> None:
    document = customer.client.get("/openapi.json").json()

    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["openapi"] == "3.1.0"


def test_the_schema_states_what_each_model_takes(document: Document) -> None:
    schema = document.document["components"]["schemas"]["GenerationRequest"]
    fox = {"model": "dall-e-3", "prompt": "a fox"}

    assert document.mismatch(schema, {**fox, "size": "1792x1024", "quality": "hd", "n": 1}) == []
    wrong = [
        {**fox, "size": "256x256"},
        {**fox, "quality": "low"},
        {**fox, "n": 2},
        {**fox, "n": "2"},
        {**fox, "prompt": "a" * 4001},
        {**fox, "prompt": "  "},
        {**fox, "model": "dall-e-4"},
        {"model": "dall-e-3"},
        {**fox, "sise": "1024x1024"},
    ]
    assert [bool(document.mismatch(schema, body)) for body in wrong] == [True] * 9
    assert document.mismatch(schema, {**fox, "model": "dall-e-2", "size": "256x256", "n": 2}) == []


@pytest.mark.parametrize(
    "gone",
    [(False, None, None, ""), (True, "2026-01-01", "2026-02-01", "dall-e-2")],
    ids=["off", "ended"],
)
def test_a_model_that_is_no_longer_sold_is_not_in_the_document(
    customer: Customer, database: "psycopg.Connection[Any]", gone: tuple[Any, ...]
) -> None:
    def sold() -> list[list[str]]:
        schemas = customer.client.get("/openapi.json").json()["components"]["schemas"]
        keys = [schemas[name]["properties"]["models"] for name in ("NewKey", "PatchedKeyChange")]
        model = schemas["GenerationRequest"]["properties"]["model"]
        return [model["enum"], *(models["items"]["enum"] for models in keys)]

    before = sold()
    change = (
        "UPDATE generation_contract SET is_enabled = %s, deprecated_at = %s, sunset_at = %s,"
        " successor = %s WHERE model = 'dall-e-3'"
    )
    database.execute(change, gone)
    try:
        meanwhile = sold()
    finally:
        database.execute(change, (True, None, None, ""))

    assert ["dall-e-3" in models for models in before] == [True] * 3
    assert ["dall-e-3" in models for models in meanwhile] == [False] * 3
    assert sold() == before


def test_every_body_and_answer_has_an_example_of_its_schema(document: Document) -> None:
    bodies = {
        f"{name} {what} {kind}": content
        for name, (_, _, operation) in document.operations.items()
        for what, holder in (
            ("body", operation.get("requestBody")),
            *operation["responses"].items(),
        )
        for kind, content in (holder or {}).get("content", {}).items()
        if kind != "text/event-stream" and name != "read_metrics"
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
    described = ("tags", "summary", "description")
    assert [
        (name, field)
        for name, (_, _, operation) in document.operations.items()
        for field in described
        if not operation[field]
    ] == []
    assert [
        (name, status)
        for name, (_, _, operation) in document.operations.items()
        for status, answer in operation["responses"].items()
        if not answer["description"] or "x-request-id" not in answer["headers"]
    ] == []
    (_, _, create) = document.operations["create_generation"]
    assert "text/event-stream" in create["responses"]["200"]["content"]
    assert {"Location", "x-ratelimit-limit-requests"} <= create["responses"]["202"][
        "headers"
    ].keys()
    assert document.document["servers"]
    assert create["responses"]["200"]["headers"]["x-pictor-charge"]["schema"]["pattern"]
    assert create["requestBody"]["required"]


def test_every_event_is_documented_with_its_headers(document: Document) -> None:
    told = document.document["webhooks"]

    assert set(told) == {*EVENTS, TEST}
    examples = {
        event_type: [
            example["value"]
            for example in methods["post"]["requestBody"]["content"]["application/json"][
                "examples"
            ].values()
        ]
        for event_type, methods in told.items()
    }
    assert {kind: [one["type"] for one in every] for kind, every in examples.items()} == {
        kind: [kind] for kind in told
    }
    assert [document.told(one) for every in examples.values() for one in every] == [[]] * len(told)
    sent = headers_of(event_id="evt", timestamp=0, body=b"", signed_with=[])
    assert {
        kind: [header["name"] for header in methods["post"]["parameters"]]
        for kind, methods in told.items()
    } == {kind: [*sent] for kind in told}
    assert "readOnly" not in json.dumps(document.document)  # such fields are absent from a request


def test_probes_and_metrics_are_documented_without_a_key(
    customer: Customer, document: Document
) -> None:
    page = customer.client.get("/metrics")
    _, _, metrics = document.operations["read_metrics"]

    assert page.headers["content-type"].partition(";")[0] in metrics["responses"]["200"]["content"]
    operations = [
        document.operations[name][2] for name in ("check_health", "check_readiness", "read_metrics")
    ]
    assert [operation["tags"] for operation in operations] == [["Operations"]] * 3
    security = [operation.get("security", []) for operation in operations]
    assert [{"apiKey": []} in one for one in security] == [False, False, False]


def test_a_stream_is_documented_event_by_event(document: Document) -> None:
    _, _, create = document.operations["create_generation"]
    schema = create["responses"]["200"]["content"]["text/event-stream"]["schema"]
    events = document.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]

    assert list(events["discriminator"]["mapping"]) == [
        "image_generation.partial_image",
        "image_generation.completed",
        "error",
    ]


def test_each_error_says_what_it_is_where_it_can_happen(document: Document) -> None:
    def codes(name: str, status: str) -> list[str]:
        _, _, operation = document.operations[name]
        examples = operation["responses"][status]["content"]["application/json"]["examples"]
        return [example["value"]["error"]["code"] for example in examples.values()]

    def statuses(name: str) -> list[str]:
        return list(document.operations[name][2]["responses"])

    assert codes("create_edit", "429") == ["rate_limit_exceeded", "insufficient_quota"]
    assert codes("create_edit", "503") == [
        *("service_unavailable", "no_channel_available", "paused")
    ]
    assert codes("create_edit", "409") == ["canceled"]
    assert codes("retrieve_model", "410") == codes("create_edit", "410") == ["model_sunset"]
    assert codes("delete_generation", "409") == ["not_cancelable"]
    assert statuses("retrieve_balance") == ["200", "400", "401", "403", "429", "503"]
    assert statuses("change_api_key") == [
        *("200", "400", "401", "403", "404", "408", "413", "415", "429", "503")
    ]


def test_edits_are_documented_as_forms_and_as_json(document: Document) -> None:
    (_, _, edit), (_, _, vary) = (
        document.operations[name] for name in ("create_edit", "create_variation")
    )
    schemas = document.document["components"]["schemas"]

    assert edit["requestBody"]["content"].keys() == {"application/json", "multipart/form-data"}
    assert vary["requestBody"]["content"].keys() == {"multipart/form-data"}
    form = schemas["EditForm"]["properties"]
    assert (form["image"]["type"], form["image"]["format"]) == ("string", "binary")
    assert schemas["EditForm"]["patternProperties"] == {
        r"^image\[\]$": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "Several images, at most 16, instead of `image`.",
        }
    }
    assert "style" not in form
    assert "images" in schemas["EditRequest"]["properties"]
    assert "text/event-stream" in edit["responses"]["200"]["content"]
    assert schemas["EditCompletedEvent"]["properties"]["type"]["const"] == "image_edit.completed"


def test_every_path_is_there_once_and_says_whether_it_takes_a_key(document: Document) -> None:
    operations = [operation for _, _, operation in document.operations.values()]
    told = [methods["post"] for methods in document.document["webhooks"].values()]

    assert [path for path in document.document["paths"] if path.endswith("/")] == []
    assert [one["operationId"] for one in operations if one["security"] == []] == [
        "check_health",
        "check_readiness",
    ]
    assert [(one["operationId"], one["security"]) for one in told] == [
        ("told_of_generation_succeeded", []),
        ("told_of_generation_failed", []),
        ("told_of_generation_canceled", []),
        ("told_of_balance_low", []),
        ("told_of_budget_threshold", []),
        ("told_of_webhook_test", []),
    ]
    assert "gpt-image-2-origin" in document.operations["create_generation"][2]["description"]


def test_the_filters_of_every_list_are_documented(document: Document) -> None:
    filters = {
        name: [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        for name, (_, _, operation) in document.operations.items()
        if name.startswith("list_")
    }

    assert filters == {
        "list_api_keys": ["after", "limit"],
        "list_billing_rules": [],
        "list_generations": ["after", "error", "limit", "status"],
        "list_models": [],
        "list_prices": [],
        "list_usage": ["bucket", "end", "group_by", "limit", "start"],
        "list_webhook_endpoints": ["after", "limit"],
        "list_webhook_deliveries": ["after", "limit"],
    }


@pytest.mark.parametrize("path", ["prices", "billing/rules"])
def test_a_list_without_filters_refuses_one(customer: Customer, path: str) -> None:
    answer = customer.client.get(f"/v1/{path}?model=dall-e-2")

    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "Unknown parameter: 'model'. No parameters are accepted here.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "unknown_parameter",
    }


@pytest.mark.parametrize("body", ["GenerationRequest", "EditRequest", "QuoteRequest"])
def test_a_condition_of_a_body_leaves_its_other_fields_open(document: Document, body: str) -> None:
    schema = document.document["components"]["schemas"][body]
    conditions = [
        rule[part]
        for rule in (schema, *schema["allOf"])
        for part in ("if", "then", "else")
        if part in rule
    ]

    assert len(conditions) >= 12
    assert [condition["additionalProperties"] for condition in conditions] == [True] * len(
        conditions
    )


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


def test_an_unchanged_document_is_not_sent_again(customer: Customer) -> None:
    first = customer.client.get("/openapi.json")
    again = customer.client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert (again.status_code, again.content) == (304, b"")


def test_the_document_is_sent_as_gzip_to_who_takes_it(customer: Customer) -> None:
    def asked(encoding: str) -> httpx.Response:
        return customer.client.get("/openapi.json", headers={"Accept-Encoding": encoding})

    plain, packed = asked("identity"), asked("gzip")

    assert "Content-Encoding" not in plain.headers
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == (
        "gzip",
        "Accept-Encoding",
    )
    assert int(packed.headers["Content-Length"]) < 40_000 < len(plain.content)
    assert packed.content == plain.content


def test_the_document_is_a_503_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, rf: RequestFactory
) -> None:
    def away() -> NoReturn:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(openapi, "current_catalogue", away)

    answer = openapi.openapi(rf.get("/openapi.json"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert json.loads(answer.content)["error"]["code"] == "service_unavailable"
