"""Statements that are parsed and planned once a connection."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from pictor.kit import prepared

PLANS = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_statement_is_prepared_at_its_first_run_and_run_again():
    text = "SELECT %(number)s::int + 1, %(word)s::text /* told apart */"

    rows = [prepared.fetch_one(text, {"number": number, "word": "a"}) for number in (1, 2, 3)]

    assert rows == [(2, "a"), (3, "a"), (4, "a")]
    with connection.cursor() as cursor:
        cursor.execute(PLANS, ["%/* told apart */%"])
        assert cursor.fetchall() == [(3,)]


def test_no_row_is_none():
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
