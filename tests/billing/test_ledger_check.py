"""An attacker with the database's password changes the books: every way is found.

Each case switches triggers and constraints off, does one dishonest thing, and switches the triggers
on again, as a careful thief would.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from billing.models import Transfer
from billing.selectors.office import protection, walk
from billing.selectors.office.ledger import (
    cost_findings,
    hold_findings,
    ledger_findings,
    ledger_totals,
    standing_findings,
    usage_findings,
)
from billing.selectors.office.protection import EXPECTED, RESTORED, protection_findings, protections
from billing.services import Usage, book_upstream_cost, record_usage
from pictor.kit.database.spans import EVERYTHING
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer
from tests.stack.databases import another_database, run_tool

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def both(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[tuple[LedgerCustomer, LedgerCustomer]]:
    """Two tenants, written once for the module and restored for each of its tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = LedgerCustomer("acme", 10_000_000), LedgerCustomer("other", 5_000_000)
        with django_db_blocker.block():
            yield made
        transaction.set_rollback(True)


@pytest.fixture
def acme(both, db):
    return both[0]


@pytest.fixture
def other(both, db):
    return both[1]


@pytest.fixture
def books(acme, other):
    """An honest ledger: settled, released and open holds of two tenants, a cost and a loss."""
    acme.end(acme.hold(1_000_000), 400_000)
    acme.end(acme.hold(500_000), 0)
    acme.hold(700_000)
    other.end(other.hold(300_000), 300_000)
    book_upstream_cost(
        generation_id=new_uuid(), attempt_id=new_uuid(), amount=Micros(90), as_loss=False
    )
    book_upstream_cost(
        generation_id=new_uuid(), attempt_id=new_uuid(), amount=Micros(80), as_loss=True
    )
    return acme


def tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
        cursor.execute(
            "ALTER TABLE billing_transfer"
            " DROP CONSTRAINT one_transfer_per_seq, DROP CONSTRAINT transfer_moves_something;"
            "ALTER TABLE billing_tenantbalance DROP CONSTRAINT balances_are_never_negative;"
            "DROP INDEX one_hold_capture_release, one_cost_per_attempt"
        )
        cursor.execute(sql)
        cursor.execute("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")


def failed_checks() -> set[str]:
    return {finding.check for finding in ledger_findings()}


@pytest.fixture(params=["at once", "by ranges", "since the top-ups"])
def failing(request, acme, other, monkeypatch):
    """The failing checks, and whether the proof reads the opening top-ups again."""
    monkeypatch.setattr(walk, "TRANSFERS_AT_ONCE", 20_000 if request.param == "at once" else 3)
    if request.param != "since the top-ups":
        return failed_checks, True
    proved = walk.Walk()
    assert [finding for prove in proved.steps() for finding in prove()] == []

    def failed() -> set[str]:
        steps = walk.Walk(proved.tenants).steps()
        return {
            finding.check
            for findings in (
                standing_findings(),
                *(prove() for prove in steps),
                hold_findings(EVERYTHING),
                cost_findings(EVERYTHING),
            )
            for finding in findings
        }

    return failed, False


def test_an_honest_ledger_has_no_findings(books):
    assert ledger_findings() == []
    assert ledger_totals() == {
        "transfers": 12,
        "tenants": 2,
        "available": "13.600000",
        "held": "0.700000",
        "platform_revenue": "0.700000",
        "upstream_cost": "0.000090",
        "losses": "0.000080",
        "top_ups": "15.000000",
        "credits": "0.000000",
        "refunding": "0.000000",
        "owed": "0.000000",
    }


