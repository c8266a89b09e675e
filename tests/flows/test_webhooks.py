"""A customer's own server receives the result of each request over HTTP."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.customers.customer import Customer, Operator
from tests.fakes.hooks import Hooks, listening
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

ENDPOINTS = "/v1/webhook_endpoints"


@pytest.fixture
def hooks(stack: Stack) -> Iterator[Hooks]:
    with listening(stack.hook_ports[0]) as hooks:
        yield hooks


def make(customer: Customer, url: str, **fields: Any) -> dict[str, Any]:
    answer = customer.client.post(ENDPOINTS, json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def deliveries(customer: Customer, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    answer = customer.client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries")
    return list(answer.json()["data"])


def test_a_customer_is_told_what_became_of_its_requests(customer: Customer, hooks: Hooks) -> None:
    endpoint = make(customer, hooks.url)
    made = customer.generate("a fox", quality="low")
    refused = customer.generate("a fox [sandbox: status=500]", quality="low")

    until(lambda: len(hooks.told) == 2)
    verified = [Webhook(endpoint["secret"]).verify(one.body, one.headers) for one in hooks.told]
    assert [customer.document.told(event) for event in verified] == [[], []]
    by_type = {event["type"]: event["data"] for event in verified}
    success, failure = by_type["generation.succeeded"], by_type["generation.failed"]
    object_now = customer.client.get(f"/v1/images/generations/{success['id']}").json()
    for result in (success["result"], object_now["result"]):
        result["data"] = None
        result["metadata"].pop("url_expires_at", None)
    assert success == object_now
    assert success["id"] == made.headers["x-pictor-generation-id"]
    assert failure["id"] == refused.headers["x-pictor-generation-id"]
    assert (failure["status"], failure["captured"]) == ("failed", "0.000000")
    until(
        lambda: {delivery["status"] for delivery in deliveries(customer, endpoint)} == {"delivered"}
    )
    found = {delivery["event"]["id"]: delivery for delivery in deliveries(customer, endpoint)}
    assert found.keys() == {one.id for one in hooks.told}


def test_a_refused_event_is_sent_again_unchanged(customer: Customer, hooks: Hooks) -> None:
    hooks.answers = [500]
    endpoint = make(customer, hooks.url, events=["generation.succeeded"])
    customer.generate("a fox", quality="low")

    until(lambda: len(hooks.told) == 2)

    first, second = hooks.told
    assert (first.id, first.body) == (second.id, second.body)
    until(lambda: deliveries(customer, endpoint)[0]["status"] == "delivered")
    (delivery,) = deliveries(customer, endpoint)
    assert [one["http_status"] for one in delivery["attempts"]] == [500, 200]


def test_a_test_event_and_a_delivery_are_sent_again(customer: Customer, hooks: Hooks) -> None:
    endpoint = make(customer, hooks.url, events=["generation.failed"])
    path = f"{ENDPOINTS}/{endpoint['id']}"

    tested = customer.client.post(f"{path}/test").json()
    until(lambda: len(hooks.told) == 1)
    resent = customer.client.post(f"{path}/deliveries/{tested['id']}/resend")
    until(lambda: len(hooks.told) == 2)

    assert resent.status_code == 202
    assert [one.event["type"] for one in hooks.told] == ["webhook.test"] * 2
    assert customer.document.told(hooks.told[0].event) == []
    assert [one.id for one in hooks.told] == [tested["event"]["id"]] * 2
    whole = customer.client.get(f"{path}/deliveries/{tested['id']}").json()
    assert whole["body"].encode() == hooks.told[0].body


def test_events_missed_while_disabled_are_sent_on_demand(customer: Customer, hooks: Hooks) -> None:
    endpoint = make(customer, hooks.url)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    customer.client.patch(path, json={"status": "disabled"})
    made = customer.generate("a fox", quality="low").headers["x-pictor-generation-id"]
    off = customer.client.post(f"{path}/resend", json={"since": 0})

    customer.client.patch(path, json={"status": "enabled"})
    resent = customer.client.post(f"{path}/resend", json={"since": 0}).json()

    until(lambda: len(hooks.told) == 1)
    assert (off.status_code, off.json()["error"]["param"]) == (400, "status")
    assert resent["resent"] == 1
    assert hooks.told[0].event["data"]["id"] == made


def test_both_secrets_sign_while_they_overlap(customer: Customer, hooks: Hooks) -> None:
    endpoint = make(customer, hooks.url)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    rotated = customer.client.post(f"{path}/rotate", json={"overlap": "1h"}).json()
    customer.client.post(f"{path}/test")
    until(lambda: len(hooks.told) == 1)

    secrets = [endpoint["secret"], rotated["secret"]]
    (told,) = hooks.told

    assert all(Webhook(secret).verify(told.body, told.headers) for secret in secrets)
    assert "secret" not in customer.client.get(path).json()


@pytest.mark.refused
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": 1}, "url"),
        ({"url": "http://1.1.1.1/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": "https://2130706433/"}, "url"),
        ({"url": "https://me:pw@1.1.1.1/"}, "url"),
        ({"url": "https://nowhere.invalid/"}, "url"),
        ({"url": "ftp://1.1.1.1/"}, "url"),
        ({"url": "https://1.1.1.1/" + "x" * 2048}, "url"),
        ({"url": "https://1.1.1.1/\ud800"}, "url"),
        ({"url": "https://1.1.1.1/", "events": []}, "events"),
        ({"url": "https://1.1.1.1/", "events": ["webhook.test"]}, "events"),
        ({"url": "https://1.1.1.1/", "secret": "whsec_"}, "secret"),
    ],
)
def test_a_senseless_body_is_refused_by_its_field(
    customer: Customer, fields: dict[str, Any], param: str
) -> None:
    refused = customer.client.post(ENDPOINTS, content=json.dumps(fields))  # in ASCII

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert customer.client.get(ENDPOINTS).json()["data"] == []


def test_an_account_has_ten_endpoints_at_most(customer: Customer) -> None:
    made = [make(customer, f"https://1.1.1.1/{number}")["id"] for number in range(10)]

    refused = customer.client.post(ENDPOINTS, json={"url": "https://1.1.1.1/"})
    deleted = [customer.client.delete(f"{ENDPOINTS}/{made[0]}").status_code for _ in range(2)]
    first = customer.client.get(ENDPOINTS, params={"limit": 5}).json()
    rest = customer.client.get(ENDPOINTS, params={"after": first["last_id"]}).json()

    assert refused.status_code == 400
    assert deleted == [200, 404]
    assert [one["id"] for one in (*first["data"], *rest["data"])] == made[:0:-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_endpoints_are_managed_by_keys_that_may(customer: Customer, operator: Operator) -> None:
    made = operator("key", "create", customer.name, "--scopes", "images:write", "--json")

    with closing(customer.with_key(made)) as reader:
        refused = [
            reader.client.get(ENDPOINTS),
            reader.client.post(ENDPOINTS, json={"url": "https://1.1.1.1/"}),
        ]

    assert [answer.status_code for answer in refused] == [403, 403]


def test_tests_and_resends_have_a_limit_of_their_own(customer: Customer, hooks: Hooks) -> None:
    path = f"{ENDPOINTS}/{make(customer, hooks.url)['id']}"

    answers = [customer.client.post(f"{path}/resend", json={"since": 0}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert answers[-1].json()["error"]["code"] == "rate_limit_exceeded"
    assert int(answers[-1].headers["retry-after"]) > 0
    assert customer.client.get(path).status_code == 200
