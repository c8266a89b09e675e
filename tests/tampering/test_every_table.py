# ruff: noqa: S608 - the names of tables and columns come from the models and the catalogue
"""Every table x insert, update and delete, by the processes' role; the owner has its own file.

The tables come from the database: a new one fails here until `decisions.py` has an entry for it.
"""

import pytest
from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction

from generation.oversight.ledger.findings import generation_findings
from pictor.kit.database.roles import append_only, grants_to
from tests.stack.servers import ROOT
from tests.tampering.changes import adding_to, change, columns, run, shows, undone
from tests.tampering.decisions import ADDS_NOTHING, FOUND, NOT_MONEY, REBUILT

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(180)]


@pytest.fixture
def processes(books):
    """The role that the web process and the workers have."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("CREATE ROLE tampering_processes")
    with connection.cursor() as cursor:
        cursor.execute(grants_to("tampering_processes"))
    run("SET LOCAL ROLE tampering_processes")


def test_every_table_is_decided():
    assert set(connection.introspection.table_names()) == FOUND.keys() | NOT_MONEY
    assert not FOUND.keys() & NOT_MONEY
    without_a_charge = {"generation_costtable"}
    assert set(append_only()) - FOUND.keys() == without_a_charge


@pytest.mark.parametrize("table", sorted(NOT_MONEY))
def test_every_table_outside_the_proof_is_documented(table):
    assert f"`{table}`" in (ROOT / "docs/pricing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", sorted(FOUND.keys() - ADDS_NOTHING))
def test_no_row_can_be_added_unseen_by_the_processes(processes, table):
    assert shows(adding_to(table))


@pytest.mark.parametrize("table", sorted(FOUND.keys() - REBUILT - set(append_only())))
def test_no_row_can_be_deleted_unseen_by_the_processes(processes, table):
    assert shows(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", sorted(append_only()))
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_processes_cannot_rewrite(processes, table, verb):
    column = columns(table)[0][0] if "SET" in verb else ""

    with pytest.raises(Error, match="permission denied for table"), transaction.atomic():
        run(verb.format(table, column, column))


@pytest.mark.parametrize("statement", ["ALTER TABLE {} DISABLE TRIGGER ALL", "DROP TABLE {}"])
@pytest.mark.parametrize("table", sorted(FOUND))
def test_the_processes_cannot_change_the_rules(processes, table, statement):
    with pytest.raises(Error, match="must be owner of table"), transaction.atomic():
        run(statement.format(table))


@pytest.mark.parametrize("table", sorted(FOUND.keys() - set(append_only())))
def test_every_column_that_processes_may_change_is_proved(processes, table):
    unseen = {
        column
        for column, kind in columns(table)
        if not shows(f"UPDATE {table} SET {change(column, kind)}")
    }

    assert unseen - FOUND[table] == set()


def test_the_running_processes_have_that_role(stack):
    user = stack.env["DATABASE_URL"].partition("://")[2].partition(":")[0]

    assert user == "pictor_processes"
    assert "MIGRATION_DATABASE_URL" in stack.env  # for the operator's commands
    assert settings.PROCESSES_DATABASE["USER"] == "pictor"  # tests own their database


def test_an_order_with_another_tenants_key_is_found(books):
    with undone():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("ALTER TABLE accounts_apikey DISABLE TRIGGER USER")
        run(
            "UPDATE accounts_apikey SET tenant_id ="
            " (SELECT id FROM accounts_tenant WHERE name = 'other')"
        )
        problems = {finding.check for finding in generation_findings()}

    assert "key of another tenant" in problems


def test_an_order_priced_by_a_withdrawn_book_is_found(books):
    with undone():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("ALTER TABLE billing_pricebookwithdrawal DISABLE TRIGGER USER")
        run("INSERT INTO billing_pricebookwithdrawal SELECT min(id), now() FROM billing_pricebook")
        problems = [finding.check for finding in generation_findings()]

    assert problems == ["withdrawn prices"] * 3


@pytest.mark.parametrize("column", ["tenant_id", "is_test"])
def test_a_key_stays_what_it_is(books, processes, column):
    value = "gen_random_uuid()" if column == "tenant_id" else "NOT is_test"

    with pytest.raises(IntegrityError, match="a key stays"), transaction.atomic():
        run(f"UPDATE accounts_apikey SET {column} = {value}")
