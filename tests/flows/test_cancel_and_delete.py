"""Requests not sent yet are canceled, and generations are deleted."""

import base64
import os
import signal
from typing import Any

import httpx
import psycopg

from tests.customers.customer import Customer
from tests.fakes.recorder import Recorder, drawn
from tests.flows.remains import names_beside, rows_with
from tests.stack.servers import Stack

pytest_plugins = ("tests.fakes.channel",)

LATER = {"Prefer": "respond-async"}


def test_a_queued_generation_is_canceled_and_its_hold_released(
    customer: Customer, stack: Stack
) -> None:
    worker = stack.pids()["worker"][0]
    os.kill(worker, signal.SIGSTOP)
    try:
        queued = customer.generate("a fox", headers=LATER)
        canceled = customer.client.post(f"{queued.headers['location']}/cancel")
        again = customer.client.post(f"{queued.headers['location']}/cancel/")
    finally:
        os.kill(worker, signal.SIGCONT)

    assert canceled.status_code == 200
    assert canceled.json()["status"] == "canceled"
    assert canceled.json()["captured"] == "0.000000"
    assert customer.balance() == (10_000_000, 0)
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "not_cancelable"
    assert again.headers["x-should-retry"] == "false"


def test_a_delivered_generation_can_be_deleted_and_stays_paid(customer: Customer) -> None:
    made = customer.generate("a fox", quality="low").json()
    path = f"/v1/images/generations/{made['metadata']['generation_id']}"

    canceled = customer.client.post(f"{path}/cancel")
    deleted = customer.client.delete(path)

    assert canceled.status_code == 409
    assert deleted.json()["deleted"] is True
    assert httpx.get(made["data"][0]["url"], trust_env=False).status_code == 404
    assert customer.client.get(path).json()["result"] is None
    assert customer.client.get(path).json()["status"] == "deleted"
    assert customer.captures() == [5_880]


def test_a_deleted_generation_leaves_nothing_of_what_was_sent(
    customer: Customer, stack: Stack, upstream: Recorder, database: "psycopg.Connection[Any]"
) -> None:
    once = {"Idempotency-Key": "once"}
    secret = "the-secret-of-a-prompt"
    image = base64.b64encode(drawn((1024, 1024))).decode()
    upstream.extra = {"data": [{"b64_json": image, "revised_prompt": f"revised {secret}"}]}
    fields: dict[str, Any] = {"user": secret, "style": secret, "image": [image]}
    made = customer.generate(secret, headers=once, **fields).json()
    generation_id = made["metadata"]["generation_id"]
    before = names_beside(stack, made["data"][0]["url"])

    path = f"/v1/images/generations/{generation_id}"
    deleted = customer.client.delete(path)
    replayed = customer.generate(secret, headers=once, **fields)

    assert deleted.status_code == 200, deleted.text
    assert len(before) == 2
    assert names_beside(stack, made["data"][0]["url"]) == set()
    assert rows_with(database, secret) == []
    assert rows_with(database, image[:40]) == []
    assert digests_of(database, customer) == [(None, b"", "")]
    assert replayed.status_code == 404
    assert replayed.headers["x-pictor-generation-id"] == generation_id
    assert replayed.headers["x-pictor-charge"] == "0.052680"
    assert replayed.headers["idempotent-replayed"] == "true"
    assert customer.client.get(path).json()["status"] == "deleted"
    assert len(upstream.requests) == 1
    assert len(customer.captures()) == 1


def digests_of(database: "psycopg.Connection[Any]", customer: Customer) -> list[Any]:
    """Digests of bodies and images, by which a guess could be confirmed."""
    return database.execute(
        """
        SELECT g.body_digest, r.body_digest, i.sha256 FROM generation_generation AS g
        JOIN generation_idempotencyrecord AS r ON r.generation_id = g.id
        JOIN storage_storedimage AS i ON i.generation_id = g.id
        JOIN accounts_tenant AS t ON t.id = g.tenant_id WHERE t.name = %s
        """,
        [customer.name],
    ).fetchall()
