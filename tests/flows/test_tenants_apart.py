"""Every path with an id, by every method, with another tenant's id."""

import json
from functools import partial
from typing import Any

import httpx
import pytest

from tests.customers.customer import Customer
from tests.stack.running import MakeCustomer
from tests.stack.servers import Stack

METHODS = ("get", "head", "post", "put", "patch", "delete")
UNKNOWN = "gen_00000000000000000000000000"
UNKNOWN_KEY = "key_00000000000000000000000000"
UNKNOWN_HOOK = "whe_00000000000000000000000000"
UNKNOWN_DELIVERY = "whd_00000000000000000000000000"
BAD_BODIES = (b"{", b"[]", b"null", b'{"nonsense": 1}', b'{"since": "x", "overlap": 7, "url": []}')

JSON = {"Content-Type": "application/json"}

Paths = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def paths(stack: Stack) -> Paths:
    """The OpenAPI document's paths with a tenant's own id, with a body by method."""
    document = httpx.get(f"{stack.base_url}/openapi.json", trust_env=False, timeout=60).json()
    found = {
        path: {method: _example_of(operation) for method, operation in methods.items()}
        for path, methods in document["paths"].items()
        if "{" in path and "/models/" not in path
    }
    assert found
    return found


def _example_of(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    return next((example["value"] for example in examples.values()), None)


def facts_of(answer: httpx.Response) -> tuple[int, bytes, set[str]]:
    """Its status, its body and the names of its headers."""
    return answer.status_code, answer.content, set(answer.headers)


def test_another_tenants_id_is_answered_as_an_unknown_one_on_every_path(
    customer: Customer, make_customer: MakeCustomer, paths: Paths
) -> None:
    theirs = customer.generate("a fox", quality="low").headers["x-pictor-generation-id"]
    stranger = make_customer()
    before = customer.client.get(f"/v1/images/generations/{theirs}").json()

    hook = customer.client.post("/v1/webhook_endpoints", json={"url": "https://1.1.1.1/"}).json()
    told = customer.client.post(f"/v1/webhook_endpoints/{hook['id']}/test").json()

    ids = {
        "api_keys": (customer.key_id, UNKNOWN_KEY),
        "images": (theirs, UNKNOWN),
        "webhook_endpoints": (hook["id"], UNKNOWN_HOOK),
    }

    foreign, unknown = {}, {}
    for path, bodies in paths.items():
        its, none = ids[path.split("/")[2]]
        for method in METHODS:
            here = path.format(public_id=its, delivery_id=told["id"])
            nowhere = path.format(public_id=none, delivery_id=UNKNOWN_DELIVERY)
            for body in (json.dumps(bodies.get(method)).encode(), *BAD_BODIES):
                asked = partial(stranger.client.request, method, content=body, headers=JSON)
                foreign[method, path, body] = facts_of(asked(here))
                unknown[method, path, body] = facts_of(asked(nowhere))

    assert foreign == unknown
    assert {status for status, *_ in foreign.values()} <= {404, 405}
    after = customer.client.get(f"/v1/images/generations/{theirs}").json()
    assert {**after, "result": None} == {**before, "result": None}
    assert stranger.client.get("/v1/images/generations").json()["data"] == []


def test_an_id_in_a_query_of_another_tenant_is_as_unknown(
    customer: Customer, make_customer: MakeCustomer
) -> None:
    theirs = customer.generate("a fox", quality="low").headers["x-pictor-generation-id"]
    stranger = make_customer()

    foreign = stranger.client.get("/v1/images/generations", params={"after": theirs})
    unknown = stranger.client.get("/v1/images/generations", params={"after": UNKNOWN})

    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
