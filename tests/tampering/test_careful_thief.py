# ruff: noqa: S608 - the names of tables come from the database
"""Every table x update, delete and insert by its owner, with all of our guards off."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from billing.selectors.office import walk
from generation.oversight.ledger import rounds
from tests.making.factories import PayingCustomer
from tests.tampering.changes import (
    adding_to,
    change,
    columns,
    findings,
    findings_by_ranges,
    run,
    shows,
)
from tests.tampering.decisions import ADDS_NOTHING, FOUND, NOT_MONEY, REBUILT

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("careful_thief"),
]


@pytest.fixture(scope="module")
def careful_thief(written: PayingCustomer, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The owner, with every trigger and foreign key of ours out of the way."""
    with django_db_blocker.unblock(), transaction.atomic():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET LOCAL session_replication_role = replica")
        for table in sorted(FOUND.keys() | NOT_MONEY):
            run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        assert list(findings()) == list(findings_by_ranges()) == []
        with django_db_blocker.block():
            yield
        transaction.set_rollback(True)


@pytest.fixture(params=["at once", "by ranges"])
def proof(request, monkeypatch):
    """A proof of the whole: its findings, one after the other."""
    if request.param == "at once":
        return findings
    monkeypatch.setattr(walk, "TRANSFERS_AT_ONCE", 3)
    monkeypatch.setattr(rounds, "ROWS_AT_ONCE", 1)
    return findings_by_ranges


@pytest.mark.parametrize("table", sorted(FOUND))
def test_no_column_can_be_changed_unseen_by_the_owner(proof, table):
    unseen = {
        column
        for column, kind in columns(table)
        if not shows(f"UPDATE {table} SET {change(column, kind)}", proof)
    }

    assert unseen - FOUND[table] == set()


@pytest.mark.parametrize("table", sorted(FOUND.keys() - REBUILT))
def test_no_row_can_be_deleted_unseen_by_the_owner(proof, table):
    assert shows(f"DELETE FROM {table}", proof)


@pytest.mark.parametrize("table", sorted(FOUND.keys() - ADDS_NOTHING))
def test_no_row_can_be_added_unseen_by_the_owner(proof, table):
    assert shows(adding_to(table), proof)
