"""Rates, requests in flight and budgets: exactly as many as allowed, and true headers."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
import redis
from psycopg import sql

from tests.customers.customer import GENERATIONS, Customer, Operator, facts_of
from tests.stack.running import MakeCustomer

LOW: dict[str, Any] = {"prompt": "a fox", "quality": "low"}
"""5,880 micro-USD with the default model and size."""
OPENING = 10_000_000
OVER_RATE = (429, "rate_limit_error", "rate_limit_exceeded", None)

Change = Callable[..., None]


@pytest.fixture
def set_key(database: "psycopg.Connection[Any]") -> Change:
    """Sets a column of every key of a customer."""

    def change(customer: Customer, column: str, value: object) -> None:
        statement = sql.SQL(
            "UPDATE accounts_apikey SET {} = %s WHERE tenant_id ="
            " (SELECT id FROM accounts_tenant WHERE name = %s)"
        ).format(sql.Identifier(column))
        database.execute(statement, [value, customer.name])

    return change


@pytest.fixture
def set_tenant(database: "psycopg.Connection[Any]") -> Change:
    """Sets a column of a customer's tenant."""

    def change(customer: Customer, column: str, value: object) -> None:
        statement = sql.SQL("UPDATE accounts_tenant SET {} = %s WHERE name = %s").format(
            sql.Identifier(column)
        )
        database.execute(statement, [value, customer.name])

    return change


def many(customer: Customer, count: int, **fields: Any) -> list[httpx.Response]:
    return asyncio.run(customer.generate_many([{**LOW, **fields}] * count))


# --- requests a minute ------------------------------------------------------------------------


def test_exactly_6_of_120_at_once_pass_and_the_others_are_told_when(
    make_customer: MakeCustomer, sound_ledger: None
) -> None:
    customer = make_customer("10.00", "--rpm", "6")

    answers = many(customer, 120)

    refused = [each for each in answers if each.status_code != 200]
    served = [each for each in answers if each.status_code == 200]
    assert len(served) == 6
    assert {facts_of(each) for each in refused} == {OVER_RATE}
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in refused)
    assert {each.headers["x-ratelimit-limit-requests"] for each in answers} == {"6"}
    assert {each.headers["x-ratelimit-remaining-requests"] for each in refused} == {"0"}
    assert min(int(each.headers["x-ratelimit-remaining-requests"]) for each in served) == 0
    assert "x-should-retry" not in refused[0].headers
    assert len(customer.captures()) == 6
    assert customer.balance() == (OPENING - 6 * 5_880, 0)


def test_retry_after_is_true(make_customer: MakeCustomer) -> None:
    customer = make_customer("10.00", "--rpm", "60")
    answers = many(customer, 70, size="1x1")  # a refused one counts like any other
    refused = [each for each in answers if each.status_code == 429]
    waits = {int(each.headers["retry-after"]) for each in refused}

    async def later() -> httpx.Response:
        await asyncio.sleep(max(waits))  # the tested promise is about this very wait
        return (await customer.generate_many([LOW]))[0]

    assert refused
    assert asyncio.run(later()).status_code == 200


def test_remaining_counts_down_from_a_full_bucket(make_customer: MakeCustomer) -> None:
    customer = make_customer("10.00", "--rpm", "6")

    answers = [customer.generate(**LOW) for _ in range(3)]

    left = [each.headers["x-ratelimit-remaining-requests"] for each in answers]
    resets = [each.headers["x-ratelimit-reset-requests"] for each in answers]
    assert left[0] == "5"
    assert int(left[2]) < int(left[0])
    assert all(each.endswith("s") and int(each[:-1]) <= 60 for each in resets)


def test_a_key_s_own_limit_holds_beside_others_of_the_tenant(
    customer: Customer, operator: Operator
) -> None:
    made = operator("key", "create", customer.name, "--rpm", "5", "--json")
    limited = replace(customer, api_key=json.loads(made)["api_key"])

    tight = many(limited, 20)
    free = many(customer, 10)

    assert Counter(each.status_code for each in tight) == {200: 5, 429: 15}
    assert {each.status_code for each in free} == {200}
    assert free[0].headers["x-ratelimit-limit-requests"] == "1000000"


