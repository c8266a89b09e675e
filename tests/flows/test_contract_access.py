"""Access: good and bad keys, scopes, models, addresses, suspended tenants."""

import base64
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from PIL import Image
from psycopg import sql

from tests.customers.customer import GENERATIONS, Customer, Operator, facts_of
from tests.stack.servers import Stack

INVALID = "invalid_request_error"


def fox() -> dict[str, str]:
    return {"model": "gpt-image-2", "prompt": "a fox"}


Change = Callable[[str, object], None]


@pytest.fixture
def key_of(customer: Customer, database: "psycopg.Connection[Any]") -> Change:
    """Sets a column of the customer's key, as an operator's form would."""

    def change(column: str, value: object) -> None:
        statement = sql.SQL(
            "UPDATE accounts_apikey SET {} = %s WHERE tenant_id ="
            " (SELECT id FROM accounts_tenant WHERE name = %s)"
        ).format(sql.Identifier(column))
        database.execute(statement, [value, customer.name])

    return change


@pytest.mark.refused
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        "Token {key}",
        "{key}",
        "Bearer {key} extra",
        "Bearer {key}x",
        "Bearer  {key}\u00a0",
        "Bearer\t{key}",
        "Bearer {key},Bearer {key}",
        "Bearer sk-pictor-short",
        "Bearer sk-pictor-00000000000000000000000000000000000000",
        "Bearer sk-pictor-000000000000000000000000000000000POhOV",
        "Bearer {upper}",
    ],
)
def test_a_header_without_a_good_key_is_401(customer: Customer, header: str | None) -> None:
    key = customer.api_key
    text = header and header.format(key=key, upper=key.upper())
    headers = {} if text is None else {b"Authorization": text.encode("latin-1")}
    url = customer.stack.base_url + GENERATIONS

    response = httpx.post(url, json=fox(), headers=headers, trust_env=False)

    assert facts_of(response) == (401, INVALID, "invalid_api_key", None)
    assert key not in response.text


@pytest.mark.refused
@pytest.mark.parametrize("template", ["Bearer {}", "bearer {}", "BEARER {}", "bEaReR    {}"])
def test_the_scheme_may_be_in_any_case_with_any_spaces(customer: Customer, template: str) -> None:
    url = customer.stack.base_url + "/v1/models"
    headers = {"Authorization": template.format(customer.api_key)}

    assert httpx.get(url, headers=headers, trust_env=False).status_code == 200


@pytest.mark.refused
@pytest.mark.parametrize("place", ["?api_key={}", "?key={}", "?access_token={}"])
def test_a_key_in_the_address_is_no_key(customer: Customer, place: str) -> None:
    url = customer.stack.base_url + GENERATIONS + place.format(customer.api_key)

    response = httpx.post(url, json=fox(), trust_env=False)

    assert facts_of(response) == (401, INVALID, "invalid_api_key", None)


@pytest.mark.parametrize("name", ["x-api-key", "api-key", "x-goog-api-key", "cookie"])
def test_a_key_in_another_header_is_no_key(customer: Customer, name: str) -> None:
    url = customer.stack.base_url + GENERATIONS

    response = httpx.post(url, json=fox(), headers={name: customer.api_key}, trust_env=False)

    assert facts_of(response) == (401, INVALID, "invalid_api_key", None)


def test_a_revoked_key_is_401(customer: Customer, operator: Operator) -> None:
    operator("key", "revoke", customer.key_id)

    response = customer.generate("a fox")

    assert facts_of(response) == (401, INVALID, "invalid_api_key", None)


def test_a_key_that_is_revoked_while_its_images_are_looked_at_orders_nothing(
    customer: Customer, operator: Operator
) -> None:
    """Each of the images takes a while to decode, one after the other."""
    drawn = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(drawn, "PNG")
    image = f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(customer.generate, "a fox", image=[image] * 16)
        operator("key", "revoke", customer.key_id)
        response = asked.result(120)

    assert facts_of(response) == (401, INVALID, "invalid_api_key", None)
    assert customer.balance()[1] == 0


