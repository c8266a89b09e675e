"""Scheduled proofs of the ledger: where they begin, what they keep, one at a time."""

# ruff: noqa: S608 - the statements are of our own words
import json
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from billing.models import LedgerCheckpoint, LedgerProof, TenantBalance
from billing.selectors.office import walk
from billing.selectors.office.checkpoints import last_proofs
from billing.services import book_upstream_cost
from billing.services.office.accounts import top_up
from billing.services.office.proofs import is_due
from generation import tasks
from generation.oversight.figures import figures
from generation.oversight.ledger import rounds
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.card_payments import card_payment, move

Kind = LedgerProof.Kind
SINCE, WHOLE = Kind.SINCE_CHECKPOINT, Kind.WHOLE
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_ranges(monkeypatch):
    monkeypatch.setattr(walk, "TRANSFERS_AT_ONCE", 3)
    monkeypatch.setattr(rounds, "ROWS_AT_ONCE", 2)


@pytest.fixture
def books(acme):
    """Two ended generations and one under way."""
    acme.older = acme.admit(400_000)
    acme.end(acme.older, "succeeded", 300_000)
    acme.end(acme.admit(200_000), "failed", 0, images=0)
    acme.queued = acme.admit(200_000)
    return acme


def tamper(statement: str, *values: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_transfer DISABLE TRIGGER append_only")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")


def findings_of(kind: LedgerProof.Kind) -> set[tuple[str, str]]:
    proof = rounds.prove(kind, now=clock.now())
    assert proof is not None
    return {(finding["check"], finding["object"].split()[0]) for finding in proof.findings}


def checkpoint() -> tuple[int, bytes, int, int]:
    row = LedgerCheckpoint.objects.get(name__startswith="tenant ")
    return row.seq, bytes(row.seal), row.available, row.held


@pytest.mark.parametrize("kind", [SINCE, WHOLE])
def test_a_proof_without_findings_keeps_how_far_it_came(books, kind):
    assert findings_of(kind) == set()

    balance = TenantBalance.objects.get()
    assert checkpoint() == (7, bytes(balance.seal or b""), 9_500_000, 200_000)
    kept = set(LedgerCheckpoint.objects.values_list("name", flat=True))
    assert kept == {f"tenant {books.tenant.id}", "audit log", "platform", "generations", "sold"}


def test_tampering_before_the_checkpoint_is_found_by_the_whole_proof(books):
    assert findings_of(SINCE) == set()
    tamper("UPDATE billing_transfer SET reason = 'gift' WHERE kind = 'top_up'")
    tamper("UPDATE generation_generation SET n = 2 WHERE id = %s", books.older.id)

    assert findings_of(SINCE) == set()
    assert findings_of(WHOLE) == {("seal", "transfer")}


@pytest.mark.parametrize("kind", [SINCE, WHOLE])
def test_a_transfer_that_its_balance_knows_nothing_of_is_found(books, kind):
    assert findings_of(SINCE) == set()
    tamper("""
        INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq,
                                      available_after, held_after, reason)
        SELECT 'top_up', debit_id, credit_id, 5, tenant_id, 8, 9500005, 200000, ''
          FROM billing_transfer WHERE kind = 'top_up'
    """)

    assert {("balance", "tenant"), ("seal", "transfer")} <= findings_of(kind)


def test_a_generation_open_at_the_checkpoint_is_proved_once_ended(books):
    assert findings_of(SINCE) == set()
    books.end(books.queued, "succeeded", 100_000)
    tamper("UPDATE generation_generation SET captured_micros = 1 WHERE id = %s", books.queued.id)

    assert ("ended hold", "generation") in findings_of(SINCE)


def test_a_cost_that_was_changed_since_is_found(books, book_cost):
    assert findings_of(SINCE) == set()
    book_cost(90)
    tamper("UPDATE billing_transfer SET amount = 1 WHERE kind = 'loss'")

    assert ("seal", "transfer") in findings_of(SINCE)
    assert ("seal", "transfer") in findings_of(WHOLE)


@pytest.fixture
def book_cost():
    def book(amount: int) -> None:
        book_upstream_cost(
            generation_id=new_uuid(), attempt_id=new_uuid(), amount=Micros(amount), as_loss=True
        )

    return book


