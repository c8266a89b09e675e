"""A tenant's balance, usage and prices by API, as in its ledger."""

import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.customers.customer import Customer, Operator
from tests.stack.running import EndDelays, MakeCustomer

LOW, MEDIUM = "0.005880", "0.052680"


def usage(customer: Customer, **params: Any) -> list[dict[str, Any]]:
    """The results of all buckets."""
    page = customer.client.get("/v1/usage", params=params).json()
    return [result for bucket in page["data"] for result in bucket["results"]]


def test_the_balance_is_what_is_left_and_what_is_held(
    customer: Customer, end_delays: EndDelays
) -> None:
    customer.generate(quality="low")
    customer.generate(
        "a slow fox [sandbox: delay=60]", quality="medium", headers={"Prefer": "respond-async"}
    )

    balance = customer.client.get("/v1/balance").json()
    end_delays(lambda: customer.states() == {"succeeded": 2})

    assert balance == {
        "object": "balance",
        "available": "9.941440",
        "held": MEDIUM,
        "owed": "0.000000",
        "in_flight": 1,
        "currency": "USD",
    }


def test_usage_is_what_was_made_and_charged_by_any_group(
    customer: Customer, make_customer: MakeCustomer
) -> None:
    make_customer().generate("somebody else's fox")
    customer.generate(quality="low", n=2)
    customer.generate(quality="medium", model="gpt-image-2")
    customer.generate("a fox [sandbox: fail=400]", quality="low")

    (all_of_it,) = usage(customer, bucket="month")
    by_model = usage(customer, group_by="model", bucket="month")
    by_all = usage(customer, group_by="status, key,tier,model", bucket="hour")
    by_error = usage(customer, group_by="error", bucket="month")

    assert (all_of_it["generations"], all_of_it["images"]) == (3, 3)
    assert all_of_it["cost"] == "0.064440"
    assert 0.1 < all_of_it["seconds_p50"] <= all_of_it["seconds_p95"] < 60
    assert [(row["model"], row["generations"], row["cost"]) for row in by_model] == [
        ("gpt-image-2", 1, MEDIUM),
        ("gpt-image-2-origin", 2, "0.011760"),
    ]
    assert {row["key"] for row in by_all} == {customer.key_id}
    assert {(row["status"], row["tier"], row["images"]) for row in by_all} == {
        ("succeeded", "1K", 2),
        ("succeeded", "base", 1),
        ("failed", "1K", 0),
    }
    assert [row["seconds_p50"] for row in by_all if row["status"] == "failed"] == [None]
    assert [(row["error"], row["generations"], row["cost"]) for row in by_error] == [
        ("", 2, "0.064440"),
        ("invalid_value", 1, "0.000000"),
    ]


def test_buckets_come_in_pages_without_a_gap(customer: Customer) -> None:
    customer.generate(quality="low")
    now = int(time.time())
    begin: int | None = now - 9 * 3600
    buckets: list[dict[str, Any]] = []

    while begin is not None:
        params: dict[str, Any] = {"bucket": "hour", "start": begin, "end": now + 1, "limit": 4}
        page = customer.client.get("/v1/usage", params=params).json()
        buckets += page["data"]
        begin = page["next_start"]
        assert page["has_more"] is (begin is not None)

    starts = [bucket["start"] for bucket in buckets]
    assert starts == list(range(starts[0], now + 1, 3600))
    assert starts[0] <= now - 9 * 3600 < starts[1]
    assert [bucket["end"] for bucket in buckets] == [*starts[1:], starts[-1] + 3600]
    assert sum(row["generations"] for bucket in buckets for row in bucket["results"]) == 1


@pytest.mark.refused
@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("start=yesterday", "start"),
        ("start=99999999999999999999", "start"),
        ("end=-1", "end"),
        ("end=4102444801", "end"),
        ("start=2000000000&end=2000000000", "start"),
        ("start=%00", "start"),
        ("bucket=week", "bucket"),
        ("group_by=", "group_by"),
        ("group_by=prompt", "group_by"),
        ("limit=101", "limit"),
    ],
)
def test_a_senseless_query_is_refused_by_its_field(
    customer: Customer, query: str, param: str
) -> None:
    answer = customer.client.get(f"/v1/usage?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_the_whole_of_time_is_a_question_too(customer: Customer) -> None:
    page = customer.client.get("/v1/usage", params={"start": 0, "end": 4102444800}).json()

    assert (len(page["data"]), page["has_more"]) == (100, True)


def test_prices_are_those_in_force_for_the_tenant_and_those_to_come(
    customer: Customer, operator: Operator, tmp_path: Path
) -> None:
    rows = tmp_path / "prices.csv"
    rows.write_text(
        "model,size,quality,usd,kind,width,height\n"
        "gpt-image-2-origin,1024x1024,low,0.004,fixed,1024,1024\n"
    )
    for moment, markup in (("2026-01-01T00:00:00Z", "1"), ("2099-01-01T00:00:00Z", "1.5")):
        operator(
            *("price", "import", str(rows), "--name", f"own {customer.name}"),
            *("--tenant", customer.name, "--from", moment, "--markup", markup),
        )
    for version in (1, 2):
        operator("price", "publish", f"own {customer.name}:{version}", "--yes")

    answer = customer.client.get("/v1/prices").json()

    prices = {(row["model"], row["size"], row["quality"]): row for row in answer["data"]}
    own = prices["gpt-image-2-origin", "1024x1024", "low"]
    assert (own["price"], own["is_most"]) == ("0.004000", False)
    assert prices["gpt-image-2", "1024x1024", "low"]["price"] == LOW
    assert prices["gpt-image-2", "auto", "high"] == {
        "model": "gpt-image-2", "size": "auto", "quality": "high", "price": "0.428160",
        "is_most": True,
    }  # fmt: skip
    (later,) = answer["scheduled"]
    assert later["effective_from"] == datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    assert later["data"] == [{**own, "price": "0.006000"}]
    assert answer["withdrawn"] == []
    assert customer.generate(quality="low").json()["usage"]["cost"] == "0.004000"
    operator("price", "withdraw", f"own {customer.name}:2", "--yes")
    after = customer.client.get("/v1/prices").json()
    assert after["scheduled"] == []
    (withdrawn,) = after["withdrawn"]
    assert withdrawn["effective_from"] == later["effective_from"]
    assert withdrawn["withdrawn_at"] == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("path", ["/v1/balance", "/v1/usage", "/v1/prices", "/v1/billing/rules"])
def test_money_is_told_to_keys_that_may_read_it(
    customer: Customer, operator: Operator, path: str
) -> None:
    made = operator("key", "create", customer.name, "--scopes", "images:write", "--json")

    with closing(customer.with_key(made)) as narrow:
        refused = narrow.client.get(path)

    assert refused.status_code == 403
    assert "billing:read" in refused.json()["error"]["message"]
    assert customer.client.get(f"{path}/").json() == customer.client.get(path).json()
    assert customer.client.post(path).status_code == 405
