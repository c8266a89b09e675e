"""Cancel what was not sent yet; delete what was made."""

import os
import signal

import httpx

from tests.customer import Customer
from tests.servers import Stack

LATER = {"Prefer": "respond-async"}


def test_what_no_worker_has_taken_is_canceled_and_its_hold_released(
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


def test_what_was_made_can_be_deleted_and_stays_paid(customer: Customer) -> None:
    made = customer.generate("a fox", quality="low").json()
    path = f"/v1/images/generations/{made['metadata']['generation_id']}"

    canceled = customer.client.post(f"{path}/cancel")
    deleted = customer.client.delete(path)

    assert canceled.status_code == 409
    assert deleted.json()["deleted"] is True
    assert httpx.get(made["data"][0]["url"], trust_env=False).status_code == 404
    assert customer.client.get(path).json()["result"] is None
    assert customer.captures() == [5_880]
