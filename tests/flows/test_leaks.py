"""The contents of a request are found only where they belong."""

import base64
import contextlib
import re
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
import redis

from pictor.kit.words.ids import new_uuid
from tests.customers.customer import Customer
from tests.stack.servers import Stack
from tests.stack.stack_processes import command_lines

PROMPT = "a zebrafinch wearing galoshes"
TAG = "person-quagmire-77"

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_HOLDING = 'SELECT count(*) FROM public."{table}" AS row WHERE row::text LIKE %s'
_ROWS = 'SELECT row::text FROM public."{table}" AS row'


@pytest.fixture
def used(customer: Customer) -> Customer:
    """A customer after an image, a refusal and two failures, each with a prompt and a tag."""
    said: Any = {"quality": "low", "user": TAG}
    assert customer.generate(PROMPT, **said).status_code == 200
    assert customer.generate(PROMPT, size="7x7", **said).status_code == 400
    for fault in ("fail=500", "corrupt"):
        assert customer.generate(f"{PROMPT} [sandbox: {fault}]", **said).status_code == 502
    return customer


@pytest.fixture
def begun(stack: Stack) -> Iterator[tuple[str, str]]:
    """A sign-up awaiting its code: the session key of the cookie, and the mailed code."""
    email = f"{new_uuid().hex}@example.com"
    with httpx.Client(base_url=stack.base_url, trust_env=False) as browser:
        browser.get("/accounts/signup/")
        form = {"email": email, "password1": "correct-horse-battery", "terms": "on"}
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("/accounts/signup/", data={**form, **token}).status_code == 302
        page = browser.get("/mailbox/").text
        (code,) = re.findall(r"Your code: (\S+)</h2>.*?To " + email, page, re.DOTALL)[-1:]
        yield browser.cookies["sessionid"], code


def test_no_log_holds_a_prompt_a_tag_or_a_key(used: Customer, stack: Stack) -> None:
    logged = {
        path.name: path.read_text(encoding="utf-8", errors="replace")
        for path in (stack.run_dir / "log").iterdir()
    }
    secrets = (PROMPT, TAG, used.api_key, *secrets_of(stack))

    assert logged
    assert [
        (name, secret[:6]) for name, text in logged.items() for secret in secrets if secret in text
    ] == []


def test_no_row_holds_a_key_or_a_secret(
    used: Customer, stack: Stack, database: "psycopg.Connection[Any]"
) -> None:
    tables = [table for (table,) in database.execute(_TABLES).fetchall()]

    def rows_with(secret: str, table: str) -> tuple[int] | None:
        sql: Any = _HOLDING.format(table=table)
        return database.execute(sql, [f"%{secret}%"]).fetchone()

    secrets = (used.api_key, *secrets_of(stack))
    holding = [table for table in tables for secret in secrets if rows_with(secret, table) != (0,)]

    assert "accounts_apikey" in tables
    assert holding == []


def test_no_row_holds_what_lets_somebody_in(
    begun: tuple[str, str], database: "psycopg.Connection[Any]"
) -> None:
    tables = [table for (table,) in database.execute(_TABLES).fetchall()]

    def rows_of(table: str) -> list[str]:
        sql: Any = _ROWS.format(table=table)
        return [unpacked(row) for (row,) in database.execute(sql).fetchall()]

    assert {"django_session", "accounts_mail"} <= {*tables}
    assert [
        table for table in tables for row in rows_of(table) for secret in begun if secret in row
    ] == []


def test_the_broker_and_the_command_lines_hold_nothing_of_it(used: Customer, stack: Stack) -> None:
    client: Any = redis.Redis.from_url(stack.env["REDIS_URL"])
    held = b"".join(client.dump(key) or b"" for key in client.scan_iter())
    words = command_lines(stack)

    secrets = (PROMPT, TAG, used.api_key)
    assert [secret[:6] for secret in secrets if secret.encode() in held or secret in words] == []


def unpacked(row: str) -> str:
    """A row with its base64 and deflate decoded, the form in which Django keeps session data."""
    seen = [row]
    for word in re.findall(r"[\w-]{16,}", row):
        with contextlib.suppress(ValueError, zlib.error):
            seen.append(zlib.decompress(base64.urlsafe_b64decode(word + "==")).decode())
    return "\n".join(seen)


def secrets_of(stack: Stack) -> list[str]:
    """Secrets with which the processes sign, encrypt and sign in."""
    ours = ("KEY_PEPPER", "OBJECT_KEY_SECRET", "LEDGER_KEY", "ENCRYPTION_KEYS")
    names = ("SECRET_KEY", "S3_SECRET_ACCESS_KEY", *(f"PICTOR_{name}" for name in ours))
    return [stack.env[name] for name in names]
