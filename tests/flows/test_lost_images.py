"""base64 answers when storage has lost the image or does not answer."""

import os
import signal
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.customers.customer import Customer
from tests.stack.servers import Stack


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": "the-same"}


def test_a_replay_after_the_stored_object_was_deleted_is_a_clean_404(
    customer: Customer, stack: Stack, database: Any, key: dict[str, str]
) -> None:
    first = customer.generate(response_format="b64_json", quality="low", headers=key)
    for object_key in object_keys(database, customer):
        s3(stack).delete_object(Bucket=stack.env["S3_BUCKET"], Key=object_key)

    second = customer.generate(response_format="b64_json", quality="low", headers=key)

    assert first.status_code == 200, first.text
    assert second.status_code == 404, second.text
    assert second.json()["error"]["code"] == "not_found"
    assert len(customer.captures()) == 1


def test_a_replay_while_storage_hangs_is_an_error_with_an_end(
    customer: Customer, stack: Stack, key: dict[str, str]
) -> None:
    first = customer.generate(response_format="b64_json", quality="low", headers=key)
    (pid,) = stack.pids()["s3"]
    began = time.monotonic()

    os.kill(pid, signal.SIGSTOP)
    try:
        second = customer.generate(response_format="b64_json", quality="low", headers=key)
        seconds = time.monotonic() - began
    finally:
        os.kill(pid, signal.SIGCONT)
    third = customer.generate(response_format="b64_json", quality="low", headers=key)

    assert seconds < 60
    assert second.status_code == 503, second.text
    assert second.headers["x-should-retry"] == "false"
    assert f"/generations/{first.headers['x-pictor-generation-id']}" in second.text
    assert (third.status_code, third.content) == (200, first.content)
    assert len(customer.captures()) == 1


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_image_among_several_is_a_clean_404_too(
    customer: Customer, stack: Stack, database: Any, key: dict[str, str], missing: int
) -> None:
    first = customer.generate(response_format="b64_json", quality="low", n=2, headers=key)
    gone = sorted(object_keys(database, customer))[missing]
    s3(stack).delete_object(Bucket=stack.env["S3_BUCKET"], Key=gone)

    second = customer.generate(response_format="b64_json", quality="low", n=2, headers=key)

    assert len(first.json()["data"]) == 2
    assert (second.status_code, second.json()["error"]["code"]) == (404, "not_found")


def object_keys(database: Any, customer: Customer) -> list[str]:
    rows = database.execute(
        "SELECT i.object_key FROM storage_storedimage AS i"
        " JOIN accounts_tenant AS t ON t.id = i.tenant_id WHERE t.name = %s",
        [customer.name],
    ).fetchall()
    return [object_key for (object_key,) in rows]


def s3(stack: Stack) -> Any:
    """A client of the stack's own bucket, with an operator's keys."""
    return boto3.client(
        "s3",
        endpoint_url=stack.env["S3_ENDPOINT_URL"],
        aws_access_key_id=stack.env["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=stack.env["S3_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}),
    )