def test_an_audit_event_that_was_changed_since_is_found(books):
    assert findings_of(SINCE) == set()
    top_up(tenant_id=books.tenant.id, amount=Micros(5), reason="card", actor="test")
    tamper("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
    tamper("UPDATE accounts_auditevent SET actor_name = 'x' WHERE action = 'balance.top_up'")
    tamper("ALTER TABLE accounts_auditevent ENABLE ALWAYS TRIGGER append_only")

    assert findings_of(SINCE) == {("audit log", "audit_event")}


def test_a_keys_recorded_usage_is_compared_with_its_month(books):
    for table in ("billing_keybudget", "billing_tenantbalance"):
        tamper(f"UPDATE {table} SET month_used_micros = month_used_micros + 1")

    assert findings_of(WHOLE) == {("budget", "key")}


def test_a_generation_ended_long_after_its_id_counts_in_its_hour(books, monkeypatch):
    long_before = datetime(2026, 11, 18, tzinfo=UTC)  # they ended on the 20th, and are written now
    monkeypatch.setattr(rounds, "first_day", lambda now: long_before)

    assert findings_of(WHOLE) == set()
    tamper("UPDATE billing_usagerollup SET images = images + 1 WHERE status = 'succeeded'")
    assert findings_of(WHOLE) == {("usage by hour", "tenant")}


def test_a_finding_is_found_again_until_it_is_mended(books):
    assert findings_of(SINCE) == set()
    before = checkpoint()
    books.admit(100_000)
    tamper("UPDATE billing_tenantbalance SET available = available + 1")

    assert [findings_of(SINCE), findings_of(SINCE)] == [{("balance", "tenant")}] * 2
    assert checkpoint() == before

    tamper("UPDATE billing_tenantbalance SET available = available - 1")
    assert findings_of(SINCE) == set()
    assert checkpoint()[0] == 8


@pytest.mark.parametrize(
    "change",
    [
        "seq = seq - 1",
        "seal = '\\x00'",
        "available = available + 1",
        "held = held + 1",
        "owed = owed + 1",
        "mark = '\\x00'",
        "name = 'tenant 01a1f7fc-1247-7731-b6ad-dd7f19068d59'",
    ],
)
def test_a_changed_checkpoint_is_found_and_nothing_begins_there(books, change):
    assert findings_of(SINCE) == set()
    tamper("UPDATE billing_transfer SET reason = 'gift' WHERE kind = 'top_up'")
    tamper(f"UPDATE billing_ledgercheckpoint SET {change} WHERE name LIKE 'tenant %%'")

    assert findings_of(SINCE) == {("checkpoint", "checkpoint"), ("seal", "transfer")}


def test_what_is_owed_is_proved_on_from_the_checkpoint(books):
    tenant_id = books.tenant.id
    payment = card_payment(tenant_id, 1)
    move(payment, "withdrawal", 1000)
    assert findings_of(SINCE) == set()
    move(payment, "withdrawal", 3)
    assert findings_of(SINCE) == set()

    tamper("UPDATE billing_tenantbalance SET owed = owed - 1")

    assert LedgerCheckpoint.objects.get(name__startswith="tenant ").owed == 520_000
    assert findings_of(SINCE) == {("balance", "tenant")}


@pytest.mark.parametrize(
    "change", ["seq = 1000", "name = 'tenant 01a1f7fc-1247-7731-b6ad-dd7f19068d59'"]
)
def test_the_whole_puts_a_true_checkpoint_in_the_place_of_a_forged_one(books, change):
    assert findings_of(SINCE) == set()
    true = checkpoint()
    tamper(f"UPDATE billing_ledgercheckpoint SET {change} WHERE name LIKE 'tenant %%'")
    assert findings_of(SINCE) == {("checkpoint", "checkpoint")}

    assert findings_of(WHOLE) == set()

    assert (checkpoint(), findings_of(SINCE)) == (true, set())


def test_transfers_taken_away_without_a_trace_are_missed_from_their_checkpoint(books):
    before = TenantBalance.objects.values().get()
    top_up(tenant_id=books.tenant.id, amount=Micros(5), reason="card", actor="test")
    assert findings_of(SINCE) == set()
    tamper("DELETE FROM billing_transfer WHERE amount = 5")
    TenantBalance.objects.update(**before)
    for table in ("accounts_auditlink", "accounts_auditevent"):
        name = "event_id" if table == "accounts_auditlink" else "id"
        tamper(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        tamper(f"DELETE FROM {table} WHERE {name} = (SELECT max({name}) FROM {table})")
        tamper(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")

    assert findings_of(WHOLE) == set()
    assert findings_of(SINCE) == {("audit log", "audit"), ("balance", "tenant"), ("seal", "tenant")}


def test_only_one_proof_runs_at_a_time(manage, books):
    params = connection.get_connection_params()
    with psycopg.connect(**{**params, "autocommit": True}) as other:
        other.execute("SELECT pg_advisory_lock(7303005)")

        assert rounds.prove(SINCE, now=clock.now()) is None
        said = manage("ledger_check", "--since-checkpoint")
        assert findings_of(WHOLE) == set()
        other.execute("SELECT pg_advisory_unlock(7303005)")

    assert said.error == "another process is running this proof: try again later"
    assert findings_of(SINCE) == set()


def test_each_proof_is_due_once_in_its_time(books):
    now = clock.now()
    assert is_due(SINCE, now=now)
    rounds.prove(SINCE, now=now)
    rounds.prove(WHOLE, now=now)

    assert not is_due(SINCE, now=now + timedelta(minutes=1))
    assert is_due(SINCE, now=now + timedelta(minutes=59))
    assert not is_due(WHOLE, now=now + timedelta(hours=20))
    assert is_due(WHOLE, now=now + timedelta(hours=21))
    assert is_due(WHOLE, now=now - timedelta(hours=1))  # a row dated in the future


def test_the_hourly_work_logs_what_it_finds_and_writes_it_down(books, caplog):
    tamper("UPDATE billing_tenantbalance SET available = available + 1")

    with caplog.at_level(logging.ERROR):
        tasks.check_ledger()
        tasks.check_ledger()
        tasks.check_whole_ledger()

    assert [record.getMessage().partition(": {")[0] for record in caplog.records] == [
        "the ledger is wrong"
    ] * 2
    rows = LedgerProof.objects.order_by("kind").values_list("kind", "found")
    assert list(rows) == [("since_checkpoint", 1), ("whole", 1)]


def test_metrics_say_what_was_found_and_how_long_ago(books):
    tamper("UPDATE billing_tenantbalance SET available = available + 1")
    began = clock.now()
    findings_of(SINCE)

    by_name = {metric.name: metric for metric in figures(now=began + timedelta(hours=3))}

    counts = {
        sample.labels["proof"]: sample.value for sample in by_name["pictor_ledger_findings"].samples
    }
    ages = {
        sample.labels["proof"]: sample.value
        for sample in by_name["pictor_ledger_proof_age_seconds"].samples
    }
    assert counts == {"since_checkpoint": 1, "whole": 0}
    assert 10_700 < ages["since_checkpoint"] <= 10_800
    assert ages["whole"] == float("inf")


def test_the_command_tells_what_it_found_and_when_each_ended_last(manage, books):
    said = manage("ledger_check", "--since-checkpoint")

    assert (said.error, said.out.splitlines()) == (
        None,
        [
            "last proof, since the checkpoint: 0 minutes ago, 0 findings",
            "last proof, the whole: never",
            "the ledger is right",
        ],
    )
    tamper("UPDATE billing_tenantbalance SET available = available + 1")
    said = manage("ledger_check", "--whole", "--json")
    answer = json.loads(said.out)
    assert said.error == "the ledger is wrong: 1 findings"
    assert (answer["ok"], answer["findings"][0]["check"]) == (False, "balance")
    assert [(one["kind"], one["found"]) for one in answer["last"]] == [
        ("since_checkpoint", 0), ("whole", 1),
    ]  # fmt: skip
    assert last_proofs(now=clock.now())[1].found == 1


def test_nothing_is_kept_of_a_ledger_that_is_not_sealed(books):
    tamper("UPDATE billing_tenantbalance SET seal = NULL")

    assert findings_of(SINCE) == {("unsealed", "tenant")}
    assert not LedgerCheckpoint.objects.exists()
