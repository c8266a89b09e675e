"""Books from before reversals and corrections: their heads and seals still verify."""

import json
import lzma
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.customers.customer import Operator
from tests.stack.databases import another_database
from tests.stack.servers import ROOT
from tests.upgrades.dumps import environment_of, restore

pytestmark = pytest.mark.thorough

LEDGER = ROOT / "tests/upgrades/ledger_of_2026_11_26.sql.xz"
"""Two tenants of e2c6d26, with every kind of transfer that it had and checkpoints of both proofs.

Its ledger key is that of dumps.py. pg_dump wrote the file.
"""
HEAD = LEDGER.with_name("ledger_of_2026_11_26.head.json")
"""Signed heads that the commit wrote of it."""


@pytest.fixture(scope="module")
def migrated(django_db_setup: None) -> Iterator[dict[str, Any]]:
    """The older database, brought up to date."""
    with another_database("older") as made:
        restore(made, lzma.decompress(LEDGER.read_bytes()))
        with closing(Operator(environment_of(made))) as manage:
            manage("migrate", "-v0")
        yield made


@pytest.fixture
def books(migrated: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A copy of it, which a test may change."""
    with another_database("books", like=migrated) as made:
        yield made


@pytest.fixture
def manage(books: dict[str, Any]) -> Iterator[Operator]:
    """Commands on those books."""
    with closing(Operator(environment_of(books))) as manage:
        yield manage


def proved(manage: Operator, *, head: Path = HEAD) -> dict[str, Any]:
    """The totals, after every proof has found nothing."""
    manage("ledger_check", "--since-checkpoint")
    manage("ledger_check", "--whole")
    manage("ledger_check", "--head", str(head))
    totals: dict[str, Any] = json.loads(manage("ledger_check", "--json"))["totals"]
    return totals


def test_older_heads_and_seals_verify_before_and_after_a_reversal(manage):
    before = proved(manage)

    manage(
        *("do", "tenant.reversal", "acme", "--seq=2", "--amount=10.89564", "--note=typo", "--yes")
    )
    after = proved(manage)

    assert (before["top_ups"], before["credits"]) == ("1000019.000000", "-999997.000000")
    assert (before["transfers"], after["transfers"]) == (18, 19)
    assert (after["top_ups"], after["credits"]) == ("1000008.104360", "-999997.000000")


@pytest.mark.parametrize(
    "change", ["reverses_seq = 1 WHERE seq = 4", "corrects_id = attempt_id WHERE kind = 'loss'"]
)
def test_a_row_of_then_cannot_be_given_a_link(books, manage, change):
    with psycopg.connect(**books) as owner:
        owner.execute("ALTER TABLE billing_transfer DISABLE TRIGGER append_only")
        owner.execute(f"UPDATE billing_transfer SET {change}")  # noqa: S608 - our own words
        owner.execute("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")

    with pytest.raises(AssertionError, match="was written or changed without the key"):
        manage("ledger_check", "--head", str(HEAD))
    with pytest.raises(AssertionError, match="was written or changed without the key"):
        manage("ledger_check", "--whole")
