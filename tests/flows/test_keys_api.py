"""A tenant's keys by API: made, changed, rotated, revoked; never above the calling key."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.customers.customer import Customer, Operator
from tests.stack.running import MakeCustomer

KEYS = "/v1/api_keys"
NARROW = ("--models", "dall-e-2,dall-e-3", "--budget", "5", "--rpm", "60")


@pytest.fixture
def narrow(customer: Customer, operator: Operator) -> Iterator[Customer]:
    """The same tenant by a key that may manage keys and has limits itself."""
    scopes = ("--scopes", "keys:write,images:write")
    made = operator("key", "create", customer.name, *NARROW, *scopes, "--json")
    with closing(customer.with_key(made)) as key:
        yield key


@contextmanager
def using(customer: Customer, text: str) -> Iterator[Customer]:
    with closing(customer._of(customer.stack, customer.name, _as_created(text))) as key:  # noqa: SLF001 - by a key's text alone
        yield key


def _as_created(text: str) -> str:
    return f'{{"api_key": "{text}", "key_id": ""}}'


def works(customer: Customer, text: str) -> bool:
    with using(customer, text) as key:
        return key.client.get("/v1/models").status_code == 200


def make(customer: Customer, **fields: Any) -> dict[str, Any]:
    answer = customer.client.post(KEYS, json=fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_key_is_made_shown_once_and_does_what_it_may(customer: Customer) -> None:
    made = make(customer, name="ci", scopes=["images:write"], budget_month="0.01")
    text = made.pop("api_key")

    found = customer.client.get(f"{KEYS}/{made['id']}").json()
    with using(customer, text) as ci:
        bought = ci.generate(quality="low")
        over = ci.generate(quality="low")
        reads = ci.client.get(KEYS)

    assert found == made
    assert text.startswith(found["prefix"])
    assert (found["budget_month"], found["budget_day"]) == ("0.010000", None)
    assert (found["status"], found["livemode"]) == ("active", True)
    assert [bought.status_code, over.status_code, reads.status_code] == [200, 429, 403]


def test_a_budget_that_only_warns_stops_nothing_until_it_is_a_hard_stop(
    customer: Customer, sound_ledger: None
) -> None:
    may = {"scopes": ["images:write", "keys:write"]}
    made = make(customer, budget_month="0.01", budget_warns_only=True, **may)
    path = f"{KEYS}/{made['id']}"

    with using(customer, made["api_key"]) as key:
        beyond = [key.generate(quality="low").status_code for _ in range(3)]
        child = key.client.post(KEYS, json={}).json()
        changed = customer.client.patch(path, json={"budget_warns_only": False}).json()
        stopped = key.generate(quality="low")

    assert made["budget_warns_only"] is True
    assert (child["budget_warns_only"], child["budget_month"]) == (False, "0.010000")
    assert beyond == [200, 200, 200]
    assert (changed["budget_warns_only"], changed["budget_month"]) == (False, "0.010000")
    assert customer.client.get(path).json() == changed
    assert stopped.json()["error"]["code"] == "insufficient_quota"
    assert len(customer.captures()) == 3


def test_omitted_rules_are_those_of_the_calling_key(narrow: Customer) -> None:
    made = make(narrow)

    assert made["models"] == ["dall-e-2", "dall-e-3"]
    assert made["scopes"] == ["images:write"]
    assert (made["budget_month"], made["requests_per_minute"]) == ("5.000000", 60)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"scopes": ["billing:read"]}, "scopes"),
        ({"models": ["gpt-image-2"]}, "models"),
        ({"models": None}, "models"),
        ({"budget_month": "5.000001"}, "budget_month"),
        ({"budget_month": None}, "budget_month"),
        ({"budget_warns_only": True}, "budget_warns_only"),
        ({"requests_per_minute": 61}, "requests_per_minute"),
    ],
)
def test_a_key_gives_no_more_than_it_has(
    customer: Customer, narrow: Customer, fields: dict[str, Any], param: str
) -> None:
    mine = make(narrow, scopes=["images:write", "keys:write"])
    refused = [
        narrow.client.post(KEYS, json=fields),
        narrow.client.patch(f"{KEYS}/{mine['id']}", json=fields),
    ]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert {answer.json()["error"]["param"] for answer in refused} == {param}


def test_a_key_cannot_touch_a_key_with_more_rights(customer: Customer, narrow: Customer) -> None:
    wider = f"{KEYS}/{customer.key_id}"

    refused = [
        narrow.client.patch(wider, json={"name": "mine"}),
        narrow.client.post(f"{wider}/rotate", json={}),
        narrow.client.delete(wider),
    ]

    assert [answer.status_code for answer in refused] == [403] * 3
    assert works(customer, customer.api_key)


def test_a_key_that_its_budget_stops_gets_around_it_by_no_way(
    customer: Customer, narrow: Customer
) -> None:
    warned = f"{KEYS}/{make(customer, budget_month='5', budget_warns_only=True)['id']}"

    refused = [
        narrow.client.patch(f"{KEYS}/{narrow.key_id}", json={"budget_warns_only": True}),
        narrow.client.patch(warned, json={"budget_warns_only": False}),
        narrow.client.post(f"{warned}/rotate", json={}),
    ]

    assert [answer.status_code for answer in refused] == [403] * 3
    own = customer.client.get(f"{KEYS}/{narrow.key_id}").json()
    assert own["budget_warns_only"] is False


def test_a_change_is_felt_by_the_next_request(customer: Customer) -> None:
    made = make(customer, requests_per_minute=100, expires_at=int(time.time()) + 3600)

    changed = customer.client.patch(
        f"{KEYS}/{made['id']}",
        json={"name": "one model", "models": ["dall-e-2"], "requests_per_minute": None},
    ).json()

    with using(customer, made["api_key"]) as key:
        listed = key.client.get("/v1/models").json()["data"]
    assert [model["id"] for model in listed] == ["dall-e-2"]
    assert (changed["name"], changed["requests_per_minute"]) == ("one model", None)
    assert changed["expires_at"] == made["expires_at"]


def test_a_rotated_key_is_the_same_key_and_its_former_text_ends(
    customer: Customer, database: "psycopg.Connection[Any]"
) -> None:
    made = make(customer, budget_month="0.01")
    warned = make(customer, budget_warns_only=True)
    first = made["api_key"]
    with using(customer, first) as key:
        assert key.generate(quality="low").status_code == 200

    rotated = customer.client.post(f"{KEYS}/{made['id']}/rotate", json={"overlap": "1h"}).json()
    still_warned = customer.client.post(f"{KEYS}/{warned['id']}/rotate", json={}).json()
    second = rotated["api_key"]
    with using(customer, second) as key:
        over_budget = key.generate(quality="low")

    assert rotated["id"] == made["id"]
    assert still_warned["budget_warns_only"] is True
    assert rotated["former_until"] == pytest.approx(time.time() + 3600, abs=60)
    assert over_budget.json()["error"]["code"] == "insufficient_quota"
    assert [works(customer, first), works(customer, second)] == [True, True]
    database.execute(
        "UPDATE accounts_apikey SET previous_until = now() WHERE previous_digest IS NOT NULL"
        " AND visible_prefix = %s",
        [rotated["prefix"]],
    )
    assert [works(customer, first), works(customer, second)] == [False, True]


def test_the_former_text_of_a_key_makes_images_and_manages_no_keys(
    customer: Customer, operator: Operator
) -> None:
    other = f"{KEYS}/{make(customer)['id']}"
    own = f"{KEYS}/{customer.key_id}"
    text = customer.client.post(f"{own}/rotate", json={"overlap": "1h"}).json()["api_key"]
    listed = operator("key", "list", customer.name, "--json")

    refused = [
        customer.client.post(f"{own}/rotate", json={}),
        customer.client.post(f"{other}/rotate", json={}),
        customer.client.post(KEYS, json={}),
        customer.client.patch(own, json={"name": "mine"}),
        customer.client.patch(other, json={"scopes": ["images:read"]}),
        customer.client.delete(own),
        customer.client.delete(other),
    ]

    assert [answer.status_code for answer in refused] == [403] * 7
    assert "old secret cannot manage keys" in refused[0].json()["error"]["message"]
    assert operator("key", "list", customer.name, "--json") == listed
    assert customer.generate(quality="low").status_code == 200
    with using(customer, text) as present:
        assert present.client.post(f"{own}/rotate", json={"overlap": "0"}).status_code == 200


def test_a_key_that_only_manages_keys_names_what_another_may(
    customer: Customer, operator: Operator
) -> None:
    made = operator("key", "create", customer.name, "--scopes", "keys:write", "--json")

    with closing(customer.with_key(made)) as manager:
        refused = manager.client.post(KEYS, json={})
        named = manager.client.post(KEYS, json={"scopes": ["keys:write"]})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "scopes")
    assert named.json()["scopes"] == ["keys:write"]


def test_one_of_several_rotations_at_once_is_done(customer: Customer) -> None:
    path = f"{KEYS}/{customer.key_id}/rotate"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: customer.client.post(path, json={}), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200, *[403] * 7]


_MANY = """
INSERT INTO accounts_apikey (id, tenant_id, name, visible_prefix, digest, is_test, scopes,
                             expires_at, budget_warns_only, default_response_format)
