"""Was this made here: by the delivered file, by its digest, by its Content Credentials."""

import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from typing import Any

import httpx
import psycopg
import pytest

from tests.customers.customer import Customer, by_test_key
from tests.stack.running import MakeCustomer
from tests.stack.stack_processes import until

PATH = "/v1/images/provenance"
NOT_FOUND = {"object": "image.provenance", "made_here": False, "as_delivered": False}
HEX = sha256(b"a file").hexdigest()


def asked(customer: Customer, file: bytes) -> Any:
    return customer.client.post(PATH, files={"file": file}).json()


def filled(customer: Customer, database: "psycopg.Connection[Any]") -> None:
    """Have the short-work worker enter the customer's only image now, not within a minute."""
    env = customer.stack.env
    broker = env.get("CELERY_BROKER_URL") or env["REDIS_URL"]
    task = ("call", "generation.tasks.fill_origins", "--queue", "short")
    subprocess.run([sys.executable, "-m", "celery", "-b", broker, *task], check=True)  # noqa: S603 - our own command line
    entered = """
        SELECT 1 FROM storage_imageorigin AS o JOIN accounts_tenant AS t ON t.id = o.tenant_id
         WHERE t.name = %s
    """
    until(lambda: database.execute(entered, [customer.name]).fetchone() is not None)


def test_a_delivered_file_is_found_and_another_tenants_is_not(
    customer: Customer,
    make_customer: MakeCustomer,
    database: "psycopg.Connection[Any]",
) -> None:
    with (
        closing(by_test_key(customer)) as tester,
        closing(by_test_key(make_customer())) as stranger,
    ):
        made = tester.generate("a fox [sandbox: signed]", response_format="url").json()
        (one,) = made["data"]
        file = httpx.get(one["url"], trust_env=False).content
        generation = made["metadata"]["generation_id"]
        filled(customer, database)
        changed = file[:-20] + bytes([file[-20] ^ 1]) + file[-19:]

        by_file, by_label = asked(tester, file), asked(tester, changed)
        digest = sha256(file).hexdigest()
        by_digest = tester.client.post(PATH, json={"sha256": digest.upper()}).json()
        by_form = tester.client.post(PATH, files={"sha256": (None, digest)}).json()
        others = [asked(stranger, file), asked(customer, file), asked(tester, b"no image")]
        kept = tester.client.get(f"/v1/images/generations/{generation}").json()
        tester.client.delete(f"/v1/images/generations/{generation}").raise_for_status()
        deleted = [asked(tester, file), asked(tester, changed)]

    assert by_file == {
        "object": "image.provenance",
        "made_here": True,
        "as_delivered": True,
        "generation_id": generation,
        "index": 0,
        "model": "gpt-image-2-origin",
        "created": kept["created"],
    }
    assert [by_digest, by_form] == [by_file] * 2
    assert by_label == {**by_file, "as_delivered": False}
    assert others == [NOT_FOUND] * 3
    assert deleted == [NOT_FOUND] * 2


@pytest.mark.refused
@pytest.mark.parametrize(
    ("sent", "status", "code", "param"),
    [
        ({"json": {}}, 400, "missing_required_parameter", "sha256"),
        ({"json": {"sha256": "abc"}}, 400, "invalid_value", "sha256"),
        ({"json": {"sha256": HEX[1:] + "g"}}, 400, "invalid_value", "sha256"),
        ({"json": {"sha256": 7}}, 400, "invalid_type", "sha256"),
        ({"json": {"file": "x"}}, 400, "unknown_parameter", "file"),
        ({"files": {"sha256": (None, "")}}, 400, "missing_required_parameter", "file"),
        (
            {"files": {"file": b"x", "sha256": (None, HEX)}},
            400, "invalid_value", "sha256",
        ),
        ({"files": {"image": b"x"}}, 400, "unknown_parameter", "image"),
        ({"files": {"file": bytes(50 * 1024**2 + 1)}}, 413, "request_too_large", "file"),
        ({"files": {"file": bytes(51 * 1024**2)}}, 413, "request_too_large", None),
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused(
    customer: Customer, sent: Any, status: int, code: str, param: str | None
) -> None:
    answer = customer.client.post(PATH, **sent)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)


def test_a_key_needs_the_scope_of_reads(customer: Customer) -> None:
    with closing(by_test_key(customer, scopes=["images:write"])) as writer:
        answer = writer.client.post(PATH, json={"sha256": HEX})

    assert answer.status_code == 403
    assert "images:read" in answer.json()["error"]["message"]
