"""Every operation of the OpenAPI document, tried by schemathesis with its schema.

Valid and invalid requests, the edges of every field first, the same ones on every run. No answer
may be a 5xx or have an undocumented status, header or body, and nothing valid is refused. The
images' operations are tried with a balance that pays for none, so they end at the hold.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.customers.customer import Customer
from tests.stack.running import MakeCustomer

HERE = Path(__file__).parents[1] / "contracts"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "accepts_what_is_valid",
)


def ids_there(customer: Customer) -> dict[str, dict[str, str]]:
    """Ids of existing objects, by the beginning of the path."""
    client = customer.client
    generation = customer.generate(quality="low").headers["x-pictor-generation-id"]
    key = client.post("/v1/api_keys", json={}).json()["id"]
    endpoint = client.post("/v1/webhook_endpoints", json={"url": hook_of(customer)}).json()["id"]
    delivery = client.post(f"/v1/webhook_endpoints/{endpoint}/test").json()["id"]
    return {
        "/v1/images": {"public_id": generation},
        "/v1/models": {"model": "gpt-image-2"},
        "/v1/api_keys": {"public_id": key},
        "/v1/webhook_endpoints": {"public_id": endpoint, "delivery_id": delivery},
    }


def hook_of(customer: Customer) -> str:
    """A url that webhooks may use here, without a server behind it."""
    return f"{customer.stack.nobody}/hook"


def test_every_operation_keeps_its_word(make_customer: MakeCustomer, tmp_path: Path) -> None:
    customer = make_customer("0.006000")
    command = [
        *(str(Path(sys.executable).with_name("st")), "--no-color"),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{customer.stack.base_url}/openapi.json", "--checks", ",".join(CHECKS)),
        *("--continue-on-failure", "--suppress-health-check", "all"),
    ]
    told = {
        "PICTOR_FUZZ_HOOKS": str(HERE / "schemathesis_hooks.py"),
        "PICTOR_FUZZ_IDS": json.dumps(ids_there(customer)),
        "PICTOR_FUZZ_KEY": customer.api_key,
        "PICTOR_FUZZ_KEY_ID": customer.key_id,
        "PICTOR_FUZZ_URL": hook_of(customer),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }

    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        cwd=tmp_path,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    every = len(customer.document.operations)
    assert re.search(rf"Tested: {every}$", done.stdout, re.MULTILINE), done.stdout[-2000:]
    assert customer.balance()[1] == 0
