"""A tenant's data: kept for a time, handed out as one file, and erased."""

import base64
import json
import stat
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psycopg
import pytest

from tests.customers.customer import Customer, Operator
from tests.fakes.recorder import Recorder, drawn
from tests.flows.remains import names_of, rows_with
from tests.stack.servers import Stack

pytest_plugins = ("tests.fakes.channel",)
Database = psycopg.Connection[Any]
IMAGE = base64.b64encode(drawn((1024, 1024))).decode()


@pytest.fixture
def secret(customer: Customer) -> str:
    """A word found only where this customer's words are."""
    return f"what-only-{customer.name}-knows"


@pytest.fixture
def used(customer: Customer, upstream: Recorder, secret: str) -> Customer:
    """A tenant with one paid image, its reference image, and one failure."""
    upstream.extra = {"data": [{"b64_json": IMAGE, "revised_prompt": f"revised {secret}"}]}
    once = {"Idempotency-Key": secret}
    made = customer.generate(secret, user=secret, image=IMAGE, headers=once)
    failed = customer.generate(secret, image={"url": f"https://{secret}.example.com/a.png"})
    assert (made.status_code, failed.status_code) == (200, 400), (made.text, failed.text)
    return customer


def test_an_export_has_all_of_a_tenant_s_data_and_no_secret(
    used: Customer, secret: str, operator: Operator, tmp_path: Path
) -> None:
    path = tmp_path / "tenant.zip"

    operator("tenant", "export", used.name, str(path))

    with ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
        assert archive.testzip() is None
    rows = {
        name: [json.loads(line) for line in data.splitlines()]
        for name, data in found.items()
        if name.endswith(".jsonl")
    }
    files = [data for name, data in found.items() if name.startswith("files/")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert rows["tenant.jsonl"][0]["name"] == used.name
    assert [row["prompt"] for row in rows["generations.jsonl"]] == [secret, secret]
    assert rows["generations.jsonl"][0]["fields"]["user"] == secret
    assert rows["images.jsonl"][0]["revised_prompt"] == f"revised {secret}"
    assert [row["kind"] for row in rows["transfers.jsonl"]][:3] == ["top_up", "hold", "capture"]
    assert {"api_keys.jsonl", "members.jsonl", "audit_log.jsonl", "usage.jsonl"} <= rows.keys()
    assert len(files) == 2
    assert all(data.startswith(b"\x89PNG") for data in files)
    assert not any(used.api_key.encode() in data for data in found.values())
    assert not any("digest" in name for row in rows["api_keys.jsonl"] for name in row)


def test_an_export_overwrites_nothing(used: Customer, stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("mine")

    ended = stack.manage("tenant", "export", used.name, str(path))

    assert ended.returncode == 1
    assert "File exists" in ended.stderr
    assert path.read_text() == "mine"


@pytest.mark.usefixtures("sound_ledger")
def test_an_erased_tenant_leaves_its_money_and_nothing_else(
    used: Customer, secret: str, stack: Stack, operator: Operator, database: Database
) -> None:
    balance, charges = used.balance(), used.captures()
    tenant_id = tenant_id_of(database, used.name)
    before = names_of(stack)
    assert rows_with(database, secret)

    operator("tenant", "erase", used.name, "--confirm", used.name)
    again = used.generate("a fox")

    assert again.status_code in {401, 403}
    assert rows_with(database, secret) == []
    assert len(before - names_of(stack)) == 2
    assert tenant_id_of(database, used.name) is None
    assert money_of(database, tenant_id) == (*balance, sum(charges))


def tenant_id_of(database: Database, name: str) -> Any:
    row = database.execute("SELECT id FROM accounts_tenant WHERE name = %s", [name]).fetchone()
    return row and row[0]


def money_of(database: Database, tenant_id: Any) -> tuple[int, int, int]:
    row = database.execute(
        """
        SELECT b.available, b.held, (SELECT SUM(amount)::bigint FROM billing_transfer
                                      WHERE tenant_id = b.tenant_id AND kind = 'capture')
          FROM billing_tenantbalance AS b WHERE b.tenant_id = %s
        """,
        [tenant_id],
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def test_a_tenant_is_erased_only_when_its_name_is_confirmed(used: Customer, stack: Stack) -> None:
    ended = stack.manage("tenant", "erase", used.name, "--confirm", used.name.upper())

    assert ended.returncode == 1
    assert "must be confirmed exactly" in ended.stderr
    assert used.client.get("/v1/models").status_code == 200


def test_the_retention_of_prompts_is_set_and_taken_back(used: Customer, operator: Operator) -> None:
    limits = ("do", "tenant.limits", used.name, "--prompt-retention-days")
    days, always = operator(*limits, "30", "--erases"), operator(*limits, "none")

    assert days.startswith("Days that prompts are kept: 90 → 30\n")
    assert always.startswith("Days that prompts are kept: 30 → always\n")