FORGED_CREDIT = """
WITH balance AS (
    UPDATE billing_tenantbalance SET available = available + 5, seq = seq + 1 RETURNING *
), moved AS (
    INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq,
                                  available_after, held_after, reason, seal)
    SELECT 'credit', 6, available_account_id, 5, tenant_id, seq, available, held, 'gift', seal
      FROM balance
    RETURNING *
)
INSERT INTO accounts_auditevent (actor_name, tenant_id, action, object_type, object_id, before,
                                 after)
SELECT 'manage.py', tenant_id, 'balance.credit', 'transfer', id,
       jsonb_build_object('available_micros', available_after - 5),
       jsonb_build_object('available_micros', available_after, 'reason', reason)
  FROM moved
"""
BEFORE = {"reason changed", "first row deleted", "tenant swapped"}
"""Changes to top-ups, which a proof that starts after them does not read again."""
NO_LEDGERS = {"counters lowered"}
"""Changes that such a proof leaves to the generations under way."""
COPY_OF = """
INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq, available_after,
                              held_after, generation_id, attempt_id, reason)
SELECT kind, debit_id, credit_id, amount, tenant_id, {seq}, available_after, held_after,
       generation_id, {attempt}, reason FROM billing_transfer WHERE {which}
"""


@pytest.mark.parametrize(
    ("what", "sql", "check"),
    [
        (
            "amount raised",
            "UPDATE billing_transfer SET amount = amount + 1 WHERE kind = 'capture'",
            "running balance",
        ),
        (
            "amount negated",
            "UPDATE billing_transfer SET amount = -amount WHERE kind = 'loss'",
            "amount",
        ),
        (
            "cost lowered",
            "UPDATE billing_transfer SET amount = 1 WHERE kind = 'upstream_cost'",
            "seal",
        ),
        (
            "date moved",
            (
                "UPDATE billing_transfer SET created_at = created_at - interval '1 day' WHERE"
                " kind = 'capture'"
            ),
            "seal",
        ),
        (
            "reason changed",
            "UPDATE billing_transfer SET reason = 'gift' WHERE kind = 'top_up'",
            "seal",
        ),
        (
            "generation swapped",
            (
                "UPDATE billing_transfer SET generation_id ="
                " '01a1f7fc-1247-7731-b6ad-dd7f19068d59' WHERE kind = 'capture'"
            ),
            "hold",
        ),
        (
            "tenant swapped",
            (
                "UPDATE billing_transfer SET tenant_id = (SELECT max(tenant_id::text)::uuid FROM"
                " billing_tenantbalance) WHERE seq = 1"
            ),
            "sequence",
        ),
        (
            "kind changed",
            "UPDATE billing_transfer SET kind = 'release' WHERE kind = 'capture'",
            "accounts of a transfer",
        ),
        (
            "accounts swapped",
            (
                "UPDATE billing_transfer SET debit_id = credit_id, credit_id = debit_id WHERE"
                " kind = 'hold'"
            ),
            "accounts of a transfer",
        ),
        (
            "unknown account",
            "UPDATE billing_transfer SET credit_id = 99 WHERE kind = 'loss'",
            "accounts of a transfer",
        ),
        ("row deleted", "DELETE FROM billing_transfer WHERE kind = 'capture'", "sequence"),
        (
            "last row deleted",
            (
                "DELETE FROM billing_transfer t USING billing_tenantbalance b WHERE b.tenant_id"
                " = t.tenant_id AND b.seq = t.seq"
            ),
            "balance",
        ),
        ("first row deleted", "DELETE FROM billing_transfer WHERE seq = 1", "sequence"),
        ("everything deleted", "DELETE FROM billing_transfer", "balance"),
        (
            "row doubled",
            COPY_OF.format(seq="seq", attempt="attempt_id", which="kind = 'capture'"),
            "sequence",
        ),
        (
            "capture doubled with a number of its own",
            COPY_OF.format(seq="seq + 100", attempt="attempt_id", which="kind = 'capture'"),
            "hold",
        ),
        (
            "top-up invented",
            COPY_OF.format(seq="100", attempt="NULL", which="kind = 'top_up'"),
            "balance",
        ),
        (
            "cost doubled",
            COPY_OF.format(seq="NULL", attempt="attempt_id", which="kind = 'upstream_cost'"),
            "cost booked twice",
        ),
        (
            "numbers exchanged",
            "UPDATE billing_transfer SET seq = 5 - seq WHERE seq IN (2, 3)",
            "running balance",
        ),
        ("number missing", "UPDATE billing_transfer SET seq = seq + 1 WHERE seq > 1", "sequence"),
        ("hold lowered", "UPDATE billing_transfer SET amount = 1 WHERE kind = 'hold'", "hold"),
        (
            "open hold deleted",
            "DELETE FROM billing_transfer h WHERE kind = 'hold' AND amount = 700000",
            "balance",
        ),
        (
            "after-balance changed",
            "UPDATE billing_transfer SET held_after = held_after + 1 WHERE kind = 'hold'",
            "running balance",
        ),
        (
            "available raised",
            "UPDATE billing_tenantbalance SET available = available + 1",
            "balance",
        ),
        ("owed raised", "UPDATE billing_tenantbalance SET owed = owed + 1", "balance"),
        ("held lowered", "UPDATE billing_tenantbalance SET held = 0", "balance"),
        (
            "moved from held to available",
            "UPDATE billing_tenantbalance SET available = available + held, held = 0",
            "balance",
        ),
        ("balance negative", "UPDATE billing_tenantbalance SET available = -1", "negative balance"),
        ("number lowered", "UPDATE billing_tenantbalance SET seq = seq - 1", "balance"),
        (
            "counter raised",
            "UPDATE billing_tenantbalance SET in_flight = in_flight + 1",
            "in flight",
        ),
        (
            "counters lowered",
            (
                "UPDATE billing_tenantbalance SET in_flight = 0;UPDATE billing_keybudget SET"
                " in_flight = 0"
            ),
            "in flight",
        ),
        ("balance deleted", "DELETE FROM billing_tenantbalance", "balance"),
        (
            "tenant's accounts exchanged",
            (
                "UPDATE billing_tenantbalance SET available_account_id = held_account_id,"
                " held_account_id = available_account_id"
            ),
            "accounts of a tenant",
        ),
        (
            "account relabelled",
            (
                "ALTER TABLE billing_account DROP CONSTRAINT one_account_of_a_kind;UPDATE"
                " billing_account SET kind = 'available' WHERE kind = 'held'"
            ),
            "accounts of a tenant",
        ),
    ],
)
def test_tampering_fails_the_check_that_reads_it(failing, books, what, sql, check):
    failed, is_whole = failing
    tamper(sql)

    assert (check in failed()) == (is_whole or what not in BEFORE | NO_LEDGERS), what


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE billing_transfer DISABLE TRIGGER append_only",
        "ALTER TABLE billing_transfer ENABLE TRIGGER append_only",
        "DROP TRIGGER append_only ON billing_transfer",
        "DROP TRIGGER final_once_published ON billing_price",
        "ALTER TABLE billing_tenantbalance DROP CONSTRAINT balances_are_never_negative",
        "DROP INDEX one_cost_per_attempt",
        (
            "CREATE OR REPLACE FUNCTION pictor_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN NULL; END $$"
        ),
        (
            "CREATE TRIGGER more BEFORE INSERT ON billing_transfer FOR EACH ROW"
            " EXECUTE FUNCTION pictor_append_only()"
        ),
    ],
)
def test_missing_protection_is_found(books, sql):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)

    assert {finding.check for finding in protection_findings()} == {"protection"}