def test_an_expired_key_is_401(customer: Customer, key_of: Change) -> None:
    key_of("expires_at", "2026-01-01T00:00:00Z")

    response = customer.generate("a fox")

    assert facts_of(response) == (401, INVALID, "invalid_api_key", None)


def test_bad_keys_are_401_however_many_come(stack: Stack) -> None:
    with httpx.Client(base_url=stack.base_url, trust_env=False) as client:
        statuses = {
            client.post(GENERATIONS, json={}, headers={"Authorization": "Bearer x"}).status_code
            for _ in range(200)
        }

    assert statuses == {401}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("scopes", ["images:read"]),
        ("allowed_models", ["dall-e-2"]),
        ("allowed_models", []),
        ("ip_ranges", ["192.0.2.0/24"]),
    ],
)
def test_a_key_that_may_not_is_403(
    customer: Customer, key_of: Change, column: str, value: list[str]
) -> None:
    key_of(column, value)

    response = customer.generate("a fox")

    param = "model" if column == "allowed_models" else None
    assert facts_of(response) == (403, "permission_error", "insufficient_permissions", param)
    assert customer.states() == {}


def test_a_model_that_the_workspace_does_not_allow_is_403_and_on_no_list(
    customer: Customer, database: "psycopg.Connection[Any]"
) -> None:
    allow = "UPDATE accounts_tenant SET own_models = %s WHERE name = %s"
    database.execute(allow, [["dall-e-2"], customer.name])

    response = customer.generate("a fox")

    facts = (403, "permission_error", "insufficient_permissions", "model")
    assert facts_of(response) == facts
    assert "owners and admins choose its models" in response.json()["error"]["message"]
    assert customer.states() == {}
    listed = customer.client.get("/v1/models").json()["data"]
    assert [model["id"] for model in listed] == ["dall-e-2"]
    database.execute(allow, [["gpt-image-2-origin"], customer.name])
    assert customer.generate("a fox").status_code == 200


def test_a_suspended_tenant_is_403(customer: Customer, database: "psycopg.Connection[Any]") -> None:
    database.execute(
        "UPDATE accounts_tenant SET status = 'suspended' WHERE name = %s", [customer.name]
    )

    response = customer.generate("a fox")

    assert facts_of(response) == (403, "permission_error", "insufficient_permissions", None)


def test_a_key_that_may_is_served(customer: Customer, key_of: Change) -> None:
    key_of("scopes", ["images:write"])
    key_of("allowed_models", ["gpt-image-2-origin"])
    key_of("ip_ranges", ["127.0.0.0/8", "::1/128"])
    key_of("expires_at", "2099-01-01T00:00:00Z")

    assert customer.generate("a fox").status_code == 200


def test_a_key_s_default_response_format_holds_until_the_request_says_otherwise(
    customer: Customer, key_of: Change
) -> None:
    key_of("default_response_format", "b64_json")

    by_default = customer.generate("a fox").json()
    asked = customer.generate("a fox", response_format="url").json()

    assert set(by_default["data"][0]) == {"b64_json"}
    assert set(asked["data"][0]) == {"url"}


def test_a_replay_is_refused_to_a_key_that_may_not_order_the_model(
    customer: Customer, operator: Operator
) -> None:
    again = {"Idempotency-Key": "once"}
    narrow = customer.with_key(
        operator("key", "create", customer.name, "--models", "dall-e-2", "--json")
    )
    made = customer.generate("a fox", quality="low", headers=again)

    replayed = narrow.generate("a fox", quality="low", headers=again)
    retried = narrow.generate("a fox", quality="low", headers={"x-stainless-retry-count": "1"})
    narrow.close()
    own = customer.generate("a fox", quality="low", headers=again)

    assert made.status_code == 200, made.text
    assert facts_of(replayed) == (403, "permission_error", "insufficient_permissions", "model")
    assert facts_of(retried) == (403, "permission_error", "insufficient_permissions", "model")
    assert own.headers["idempotent-replayed"] == "true"
    assert customer.captures() == [5_880]
