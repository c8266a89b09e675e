"""What a request carried is found nowhere but where it belongs."""

from typing import Any

import psycopg
import pytest
import redis

from tests.customer import Customer
from tests.processes import command_lines
from tests.servers import Stack

PROMPT = "a zebrafinch wearing galoshes"
TAG = "person-quagmire-77"

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_HOLDING = 'SELECT count(*) FROM public."{table}" AS row WHERE row::text LIKE %s'


@pytest.fixture
def used(customer: Customer) -> Customer:
    """After an image, a refusal and two failures, each with a prompt and a tag."""
    said: Any = {"quality": "low", "user": TAG}
    assert customer.generate(PROMPT, **said).status_code == 200
    assert customer.generate(PROMPT, size="7x7", **said).status_code == 400
    for fault in ("fail=500", "corrupt"):
        assert customer.generate(f"{PROMPT} [sandbox: {fault}]", **said).status_code == 502
    return customer


def test_no_log_holds_a_prompt_a_tag_or_a_key(used: Customer, stack: Stack) -> None:
    for path in (stack.run_dir / "log").iterdir():
        logged = path.read_text(encoding="utf-8", errors="replace")
        for secret in (PROMPT, TAG, used.api_key, *secrets_of(stack)):
            assert secret not in logged, (path.name, secret[:6])


def test_no_row_holds_a_key_or_a_secret(
    used: Customer, stack: Stack, database: "psycopg.Connection[Any]"
) -> None:
    tables = [table for (table,) in database.execute(_TABLES).fetchall()]

    assert "accounts_apikey" in tables
    for table in tables:
        for secret in (used.api_key, *secrets_of(stack)):
            sql: Any = _HOLDING.format(table=table)
            assert database.execute(sql, [f"%{secret}%"]).fetchone() == (0,), table


def test_the_broker_and_the_command_lines_hold_nothing_of_it(used: Customer, stack: Stack) -> None:
    client: Any = redis.Redis.from_url(stack.env["REDIS_URL"])
    held = b"".join(client.dump(key) or b"" for key in client.scan_iter())
    words = command_lines(stack)

    for secret in (PROMPT, TAG, used.api_key):
        assert secret.encode() not in held
        assert secret not in words


def secrets_of(stack: Stack) -> list[str]:
    """What the processes sign, encrypt and sign in with."""
    ours = ("KEY_PEPPER", "OBJECT_KEY_SECRET", "LEDGER_KEY", "ENCRYPTION_KEYS")
    names = ("SECRET_KEY", "S3_SECRET_ACCESS_KEY", *(f"PICTOR_{name}" for name in ours))
    return [stack.env[name] for name in names]
