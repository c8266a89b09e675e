# ruff: noqa: S608 - the names of tables and columns come from the models and the catalogue
"""Every table x insert, update and delete, by the processes' role and by the owner.

The tables come from the database: a new one fails here until `decisions.py` says what holds for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction

from billing.selectors import Checkpoints, Finding, ledger_findings, usage_findings, walk
from generation.audit import rounds
from generation.audit.findings import generation_findings
from generation.audit.rounds import Round
from pictor.kit import clock
from pictor.kit.database_roles import append_only, grants_to
from tests.servers import ROOT
from tests.tampering.decisions import FOUND, NOT_MONEY, REBUILT

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(180)]

ANOTHER_VALUE = {
    "int2": "{} + 1",
    "int4": "{} + 1",
    "int8": "{} + 1",
    "numeric": "{} + 1",
    "bool": "NOT {}",
    "varchar": "left('x' || {}, 1 + length({}) / 2)",
    "text": "{} || 'x'",
    "uuid": "gen_random_uuid()",
    "timestamptz": "{} + interval '40 days'",
    "date": "{} + 40",
    "jsonb": "'{{\"changed\": 1}}'::jsonb",
    "bytea": "'\\x00'::bytea",
    "inet": "'10.9.8.7'::inet",
    "_varchar": "array_append({}, 'x')",
}
WHERE_NULL = {
    "int8": "1",
    "int2": "1",
    "uuid": "gen_random_uuid()",
    "timestamptz": "now()",
    "inet": "'10.9.8.7'::inet",
    "bytea": "'\\x00'::bytea",
    "jsonb": "'{\"changed\": 1}'::jsonb",
    "varchar": "'x'",
}


def run(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)


def columns(table: str) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, udt_name FROM information_schema.columns"
            " WHERE table_name = %s AND table_schema = current_schema() ORDER BY ordinal_position",
            [table],
        )
        return list(cursor.fetchall())


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside never happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(params=["at once", "by ranges"])
def proof(request, monkeypatch):
    """A proof of the whole: its findings, one after the other."""
    if request.param == "at once":
        return findings
    monkeypatch.setattr(walk, "AT_ONCE", 3)
    monkeypatch.setattr(rounds, "AT_ONCE", 1)
    return findings_by_ranges


def findings() -> Iterator[Finding]:
    yield from ledger_findings()
    yield from usage_findings()
    yield from generation_findings()


def findings_by_ranges() -> Iterator[Finding]:
    for prove in Round(Checkpoints(), now=clock.now()).steps():
        yield from (finding for finding in prove() if finding.check != "protection")


def shows(statement: str, proof: Callable[[], Iterator[Finding]] = findings) -> bool:
    """Whether the database refuses it, or the proof finds it."""
    try:
        with undone():
            assert run(statement) > 0, "the books have no such row"
            return any(proof())
    except IntegrityError:
        return True
    except Error as error:
        if "permission denied" not in str(error):
            raise
        return True


def change(column: str, kind: str) -> str:
    changed = ANOTHER_VALUE[kind].format(f'"{column}"', f'"{column}"')
    absent = WHERE_NULL.get(kind, changed)
    return f'"{column}" = CASE WHEN "{column}" IS NULL THEN {absent} ELSE {changed} END'


@pytest.fixture
def careful_thief(books):
    """The owner, with every trigger and foreign key of ours out of the way."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET LOCAL session_replication_role = replica")
    for table in sorted(FOUND.keys() | NOT_MONEY):
        run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    assert list(findings()) == list(findings_by_ranges()) == []


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
def test_what_is_not_looked_for_is_documented(table):
    assert f"`{table}`" in (ROOT / "docs/pricing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", sorted(FOUND))
def test_no_column_can_be_changed_unseen_by_the_owner(careful_thief, proof, table):
    unseen = {
        column
        for column, kind in columns(table)
        if not shows(f"UPDATE {table} SET {change(column, kind)}", proof)
    }

    assert unseen - FOUND[table] == set()


@pytest.mark.parametrize("table", sorted(FOUND.keys() - REBUILT))
def test_no_row_can_be_deleted_unseen_by_the_owner(careful_thief, proof, table):
    assert shows(f"DELETE FROM {table}", proof)


ADDS_NOTHING = frozenset({"billing_account"})
"""An account that no transfer names holds nothing: docs/pricing.md says so."""


@pytest.mark.parametrize("table", sorted(FOUND.keys() - ADDS_NOTHING))
def test_no_row_can_be_added_unseen_by_the_owner(careful_thief, proof, table):
    assert shows(adding_to(table), proof)


@pytest.mark.parametrize("table", sorted(FOUND.keys() - ADDS_NOTHING))
def test_no_row_can_be_added_unseen_by_the_processes(processes, table):
    assert shows(adding_to(table))


@pytest.mark.parametrize("table", sorted(FOUND.keys() - REBUILT - set(append_only())))
def test_no_row_can_be_deleted_unseen_by_the_processes(processes, table):
    assert shows(f"DELETE FROM {table}")


def adding_to(table: str) -> str:
    """A copy of a row under another key."""
    names = [column for column, _ in columns(table)]
    key = "tenant_id" if "id" not in names and "tenant_id" in names else "id"
    kinds = dict(columns(table))
    values = [
        ("gen_random_uuid()" if kinds[name] == "uuid" else f'"{name}" + 1000')
        if name == key
        else f'"{name}"'
        for name in names
    ]
    listed = ", ".join(f'"{name}"' for name in names)

    return f"INSERT INTO {table} ({listed}) SELECT {', '.join(values)} FROM {table} LIMIT 1"


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
def test_what_the_processes_may_change_shows(processes, table):
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


def test_what_was_ordered_with_another_tenants_key_is_found(books):
    with undone():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("ALTER TABLE accounts_apikey DISABLE TRIGGER USER")
        run(
            "UPDATE accounts_apikey SET tenant_id ="
            " (SELECT id FROM accounts_tenant WHERE name = 'other')"
        )
        problems = {finding.check for finding in generation_findings()}

    assert "key of another tenant" in problems


def test_what_was_priced_by_a_withdrawn_book_is_found(books):
    with undone():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("ALTER TABLE billing_pricebookwithdrawal DISABLE TRIGGER USER")
        run("INSERT INTO billing_pricebookwithdrawal SELECT min(id), now() FROM billing_pricebook")
        problems = [finding.check for finding in generation_findings()]

    assert problems == ["withdrawn prices", "withdrawn prices"]


@pytest.mark.parametrize("column", ["tenant_id", "is_test"])
def test_a_key_stays_what_it_is(books, processes, column):
    value = "gen_random_uuid()" if column == "tenant_id" else "NOT is_test"

    with pytest.raises(IntegrityError, match="a key stays"), transaction.atomic():
        run(f"UPDATE accounts_apikey SET {column} = {value}")