def test_refused_requests_count_and_retrievals_do_not(make_customer: MakeCustomer) -> None:
    customer = make_customer("10.00", "--rpm", "3")
    first = customer.generate(**LOW)
    place = f"{GENERATIONS}/{first.headers['x-pictor-generation-id']}"

    reads = [customer.client.get(place).status_code for _ in range(10)]
    writes = [customer.generate(size="1x1").status_code for _ in range(3)]

    assert reads == [200] * 10
    assert writes == [400, 400, 429]


def test_lists_quotes_and_reads_are_refused_when_their_buckets_are_empty(
    make_customer: MakeCustomer, database: "psycopg.Connection[Any]"
) -> None:
    customer = make_customer()
    (tenant,) = database.execute(
        "SELECT id FROM accounts_tenant WHERE name = %s", [customer.name]
    ).fetchone() or (None,)
    made = customer.generate(**LOW).headers["x-pictor-generation-id"]
    with redis.Redis.from_url(customer.stack.env["REDIS_URL"]) as buckets:
        for kind in ("reads", "queries"):
            empty = {"level": 0, "at": int(time.time() * 1000)}
            buckets.hset(f"pictor:rate:{{{tenant}}}:tenant:{kind}", mapping=empty)

    answers = [
        customer.client.post("/v1/images/quote", json=LOW),
        customer.client.get("/v1/models"),
        customer.client.get(GENERATIONS),
        customer.client.get(f"{GENERATIONS}/{made}"),
        customer.generate(**LOW),
    ]

    assert [each.status_code for each in answers] == [429, 429, 429, 429, 200]
    assert {facts_of(each) for each in answers[:4]} == {OVER_RATE}
    assert {int(each.headers["retry-after"]) for each in answers[:4]} <= set(range(1, 6))


def test_a_body_that_is_no_request_counts_and_says_what_is_left(
    make_customer: MakeCustomer,
) -> None:
    customer = make_customer("10.00", "--rpm", "2")

    answers = [customer.generate(no_such_field=1) for _ in range(3)]

    assert [each.status_code for each in answers] == [400, 400, 429]
    left = [each.headers["x-ratelimit-remaining-requests"] for each in answers]
    assert left == ["1", "0", "0"]
    assert {each.headers["x-ratelimit-remaining-images"] for each in answers} == {"1000000"}


# --- images a minute --------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["key", "tenant"])
def test_images_a_minute_are_counted_by_n(
    customer: Customer, set_key: Change, set_tenant: Change, whose: str
) -> None:
    change = {"key": set_key, "tenant": set_tenant}[whose]
    change(customer, "images_per_minute", 10)

    first = customer.generate(n=6, **LOW)
    second = customer.generate(n=6, **LOW)
    third = customer.generate(n=3, **LOW)

    assert first.status_code == 200
    assert first.headers["x-ratelimit-limit-images"] == "10"
    assert first.headers["x-ratelimit-remaining-images"] == "4"
    assert facts_of(second) == OVER_RATE
    assert 1 <= int(second.headers["retry-after"]) <= 60
    assert third.status_code == 200


def test_an_order_sent_again_takes_no_images_again(
    customer: Customer, set_key: Change, sound_ledger: None
) -> None:
    set_key(customer, "images_per_minute", 4)
    once = {"Idempotency-Key": "once"}

    first = customer.generate(n=3, headers=once, **LOW)
    again = customer.generate(n=3, headers=once, **LOW)
    another = customer.generate(n=3, headers={"Idempotency-Key": "another"}, **LOW)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["x-ratelimit-remaining-images"] == "1"
    assert facts_of(another) == OVER_RATE
    assert another.headers["x-ratelimit-remaining-images"] == "1"
    assert customer.captures() == [3 * 5_880]