@pytest.fixture
def restored() -> Iterator[dict[str, Any]]:
    """Connection parameters of a copy of the database, made as a backup is restored."""
    with another_database("restored") as copy:
        dump = run_tool("pg_dump", "--schema-only", of=connection.get_connection_params())
        run_tool("psql", "-q", "-v", "ON_ERROR_STOP=1", of=copy, given=dump)
        yield copy


def test_a_restored_database_has_the_rules_that_are_expected(restored, monkeypatch):
    with psycopg.connect(**restored) as copy, copy.cursor() as cursor:
        cursor.execute(protection.RULES)
        found = dict(cursor.fetchall())
    made = json.loads(EXPECTED.read_text())

    assert {rule: text for rule, text in found.items() if text != made[rule]} == json.loads(
        RESTORED.read_text()
    )
    monkeypatch.setattr(protection, "protections", lambda: found)
    assert protection_findings() == []


def test_a_rule_is_not_taken_for_another_that_was_restored(restored, monkeypatch):
    (rule, text), *_ = json.loads(RESTORED.read_text()).items()
    found = {**protections(), rule: text.replace("'live'", "'dead'")}
    assert found[rule] != text
    monkeypatch.setattr(protection, "protections", lambda: found)

    assert [finding.object for finding in protection_findings()] == [rule]


