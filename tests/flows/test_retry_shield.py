"""A retrying SDK gets its first image and pays once; other requests stay apart."""

import asyncio
import contextlib
import http.client
import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import psycopg
import pytest

from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.stack.running import EndDelays, Held, turns
from tests.stack.stack_processes import until

PRICE_OF_LOW = 5_880
RETRY = {"x-stainless-retry-count": "1"}
SLOW = "a slow fox [sandbox: delay=60]"
"""A prompt whose generation runs until a test ends its delay."""


@contextlib.contextmanager
def caller_of(customer: Customer, **fields: object) -> Iterator[http.client.HTTPConnection]:
    """A caller whose generation is under way and whose connection ends with the block."""
    before = sum(customer.states().values())
    address = urlsplit(customer.stack.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    body = {"model": "gpt-image-2-origin", "prompt": SLOW, "quality": "low", **fields}
    headers = {"Authorization": f"Bearer {customer.api_key}", "Content-Type": "application/json"}
    connection.request("POST", GENERATIONS, json.dumps(body), headers)
    until(lambda: sum(customer.states().values()) == before + 1)
    try:
        yield connection
    finally:
        connection.close()


def retry(customer: Customer, **fields: object) -> httpx.Response:
    return customer.generate(SLOW, quality="low", headers=RETRY, **fields)


def test_a_retry_after_a_lost_connection_gets_the_first_image_for_one_charge(
    customer: Customer, sandbox: httpx.Client, database: psycopg.Connection[Any], held: Held
) -> None:
    with caller_of(customer):
        pass

    response = held(lambda: retry(customer), when=lambda: turns(database, customer) == 1)

    assert response.status_code == HTTPStatus.OK
    assert response.headers["Idempotent-Replayed"] == "true"
    assert customer.states() == {"succeeded": 1}
    assert customer.captures() == [PRICE_OF_LOW]
    assert sandbox.get("/__stats").json()["requests"] == 1


def test_a_retry_takes_no_images_again(
    customer: Customer, database: psycopg.Connection[Any], held: Held
) -> None:
    database.execute(
        "UPDATE accounts_apikey SET images_per_minute = 1 WHERE tenant_id ="
        " (SELECT id FROM accounts_tenant WHERE name = %s)",
        [customer.name],
    )
    with caller_of(customer):
        pass

    response = held(lambda: retry(customer), when=lambda: turns(database, customer) == 1)

    assert response.status_code == HTTPStatus.OK
    assert customer.captures() == [PRICE_OF_LOW]


def test_a_retry_finds_the_image_that_was_finished_meanwhile(
    customer: Customer, end_delays: EndDelays
) -> None:
    with caller_of(customer):
        pass
    end_delays(lambda: customer.states() == {"succeeded": 1})

    response = retry(customer)

    assert response.status_code == HTTPStatus.OK
    assert customer.captures() == [PRICE_OF_LOW]


def test_every_further_retry_finds_it_again(
    customer: Customer, database: psycopg.Connection[Any], held: Held
) -> None:
    with caller_of(customer):
        pass
    with (
        httpx.Client(trust_env=False) as impatient,
        pytest.raises(httpx.ReadTimeout),
    ):
        impatient.post(
            f"{customer.stack.base_url}{GENERATIONS}",
            json={"model": "gpt-image-2-origin", "prompt": SLOW, "quality": "low"},
            headers={**RETRY, "Authorization": f"Bearer {customer.api_key}"},
            timeout=2,
        )

    again = {"x-stainless-retry-count": "2"}
    response = held(
        lambda: customer.generate(SLOW, quality="low", headers=again),
        when=lambda: turns(database, customer) == 2,
    )

    assert response.status_code == HTTPStatus.OK
    assert customer.captures() == [PRICE_OF_LOW]


@pytest.mark.parametrize("count", ["0", "", "-1", "one", "\uff11"])
def test_without_a_retry_count_it_is_a_new_order(
    customer: Customer, held: Held, count: str
) -> None:
    with caller_of(customer):
        pass

    response = held(
        lambda: customer.client.post(
            GENERATIONS,
            json={"model": "gpt-image-2-origin", "prompt": SLOW, "quality": "low"},
            headers={b"x-stainless-retry-count": count.encode()} if count else {},
        ),
        when=lambda: both_run(customer),
    )

    assert response.status_code == HTTPStatus.OK
    until(lambda: customer.captures() == [PRICE_OF_LOW] * 2)


def test_an_order_whose_caller_still_waits_is_not_taken_over(
    customer: Customer, held: Held
) -> None:
    with caller_of(customer) as first:
        response = held(lambda: retry(customer), when=lambda: both_run(customer))
        answer = first.getresponse()
        answer.read()

    assert (response.status_code, answer.status) == (200, 200)
    assert customer.captures() == [PRICE_OF_LOW] * 2


def test_an_order_that_was_answered_is_not_taken_over(
    customer: Customer, database: psycopg.Connection[Any]
) -> None:
    assert customer.generate("a fox", quality="low").status_code == HTTPStatus.OK
    until(lambda: unanswered(database, customer) == 0)

    response = customer.generate("a fox", quality="low", headers=RETRY)

    assert response.status_code == HTTPStatus.OK
    assert customer.captures() == [PRICE_OF_LOW] * 2


def test_an_orphan_is_taken_over_once(customer: Customer, held: Held) -> None:
    with caller_of(customer):
        pass

    responses = held(
        lambda: asyncio.run(
            customer.generate_many([{"prompt": SLOW, "quality": "low"}] * 3, headers=RETRY)
        ),
        when=lambda: customer.states() == {"running": 3},
    )

    assert [response.status_code for response in responses] == [200] * 3
    assert len({response.headers["x-pictor-generation-id"] for response in responses}) == 3
    assert customer.captures() == [PRICE_OF_LOW] * 3


def test_another_body_is_another_order(customer: Customer, held: Held) -> None:
    with caller_of(customer):
        pass

    response = held(lambda: retry(customer, size="1536x1024"), when=lambda: both_run(customer))

    assert response.json()["size"] == "1536x1024"
    until(lambda: len(customer.captures()) == 2)


def test_another_key_of_the_tenant_is_another_caller(
    customer: Customer, operator: Operator, held: Held
) -> None:
    with caller_of(customer):
        pass
    created = operator("key", "create", customer.name, "--json")

    with contextlib.closing(customer.with_key(created)) as other:
        response = held(lambda: retry(other), when=lambda: both_run(customer))

    assert response.status_code == HTTPStatus.OK
    until(lambda: customer.captures() == [PRICE_OF_LOW] * 2)


def test_a_retry_of_a_failed_request_is_tried_afresh(
    customer: Customer, end_delays: EndDelays, held: Held
) -> None:
    with caller_of(customer, prompt="[sandbox: delay=60 fail=500]"):
        pass
    end_delays(lambda: customer.states() == {"failed": 1})

    response = held(
        lambda: customer.generate("[sandbox: delay=60 fail=500]", quality="low", headers=RETRY)
    )

    assert response.status_code == HTTPStatus.BAD_GATEWAY
    assert customer.states() == {"failed": 2}


def test_an_orphan_whose_images_were_deleted_is_ordered_afresh(
    customer: Customer, end_delays: EndDelays, held: Held
) -> None:
    with caller_of(customer):
        pass
    end_delays(lambda: customer.states() == {"succeeded": 1})
    (gone,) = customer.client.get(GENERATIONS).json()["data"]
    assert customer.client.delete(f"{GENERATIONS}/{gone['id']}").status_code == HTTPStatus.OK

    response = held(lambda: retry(customer))

    assert response.status_code == HTTPStatus.OK
    assert response.json()["metadata"]["generation_id"] != gone["id"]


def test_a_streaming_caller_that_left_is_found_again(
    customer: Customer, database: psycopg.Connection[Any], held: Held
) -> None:
    with caller_of(customer, stream=True):
        pass

    response = held(
        lambda: retry(customer, stream=True), when=lambda: turns(database, customer) == 1
    )

    assert response.text.count("event: image_generation.completed") == 1
    assert customer.captures() == [PRICE_OF_LOW]


def test_the_openai_sdk_pays_once_however_often_it_loses_patience(
    customer: Customer, sandbox: httpx.Client, database: psycopg.Connection[Any], held: Held
) -> None:
    with openai.OpenAI(
        base_url=f"{customer.stack.base_url}/v1",
        api_key=customer.api_key,
        timeout=0.5,
        max_retries=20,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    ) as client:
        answer = held(
            lambda: client.images.generate(model="gpt-image-2-origin", prompt=SLOW, quality="low"),
            when=lambda: turns(database, customer) >= 2,
        )

    assert answer.data is not None
    assert customer.captures() == [PRICE_OF_LOW]
    assert sandbox.get("/__stats").json()["requests"] == 1


def both_run(customer: Customer) -> bool:
    return customer.states() == {"running": 2}


def unanswered(database: psycopg.Connection[Any], customer: Customer) -> int:
    ((count,),) = database.execute(
        "SELECT count(*) FROM generation_generation AS g JOIN accounts_tenant AS t"
        " ON t.id = g.tenant_id WHERE t.name = %s AND g.web_process IS NOT NULL",
        [customer.name],
    ).fetchall()
    return int(count)
