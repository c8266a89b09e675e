"""Answers to callers: urls, base64, later retrieval, replays."""

import base64
import contextlib
import hashlib
import http.client
import io
import json
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.customers.customer import GENERATIONS, Customer
from tests.stack.running import EndDelays, MakeCustomer


def test_a_url_answer_is_on_our_storage_and_needs_no_key(customer: Customer) -> None:
    answer = customer.generate("a fox").json()

    image = httpx.get(answer["data"][0]["url"], trust_env=False)
    assert image.status_code == 200
    assert image.headers["content-type"] == "image/png"
    assert image.headers["access-control-allow-origin"] == "*"
    assert answer["data"][0]["url"].startswith(f"{customer.stack.base_url}/pictor/")
    assert answer["quality"] == "medium"
    assert answer["usage"]["output_tokens"] == 1756
    assert answer["metadata"]["size_plan"] == "native"
    assert answer["metadata"]["ignored"] == []


def test_a_signature_that_was_tampered_with_is_refused(customer: Customer) -> None:
    url = customer.generate("a fox").json()["data"][0]["url"]

    tampered = httpx.get(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999"), trust_env=False)

    assert tampered.status_code == 403


@pytest.mark.parametrize("word", ["b64_json", "base64"])
def test_a_base64_answer_holds_the_same_bytes_as_storage(customer: Customer, word: str) -> None:
    response = customer.generate("a fox", response_format=word, n=2)

    answer = response.json()
    assert response.status_code == 200
    assert int(response.headers["content-length"]) == len(response.content)
    generation = customer.client.get(
        f"/v1/images/generations/{answer['metadata']['generation_id']}"
    ).json()
    stored = [httpx.get(one["url"], trust_env=False) for one in generation["result"]["data"]]
    given = [base64.b64decode(one["b64_json"], validate=True) for one in answer["data"]]
    assert [hashlib.sha256(one).hexdigest() for one in given] == [
        hashlib.sha256(one.content).hexdigest() for one in stored
    ]
    assert Image.open(io.BytesIO(given[0])).size == (1024, 1024)


def test_respond_async_answers_at_once_and_the_result_is_fetched_later(
    customer: Customer, end_delays: EndDelays
) -> None:
    response = customer.generate(
        "a slow fox [sandbox: delay=60]", headers={"Prefer": "handling=lenient, Respond-Async"}
    )

    queued = response.json()
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    assert queued["object"] == "image.generation"
    assert queued["status"] in {"queued", "running"}
    assert queued["held"] == "0.210720"
    end_delays(lambda: customer.states() == {"succeeded": 1})
    finished = customer.client.get(response.headers["location"])
    assert finished.json()["status"] == "succeeded"
    assert finished.json()["captured"] == "0.052680"
    assert finished.json()["held"] == "0.000000"
    assert finished.json()["result"]["data"][0]["url"]


def test_prefer_wait_answers_with_the_image_if_it_is_there_in_time(
    customer: Customer, end_delays: EndDelays
) -> None:
    in_time = customer.generate("a fox", headers={"Prefer": "respond-async, wait=60"})
    too_late = customer.generate(
        "a fox [sandbox: delay=60]", headers={"Prefer": "respond-async, wait=1"}
    )
    end_delays(lambda: customer.states() == {"succeeded": 2})

    assert in_time.status_code == 200
    assert (too_late.status_code, too_late.json()["status"]) == (202, "running")


def test_another_tenants_generation_answers_as_an_unknown_one(
    customer: Customer, make_customer: MakeCustomer
) -> None:
    theirs = customer.generate("a fox").headers["x-pictor-generation-id"]
    stranger = make_customer()

    foreign = stranger.client.get(f"/v1/images/generations/{theirs}")
    unknown = stranger.client.get("/v1/images/generations/gen_01k00000000000000000000000")

    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()


def test_an_idempotency_key_replays_the_answer_and_refuses_another_body(
    customer: Customer,
) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = customer.generate("a fox", headers=key)

    again = customer.generate("a fox", headers=key)
    other = customer.generate("a hare", headers=key)

    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["metadata"]["generation_id"] == first.json()["metadata"]["generation_id"]
    assert other.status_code == 422
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert len(customer.captures()) == 1


def test_blanks_after_a_header_are_no_part_of_its_value(customer: Customer) -> None:
    customer.generate("a fox", headers={"Idempotency-Key": "order-3"})
    address = urlsplit(customer.stack.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    connection.request(
        "POST",
        GENERATIONS,
        json.dumps({"model": "gpt-image-2-origin", "prompt": "a fox"}),
        {"Authorization": f"Bearer {customer.api_key}", "Idempotency-Key": "order-3 \t"},
    )

    with contextlib.closing(connection):
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Idempotent-Replayed"]) == (200, "true")
    assert len(customer.captures()) == 1


def test_a_failure_is_replayed_with_its_status(customer: Customer) -> None:
    key = {"Idempotency-Key": "order-2"}
    first = customer.generate("a fox [sandbox: fail=500]", headers=key)

    again = customer.generate("a fox [sandbox: fail=500]", headers=key)

    assert first.status_code == again.status_code == 502
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert customer.captures() == []
    assert customer.balance() == (10_000_000, 0)


def test_every_answer_has_a_request_id_and_open_cors(customer: Customer) -> None:
    answers = [
        customer.generate("a fox"),
        customer.generate(""),
        customer.client.get("/v1/nothing/here"),
        httpx.get(f"{customer.stack.base_url}/v1/models", trust_env=False),
    ]

    assert all(answer.headers["x-request-id"].startswith("req_") for answer in answers)
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"*"}