def test_a_top_up_that_fits_every_balance_but_was_never_audited_is_found(books):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_tenantbalance SET available = available + 5, seq = seq + 1;"
            "INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq,"
            " available_after, held_after, reason) SELECT 'top_up', 5, available_account_id, 5,"
            " tenant_id, seq, available, held, 'card' FROM billing_tenantbalance"
        )

    assert failed_checks() == {"unexplained", "seal"}


def test_a_credit_with_a_forged_audit_event_is_found(books):
    with connection.cursor() as cursor:
        cursor.execute(FORGED_CREDIT)

    assert failed_checks() == {"seal", "audit log"}


def test_a_row_written_without_its_seal_is_found(books):
    tamper(COPY_OF.format(seq="NULL", attempt=f"'{new_uuid()}'", which="kind = 'loss'"))

    assert failed_checks() == {"seal"}


def test_a_finding_says_which_row_and_what_is_wrong(books):
    tamper("UPDATE billing_tenantbalance SET held = held + 1 WHERE held = 700000")

    (finding,) = ledger_findings()
    assert finding.tenant == books.tenant.public_id
    assert finding.object == f"tenant {books.tenant.public_id}"
    assert finding.message == (
        "balance says available 8900000, held 700001, owed 0, seq 7;"
        " transfers say 8900000, 700000, 0, 7"
    )


@pytest.mark.parametrize(
    ("sql", "check", "subject"),
    [
        ("UPDATE billing_transfer SET reason = 'gift' WHERE kind = 'top_up'", "seal", "transfer"),
        ("UPDATE billing_transfer SET amount = 1 WHERE kind = 'hold'", "hold", "generation"),
        ("DELETE FROM billing_transfer WHERE kind = 'top_up'", "running balance", "transfer"),
    ],
)
def test_a_finding_names_the_tenant_whose_row_it_is(books, other, sql, check, subject):
    tamper(sql)

    found = [finding for finding in ledger_findings() if finding.check == check]
    owners = {finding.tenant for finding in found}
    assert owners == {books.tenant.public_id, other.tenant.public_id}
    assert {finding.object.split()[0] for finding in found} == {subject}


def test_a_finding_of_the_platforms_own_row_names_no_tenant(books):
    tamper("UPDATE billing_transfer SET amount = 1 WHERE kind = 'loss'")

    (finding,) = ledger_findings()
    loss = Transfer.objects.get(kind="loss")
    assert (finding.check, finding.tenant) == ("seal", None)
    assert finding.object == f"transfer {loss.pk}"


def test_usage_that_differs_from_the_captures_is_found(books, now):
    record_usage(
        Usage(
            tenant_id=books.id,
            key_id=books.key.id,
            model="m",
            tier="base",
            channel="c",
            status="succeeded",
            at=now,
            images=1,
            captured=Micros(400_000),
            took=timedelta(seconds=9),
        )
    )

    (finding,) = usage_findings()
    assert finding.message == "usage says 0 was charged, the ledger 300000"
