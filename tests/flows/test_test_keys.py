"""Test keys over HTTP: answered like live ones, only by the sandbox, at no cost."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import psycopg
import pytest
import redis

from pictor.kit.words import ids
from tests.customers.customer import GENERATIONS, Customer, Operator, by_test_key
from tests.customers.edits import edit, picture, vary
from tests.fakes.hooks import listening
from tests.fakes.refusing import first_channel, refusing
from tests.stack.running import EndDelays, MakeCustomer
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

KEYS = "/v1/api_keys"
HOOKS = "/v1/webhook_endpoints"
NOT_A_CENT = "0"
FULL = (
    "Tests in this workspace have stored 200 MB today, the limit for a UTC day."
    " They can go on at 00:00 UTC; live keys are not affected. Nothing was made or charged."
)
LATER = {"Prefer": "respond-async"}


@pytest.fixture
def broke(make_customer: MakeCustomer) -> Customer:
    """A tenant without money."""
    return make_customer(NOT_A_CENT)


@pytest.fixture
def tester(broke: Customer) -> Iterator[Customer]:
    """The same tenant by a test key."""
    with closing(by_test_key(broke)) as key:
        yield key


@pytest.mark.usefixtures("sound_ledger")
def test_a_test_is_answered_as_the_real_thing_and_costs_nothing(
    broke: Customer, tester: Customer, sandbox: httpx.Client
) -> None:
    quote = tester.client.post("/v1/images/quote", json=a_fox("medium")).json()
    answer = tester.client.post(GENERATIONS, json=a_fox("medium"))
    usage = tester.client.get("/v1/usage").json()

    assert tester.api_key.startswith("sk-pictor-test-")
    assert broke.generate(quality="low").json()["error"]["code"] == "insufficient_quota"
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-pictor-charge"] == quote["price"] == "0.052680"
    assert answer.json()["usage"]["cost"] == "0.052680"
    assert sandbox.get("/__stats").json()["images"] == 1
    assert (tester.balance(), tester.captures()) == ((0, 0), [])
    assert [bucket["results"] for bucket in usage["data"] if bucket["results"]] == []


def a_fox(quality: str) -> dict[str, Any]:
    return {"model": "gpt-image-2-origin", "prompt": "a fox", "quality": quality}


@pytest.mark.usefixtures("sound_ledger")
def test_a_vendor_is_never_called_for_a_test(
    tester: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        refusing(stack.upstream_ports[2], 503) as vendor,
        first_channel(operator, "vendor", vendor.base_url),
    ):
        served = [tester.generate(quality="low"), edit(tester), vary(tester, model="dall-e-2")]
        failed = tester.generate("[sandbox: fail=500]", quality="low")
        operator("channel", "set", "sandbox", "--serves", "live")
        try:
            refused = tester.generate(quality="low")
        finally:
            operator("channel", "set", "sandbox", "--serves", "both")
            operator("channel", "test", "sandbox", "--pending")
            operator("channel", "swap", "sandbox")

    assert [answer.status_code for answer in served] == [200] * 3
    assert (failed.status_code, refused.status_code) == (502, 503)
    assert refused.json()["error"]["code"] == "no_channel_available"
    assert "Test keys are served only by a sandbox" in refused.json()["error"]["message"]
    assert vendor.calls == 0


def test_an_image_of_a_test_has_8_mb_at_most(tester: Customer) -> None:
    refused = tester.generate(
        "a fox [sandbox: noise]", model="gpt-image-2-pro", size="2880x2880", quality="low"
    )
    made = tester.generate(
        "a fox [sandbox: noise]", model="gpt-image-2-pro", size="1024x1024", quality="low"
    )

    assert (refused.status_code, made.status_code) == (400, 200), refused.text
    assert refused.json()["error"]["message"] == (
        "An image of a test may have at most 8 MB. You were not charged."
    )


def test_ten_tests_of_a_workspace_are_made_at_a_time_and_hold_up_no_live_work(
    customer: Customer, sandbox: httpx.Client, end_delays: EndDelays
) -> None:
    def in_flight() -> int:
        return int(sandbox.get("/__stats").json()["in_flight"])

    with closing(by_test_key(customer)) as tester:
        hangs = {"prompt": "a fox [sandbox: delay=60]", "quality": "low"}
        queued = [tester.generate(**hangs, headers=LATER).status_code for _ in range(12)]
        until(lambda: in_flight() == 10)
        live = customer.generate(quality="low")
        still = in_flight()
        end_delays(lambda: customer.states() == {"succeeded": 13})

    assert queued == [202] * 12
    assert (live.status_code, still) == (200, 10)


def test_bytes_stored_by_tests_are_counted_up_to_200_mb_a_day(
    customer: Customer, database: "psycopg.Connection[Any]"
) -> None:
    with closing(by_test_key(customer)) as tester, counter_of(customer, database) as counter:
        first = tester.generate(quality="low")
        after_one = counter()
        (size,) = sizes_of(database, first)
        edited = edit(tester)
        after_two = counter()
        counter(200_000_000 - 8_193)
        last = tester.generate(quality="low")
        refused = [tester.generate(quality="low"), edit(tester), vary(tester, model="dall-e-2")]
        counter(200_000_000 - 1)
        refused.append(tester.generate(quality="low"))  # admitted, and nothing of it is stored
        read = tester.client.get(f"{GENERATIONS}/{first.headers['x-pictor-generation-id']}")
        live = customer.generate(quality="low")

    assert after_one == 8_192 + size
    assert after_two == after_one + 8_192 + len(picture()) + sum(sizes_of(database, edited))
    assert (last.status_code, read.status_code, live.status_code) == (200, 200, 200)
    statuses = [(answer.status_code, answer.headers["x-should-retry"]) for answer in refused]
    assert statuses == [(429, "false")] * 4
    errors = [answer.json()["error"] for answer in refused]
    kinds = {(error["type"], error["code"]) for error in errors}
    assert kinds == {("insufficient_quota", "insufficient_quota")}
    assert {error["message"] for error in errors} == {FULL}
    assert customer.states() == {"succeeded": 4, "failed": 1}


@contextmanager
def counter_of(
    customer: Customer, database: "psycopg.Connection[Any]"
) -> Iterator[Callable[..., int]]:
    """Return the count of today's tests; with an argument, set it first."""
    ((tenant_id,),) = database.execute(
        "SELECT id FROM accounts_tenant WHERE name = %s", [customer.name]
    ).fetchall()
    with redis.Redis.from_url(customer.stack.env["REDIS_URL"]) as client:

        def counter(changed: int | None = None) -> int:
            (name,) = client.keys(f"pictor:rate:{{{tenant_id}}}:tests:*")
            if changed is not None:
                client.set(name, changed)
            return int(client.get(name) or 0)

        yield counter


