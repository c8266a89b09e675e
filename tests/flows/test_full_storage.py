"""A tenant at its storage limit makes no more images, and everything else goes on."""

from contextlib import closing
from typing import Any

import psycopg

from tests.customers.customer import GENERATIONS, Customer, by_test_key
from tests.customers.edits import edit, vary

FULL = "UPDATE accounts_tenant SET storage_full_at = now() WHERE name = %s"
NOT_FULL = "UPDATE accounts_tenant SET storage_full_at = NULL WHERE name = %s"
MESSAGE = (
    "The image storage of this workspace is full. Delete some images, or keep them for fewer days:"
    " storage is counted every hour. Nothing was made or charged."
)


def test_only_what_makes_images_is_refused_while_storage_is_full(
    customer: Customer, database: "psycopg.Connection[Any]"
) -> None:
    once = {"Idempotency-Key": "made-before"}
    first = customer.generate(quality="low", headers=once)
    made = f"{GENERATIONS}/{first.headers['x-pictor-generation-id']}"
    before = customer.balance()
    database.execute(FULL, [customer.name])
    with closing(by_test_key(customer)) as tester:
        refused = [
            customer.generate(quality="low"),
            edit(customer),
            vary(customer, model="dall-e-2"),
            tester.generate(quality="low"),
        ]
    again = customer.generate(quality="low", headers=once)
    others = [
        customer.client.get(made),
        customer.client.get(GENERATIONS),
        customer.client.post("/v1/images/quote", json={"model": "gpt-image-2", "prompt": "a fox"}),
        customer.client.delete(made),
    ]
    after = customer.balance()
    database.execute(NOT_FULL, [customer.name])

    assert [answer.status_code for answer in refused] == [429] * 4
    assert [answer.headers["x-should-retry"] for answer in refused] == ["false"] * 4
    assert {answer.json()["error"]["code"] for answer in refused} == {"insufficient_quota"}
    assert {answer.json()["error"]["message"] for answer in refused} == {MESSAGE}
    assert [answer.status_code for answer in (first, again, *others)] == [200] * 6
    assert again.headers["idempotent-replayed"] == "true"
    assert before == after
    assert customer.generate(quality="low").status_code == 200