def test_a_refused_order_takes_no_images(customer: Customer, set_key: Change) -> None:
    set_key(customer, "images_per_minute", 2)

    refused = customer.generate(n=2, size="9x9", **LOW)
    made = customer.generate(n=2, **LOW)

    assert refused.json()["error"]["code"] == "invalid_size"
    assert refused.headers["x-ratelimit-remaining-images"] == "2"
    assert made.status_code == 200
    assert made.headers["x-ratelimit-remaining-images"] == "0"


def test_more_images_than_a_minute_allows_can_never_pass(
    customer: Customer, set_key: Change
) -> None:
    set_key(customer, "images_per_minute", 2)

    response = customer.generate(n=3, **LOW)

    assert facts_of(response) == OVER_RATE
    assert response.headers["x-should-retry"] == "false"


# --- in flight --------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["key", "tenant"])
def test_exactly_3_of_20_at_once_are_in_flight(
    customer: Customer, set_key: Change, set_tenant: Change, whose: str, sound_ledger: None
) -> None:
    change = {"key": set_key, "tenant": set_tenant}[whose]
    change(customer, "max_in_flight", 3)

    answers = many(customer, 20, prompt="a fox [sandbox: delay=6]")
    afterwards = customer.generate(**LOW)

    refused = [each for each in answers if each.status_code != 200]
    assert len(answers) - len(refused) == 3
    assert {facts_of(each) for each in refused} == {
        (429, "rate_limit_error", "concurrency_limit_exceeded", None)
    }
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in refused)
    assert afterwards.status_code == 200
    assert len(customer.captures()) == 4


# --- balance and budgets ----------------------------------------------------------------------


@pytest.mark.parametrize("column", ["budget_day_micros", "budget_month_micros"])
def test_a_budget_is_a_hard_stop_for_any_number_at_once(
    customer: Customer, set_key: Change, column: str, sound_ledger: None
) -> None:
    set_key(customer, column, 5 * 5_880)

    answers = many(customer, 25)

    refused = [each for each in answers if each.status_code != 200]
    assert len(answers) - len(refused) == 5
    assert {facts_of(each) for each in refused} == {
        (429, "insufficient_quota", "insufficient_quota", None)
    }
    assert {each.headers["x-should-retry"] for each in refused} == {"false"}
    assert all("budget" in each.json()["error"]["message"] for each in refused)
    assert len(customer.captures()) == 5


def test_a_budget_set_in_dollars_by_command_is_kept(customer: Customer, operator: Operator) -> None:
    made = operator("key", "create", customer.name, "--budget", "0.01", "--json")
    limited = replace(customer, api_key=json.loads(made)["api_key"])

    answers = many(limited, 3)

    assert Counter(each.status_code for each in answers) == {200: 1, 429: 2}
    refused = next(each for each in answers if each.status_code == 429)
    assert "monthly budget" in refused.json()["error"]["message"]
    assert "0.001760 USD is missing" in refused.json()["error"]["message"]


def test_a_balance_too_low_says_which_and_how_much(make_customer: MakeCustomer) -> None:
    customer = make_customer("0.004")

    response = customer.generate(**LOW)

    assert facts_of(response) == (429, "insufficient_quota", "insufficient_quota", None)
    assert response.headers["x-should-retry"] == "false"
    assert "retry-after" not in response.headers
    message = response.json()["error"]["message"]
    assert "balance" in message
    assert "0.005880" in message
    assert "0.001880 USD is missing" in message
    assert customer.balance() == (4_000, 0)


def test_a_balance_for_10_lets_exactly_10_of_40_pass(
    make_customer: MakeCustomer, sound_ledger: None
) -> None:
    customer = make_customer("0.0588")

    answers = many(customer, 40)

    assert Counter(each.status_code for each in answers) == {200: 10, 429: 30}
    assert customer.balance() == (0, 0)