SELECT gen_random_uuid(), tenant_id, name, visible_prefix, sha256(gen_random_uuid()::text::bytea),
       is_test, scopes, %s, budget_warns_only, default_response_format
  FROM accounts_apikey, generate_series(1, %s) WHERE visible_prefix = %s AND expires_at IS NULL
"""


def test_keys_are_made_up_to_a_thousand_and_no_further(
    customer: Customer, database: "psycopg.Connection[Any]"
) -> None:
    prefix = customer.client.get(f"{KEYS}/{customer.key_id}").json()["prefix"]
    database.execute(_MANY, [datetime(2020, 1, 1, tzinfo=UTC), 1, prefix])
    expired = customer.client.get(KEYS, params={"limit": 1}).json()["first_id"]
    database.execute(_MANY, [None, 997, prefix])

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: customer.client.post(KEYS, json={}), range(8)))
    revived = customer.client.patch(f"{KEYS}/{expired}", json={"expires_at": None})

    assert sorted(answer.status_code for answer in made) == [201, 201, *[400] * 6]
    assert revived.status_code == 400
    assert "at most 1000 keys" in revived.json()["error"]["message"]


def test_no_text_ends_before_its_time_unless_a_rotation_has_no_overlap(
    customer: Customer,
) -> None:
    made = make(customer)
    path = f"{KEYS}/{made['id']}/rotate"

    second = customer.client.post(path, json={"overlap": "7d"}).json()["api_key"]
    refused = customer.client.post(path, json={"overlap": "7d"})
    in_overlap = [works(customer, text) for text in (made["api_key"], second)]
    third = customer.client.post(path, json={"overlap": "0"}).json()["api_key"]

    assert refused.status_code == 400
    assert 'at once, rotate with the overlap "0"' in refused.json()["error"]["message"]
    assert in_overlap == [True, True]
    texts = (made["api_key"], second, third)
    assert [works(customer, text) for text in texts] == [False, False, True]


def test_a_revoked_key_is_refused_with_its_former_text(customer: Customer) -> None:
    made = make(customer)
    path = f"{KEYS}/{made['id']}"
    second = customer.client.post(f"{path}/rotate", json={}).json()["api_key"]

    revoked = [customer.client.delete(path).json() for _ in range(2)]

    assert revoked == [{"id": made["id"], "object": "api_key", "revoked": True}] * 2
    assert [works(customer, text) for text in (made["api_key"], second)] == [False, False]
    assert customer.client.get(path).json()["status"] == "revoked"
    assert customer.client.post(f"{path}/rotate", json={}).status_code == 400


def test_keys_are_listed_newest_first_in_pages(customer: Customer) -> None:
    made = [make(customer, name=str(number))["id"] for number in range(3)]

    first = customer.client.get(KEYS, params={"limit": 2}).json()
    rest = customer.client.get(KEYS, params={"after": first["last_id"]}).json()

    assert [key["id"] for key in first["data"]] == [made[2], made[1]]
    assert [key["id"] for key in rest["data"]] == [made[0], customer.key_id]
    assert (first["has_more"], rest["has_more"]) == (True, False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": "x" * 101}, "name"),
        ({"name": None}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"scopes": None}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"scopes": "images:write"}, "scopes"),
        ({"models": ["gpt-image-9"]}, "models"),
        ({"models": [1]}, "models"),
        ({"models": ["a"] * 101}, "models"),
        ({"ip_ranges": ["10.0.0.0/33"]}, "ip_ranges"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 10**12}, "expires_at"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": 2**31}, "requests_per_minute"),
        ({"budget_day": 1}, "budget_day"),
        ({"budget_day": "-1"}, "budget_day"),
        ({"budget_day": "0.0000001"}, "budget_day"),
        ({"budget_day": "9" * 40}, "budget_day"),
        ({"budget_warns_only": "true"}, "budget_warns_only"),
        ({"budget_warns_only": None}, "budget_warns_only"),
        ({"default_response_format": "jpg"}, "default_response_format"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_senseless_body_is_refused_by_its_field(
    customer: Customer, fields: dict[str, Any], param: str
) -> None:
    made = make(customer)
    body = json.dumps(fields)  # in ASCII, which httpx would not write

    refused = [
        customer.client.post(KEYS, content=body),
        customer.client.patch(f"{KEYS}/{made['id']}", content=body),
    ]

    assert [answer.status_code for answer in refused] == [400, 400]
    assert {answer.json()["error"]["param"] for answer in refused} == {param}


def test_another_account_s_key_is_not_found(
    customer: Customer, make_customer: MakeCustomer
) -> None:
    theirs = f"{KEYS}/{make_customer().key_id}"
    client = customer.client

    answers = [
        client.get(theirs),
        client.patch(theirs, json={"name": "mine"}),
        client.post(f"{theirs}/rotate", json={}),
        client.delete(theirs),
        client.get(f"{KEYS}/key_nonsense"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert len({answer.text for answer in answers}) == 1


def test_keys_are_managed_by_keys_that_may(customer: Customer, operator: Operator) -> None:
    made = operator("key", "create", customer.name, "--scopes", "images:write", "--json")

    with closing(customer.with_key(made)) as reader:
        refused = [reader.client.get(KEYS), reader.client.post(KEYS, json={})]

    assert [answer.status_code for answer in refused] == [403, 403]