def sizes_of(database: "psycopg.Connection[Any]", answer: httpx.Response) -> list[int]:
    """The size in bytes of each image of an answer."""
    generation_id = ids.parse(ids.GENERATION, answer.headers["x-pictor-generation-id"])
    rows = database.execute(
        "SELECT size_bytes FROM storage_storedimage WHERE generation_id = %s", [generation_id]
    )
    return [size for (size,) in rows]


def test_a_key_sees_and_ends_what_is_of_its_mode(customer: Customer) -> None:
    with closing(by_test_key(customer)) as tester:
        both = [customer, tester]
        made = [each.generate(quality="low").headers["x-pictor-generation-id"] for each in both]
        lists = [each.client.get(GENERATIONS).json()["data"] for each in both]
        others = [
            each.client.request(method, f"{GENERATIONS}/{made_by_other}{path}")
            for each, made_by_other in zip(both, reversed(made), strict=True)
            for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"))
        ]

    assert [[(one["id"], one["livemode"]) for one in page] for page in lists] == [
        [(made[0], True)],
        [(made[1], False)],
    ]
    assert [answer.status_code for answer in others] == [404] * 6


def test_an_idempotency_key_is_of_its_mode(customer: Customer) -> None:
    once = {"Idempotency-Key": "the-same-for-both"}
    with closing(by_test_key(customer)) as tester:
        live = customer.generate(quality="low", headers=once)
        test = tester.generate(quality="high", headers=once)
        again = tester.generate(quality="high", headers=once)

    ids = [answer.headers["x-pictor-generation-id"] for answer in (live, test, again)]
    assert (len(set(ids)), ids[1] == ids[2]) == (2, True)
    assert again.headers["idempotent-replayed"] == "true"


def test_a_test_key_manages_only_test_keys(customer: Customer) -> None:
    with closing(by_test_key(customer)) as tester:
        made = tester.client.post(KEYS, json={"name": "by a test key"}).json()
        refused = tester.client.post(KEYS, json={"livemode": True})
        listed = tester.client.get(KEYS).json()["data"]
        theirs = f"{KEYS}/{customer.key_id}"
        unseen = [
            tester.client.get(theirs),
            tester.client.patch(theirs, json={"name": "mine"}),
            tester.client.post(f"{theirs}/rotate", json={}),
            tester.client.delete(theirs),
        ]
    every = customer.client.get(KEYS).json()["data"]

    assert made["api_key"].startswith("sk-pictor-test-")
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "livemode")
    assert [key["id"] for key in listed] == [made["id"], tester.key_id]
    assert [answer.status_code for answer in unseen] == [404] * 4
    assert [key["livemode"] for key in every] == [False, False, True]


def test_a_key_manages_and_is_told_by_webhooks_of_its_mode(
    customer: Customer, stack: Stack
) -> None:
    with listening(stack.hook_ports[0]) as hooks, closing(by_test_key(customer)) as tester:
        both = [customer, tester]
        made = [
            each.client.post(HOOKS, json={"url": f"{hooks.url}?{mode}"}).json()
            for each, mode in zip(both, ("live", "test"), strict=True)
        ]
        listed = [each.client.get(HOOKS).json()["data"] for each in both]
        others = [
            each.client.request(method, f"{HOOKS}/{hook['id']}{path}", json=body)
            for each, hook in zip(both, reversed(made), strict=True)
            for method, path, body in (
                ("GET", "", None),
                ("PATCH", "", {"status": "disabled"}),
                ("POST", "/rotate", {}),
                ("POST", "/test", None),
                ("POST", "/resend", {"since": 0}),
                ("GET", "/deliveries", None),
                ("DELETE", "", None),
            )
        ]
        asked = [each.generate(quality="low").headers["x-pictor-generation-id"] for each in both]
        until(lambda: len(hooks.told) == 2)

    assert [[(one["id"], one["livemode"]) for one in page] for page in listed] == [
        [(made[0]["id"], True)],
        [(made[1]["id"], False)],
    ]
    assert [answer.status_code for answer in others] == [404] * 14
    told = {one.query: one.event["data"] for one in hooks.told}
    assert [(told[mode]["id"], told[mode]["livemode"]) for mode in ("live", "test")] == [
        (asked[0], True),
        (asked[1], False),
    ]


def test_limits_apply_to_tests(customer: Customer) -> None:
    with closing(by_test_key(customer, requests_per_minute=1)) as tester:
        answers = [tester.generate(quality="low") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["error"]["code"] == "rate_limit_exceeded"


def test_an_operator_makes_a_test_key(customer: Customer, operator: Operator) -> None:
    made = json.loads(operator("key", "create", customer.name, "--test", "--json"))

    assert made["api_key"].startswith("sk-pictor-test-")
