"""Statements that are parsed and planned once a connection."""

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from pictor.kit.database import prepared
from pictor.kit.database.prepared import SqlPart

PLANS = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_statement_is_prepared_at_its_first_run_and_run_again():
    text = "SELECT %s::int + 1, %s::text /* told apart */"

    rows = [prepared.fetch_one(text, [number, "a"]) for number in (1, 2, 3)]

    assert rows == [(2, "a"), (3, "a"), (4, "a")]
    with connection.cursor() as cursor:
        cursor.execute(PLANS, ["%/* told apart */%"])
        assert cursor.fetchall() == [(3,)]


def test_a_statement_without_a_row_returns_none():
    assert prepared.fetch_one("SELECT 1 WHERE false", []) is None


def test_errors_are_djangos_and_break_the_transaction():
    twice = "INSERT INTO accounts_configrevision VALUES (7, 7) RETURNING 1"

    with transaction.atomic():
        with (
            pytest.raises(IntegrityError, match="config_revision_is_one_row"),
            transaction.atomic(),
        ):
            prepared.fetch_one(twice, [])
        assert prepared.fetch_one("SELECT 1", []) == (1,)
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            prepared.fetch_one("SELECT 1", [])


def counted() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM accounts_configrevision")
        return int(cursor.fetchone()[0])


RAISED = "UPDATE accounts_configrevision SET revision = revision + 1 WHERE %s RETURNING 1"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_part_writes_only_if_the_one_it_reads_from_has_a_row(is_there):
    before = counted()

    row = prepared.fetch_one(
        *prepared.joined_part(
            answer=SqlPart("SELECT number + %s FROM first", [1]),
            first=SqlPart("SELECT %s::int AS number WHERE %s", [1, is_there]),
            second=SqlPart(RAISED.replace("WHERE", "FROM first WHERE"), [True]),
        )
    )

    assert row == ((2,) if is_there else None)
    assert counted() == before + is_there


def test_a_failing_part_undoes_the_others():
    before = counted()
    fails = SqlPart("SELECT 1 / (number - 1) FROM first", [])

    with pytest.raises(DataError):
        prepared.fetch_one(
            *prepared.joined_part(
                answer=fails,
                first=SqlPart("SELECT %s::int AS number", [1]),
                raised=SqlPart(RAISED, [True]),
            )
        )

    assert counted() == before
