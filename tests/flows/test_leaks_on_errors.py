"""A prompt is in no log, whatever error the database reports for its statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from tests.customers.customer import GENERATIONS, Customer
from tests.stack.servers import Stack

PROMPT = "a hoopoe\nasleep in a samovar"
WORDS = ("hoopoe", "samovar")

_TABLE = "generation_generation"
_RULE = "no_such_bird"


@pytest.fixture
def owner(stack: Stack) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of the account that may lock and change tables."""
    url = stack.env["MIGRATION_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@contextmanager
def forbidden(owner: "psycopg.Connection[Any]") -> Iterator[None]:
    """Forbid rows with the prompt."""
    owner.execute(
        f"ALTER TABLE {_TABLE} ADD CONSTRAINT {_RULE} CHECK (prompt NOT LIKE '%hoopoe%') NOT VALID"
    )
    try:
        yield
    finally:
        owner.execute(f"ALTER TABLE {_TABLE} DROP CONSTRAINT {_RULE}")


def post(customer: Customer) -> httpx.Response:
    """Post without the customer's client, which rejects an undocumented 500."""
    return httpx.post(
        f"{customer.stack.base_url}{GENERATIONS}",
        json={"model": "gpt-image-2-origin", "prompt": PROMPT},
        headers={"Authorization": f"Bearer {customer.api_key}"},
        timeout=60,
        trust_env=False,
    )


def test_a_lock_time_out_and_a_refused_row_leave_no_prompt_in_any_log(
    customer: Customer, stack: Stack, owner: "psycopg.Connection[Any]"
) -> None:
    lines = stack.log("postgres").count("\n")

    with owner.transaction():
        owner.execute(f"LOCK TABLE {_TABLE} IN SHARE MODE")
        late = post(customer)
    with forbidden(owner):
        refused = post(customer)

    assert (late.status_code, refused.status_code) == (503, 500)
    said = "".join(stack.log("postgres").splitlines(keepends=True)[lines:])
    assert "canceling statement due to lock timeout" in said
    assert _RULE in said
    assert _RULE in stack.log("web")
    logged = {
        path.name: path.read_text(encoding="utf-8", errors="replace")
        for path in (stack.run_dir / "log").iterdir()
    }
    assert [name for name, text in logged.items() for word in WORDS if word in text] == []
