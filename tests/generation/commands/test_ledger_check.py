"""`manage.py ledger_check`: silent about true books, exact under load, and complete."""

import json
import threading
from uuid import UUID

import pytest
from django.db import connection

from billing.models import LedgerProof
from billing.selectors.office import walk
from generation.models import Generation
from generation.oversight.ledger import rounds
from generation.oversight.ledger.proof import audit
from pictor.kit.words import clock
from storage.models import StoredImage

Kind = LedgerProof.Kind
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(acme):
    """One generation in each state: 10 USD, of which 0.30 is charged and 0.70 on hold."""
    acme.queued = acme.admit(200_000)
    acme.running = acme.admit(500_000)
    Generation.objects.filter(id=acme.running.id).update(state="running", dispatch=1)
    acme.succeeded = acme.admit(400_000)
    acme.end(acme.succeeded, "succeeded", 300_000)
    acme.failed = acme.admit(400_000)
    acme.end(acme.failed, "failed", 0, images=0)
    acme.free = acme.admit(0)
    acme.end(acme.free, "succeeded", 0)
    return acme


def sql(statement: str, *values: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_true_books_are_proved(manage, books):
    said = manage("ledger_check")

    assert said.error is None
    totals, *last, verdict = said.out.splitlines()
    assert verdict == "the ledger is right"
    assert "available 9.000000, held 0.700000, platform_revenue 0.300000" in totals
    assert "generations 5, in_flight 2, succeeded 2, failed 1, canceled 0" in totals
    assert last == ["last proof, since the checkpoint: never", "last proof, the whole: never"]


def test_the_json_option_prints_only_the_json(manage, books):
    said = manage("ledger_check", "--json")

    found = json.loads(said.out)
    assert (found["ok"], found["findings"]) == (True, [])
    assert found["totals"]["top_ups"] == "10.000000"
    assert found["totals"]["generations"] == 5


def test_an_empty_ledger_is_proved(manage):
    assert json.loads(manage("ledger_check", "--json").out)["ok"] is True


def test_a_finding_names_check_tenant_and_object_and_ends_with_an_error(manage, books):
    stray = books.admit(100_000, is_written=False)

    said = manage("ledger_check", "--json")

    found = json.loads(said.out)
    hold = next(one for one in found["findings"] if one["check"] == "hold without generation")
    assert found["ok"] is False
    assert hold == {
        "check": "hold without generation",
        "tenant": books.tenant.public_id,
        "object": f"generation {stray.public_id}",
        "message": "there is no generation; transfers held 100000, captured 0, released 0",
    }
    assert said.error == f"the ledger is wrong: {len(found['findings'])} findings"
    assert f"hold without generation: generation {stray.public_id}" in manage("ledger_check").out


@pytest.fixture(params=["in one snapshot", "by ranges", "since the checkpoint"])
def findings(request, acme, monkeypatch):
    """Return a proof's findings as (check, message); the last kind looks at later rows only."""
    monkeypatch.setattr(walk, "TRANSFERS_AT_ONCE", 2)
    monkeypatch.setattr(rounds, "ROWS_AT_ONCE", 2)
    kinds = {"by ranges": Kind.WHOLE, "since the checkpoint": Kind.SINCE_CHECKPOINT}
    kind = kinds.get(request.param)
    if kind == Kind.SINCE_CHECKPOINT:
        first = rounds.prove(kind, now=clock.now())
        assert first is not None
        assert first.found == 0

    def found() -> set[tuple[str, str]]:
        if kind is None:
            return {(finding.check, finding.message) for finding in audit().findings}
        proof = rounds.prove(kind, now=clock.now())
        assert proof is not None
        return {(finding["check"], finding["message"]) for finding in proof.findings}

    return found


@pytest.fixture
def checks(findings):
    """The checks that fail."""
    return lambda: {check for check, _ in findings()}


def test_true_books_have_no_findings(checks, books):
    assert checks() == set()


def test_a_generation_without_a_hold_is_found(checks, books):
    books.admit(100_000, is_held=False)

    assert checks() >= {
        "generation without hold", "held balance", "tenant in flight", "key in flight",
    }  # fmt: skip


def test_a_raised_or_lowered_hold_is_found(checks, books):
    sql("UPDATE generation_generation SET held_micros = 1 WHERE id = %s", books.queued.id)
    sql("UPDATE generation_generation SET held_micros = 400001 WHERE id = %s", books.succeeded.id)

    assert checks() >= {"hold", "held balance"}


def test_a_generation_ended_behind_the_ledgers_back_is_found(checks, books):
    sql(
        "UPDATE generation_generation SET state = 'canceled', captured_micros = 0,"
        " finished_at = now() WHERE id = %s",
        books.queued.id,
    )

    assert checks() >= {"ended hold", "held balance", "tenant in flight", "key in flight"}


def test_a_final_generation_that_was_queued_again_is_found(checks, books):
    sql(
        "UPDATE generation_generation SET state = 'queued', captured_micros = NULL,"
        " finished_at = NULL WHERE id = %s",
        books.succeeded.id,
    )

    assert checks() >= {"open hold", "held balance", "tenant in flight", "key in flight", "images"}


def test_a_changed_charge_is_found(checks, books):
    sql("UPDATE generation_generation SET captured_micros = 1 WHERE id = %s", books.succeeded.id)

    assert checks() >= {"ended hold"}


def test_a_failed_generation_with_a_charge_is_found(checks, books):
    sql("UPDATE generation_generation SET captured_micros = 1 WHERE id = %s", books.failed.id)

    assert checks() >= {"ended hold", "charge"}


def test_a_generation_moved_to_another_tenant_is_found(checks, books, make_customer):
    other = make_customer("other")
    sql(
        "UPDATE generation_generation SET tenant_id = %s WHERE id = %s",
        other.tenant.id,
        books.succeeded.id,
    )

    assert checks() >= {"hold of another tenant"}


@pytest.mark.parametrize(
    ("column", "found"),
    [
        ("available", {"balance"}),
        ("held", {"balance", "held balance"}),
        ("in_flight", {"in flight", "tenant in flight"}),
    ],
)
def test_a_changed_balance_row_is_found(checks, books, column, found):
    sql(f"UPDATE billing_tenantbalance SET {column} = {column} + 1")  # noqa: S608 - our own words

    assert checks() == found


def test_a_changed_key_counter_is_found(checks, books):
    sql("UPDATE billing_keybudget SET in_flight = in_flight + 1")

    assert checks() >= {"in flight", "key in flight"}


def test_a_success_without_an_image_and_an_image_without_a_success_are_found(findings, books):
    StoredImage.objects.filter(generation_id=books.succeeded.id).delete()
    books.store(books.failed)

    messages = {message for check, message in findings() if check == "images"}
    assert messages == {"succeeded with 0 images of 1", "failed with 1 images of 1"}


def test_more_images_than_were_asked_for_are_found(checks, books):
    books.store(books.succeeded, index=1)

    assert checks() >= {"images"}


def test_a_deleted_charge_is_found_in_spite_of_its_triggers(checks, books):
    sql("ALTER TABLE billing_transfer DISABLE TRIGGER append_only")
    sql(
        "DELETE FROM billing_transfer WHERE kind = 'capture' AND generation_id = %s",
        books.succeeded.id,
    )
    try:
        found = checks()
    finally:
        sql("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")

    assert {"ended hold", "sequence", "protection"} <= found


def test_the_proof_is_exact_while_money_moves(findings, books, monkeypatch):
    monkeypatch.setattr(walk, "TRANSFERS_AT_ONCE", 50)
    monkeypatch.setattr(rounds, "ROWS_AT_ONCE", 20)
    ended = threading.Event()
    problems: list[Exception] = []

    def move() -> None:
        try:
            while not ended.is_set():
                generation = books.admit(1_000)
                books.end(generation, "succeeded", 700)
        except Exception as error:  # noqa: BLE001 - told to the test
            problems.append(error)
        finally:
            connection.close()

    before = Generation.objects.count()
    threads = [threading.Thread(target=move) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        found = [findings() for _ in range(5)]
    finally:
        ended.set()
        for thread in threads:
            thread.join()

    assert problems == []
    assert found == [set()] * 5
    assert Generation.objects.count() > before


def test_the_proof_leaves_the_connections_settings_as_they_were(books):
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()
        audit()
        cursor.execute("SHOW statement_timeout")
        after = cursor.fetchone()
        cursor.execute("SHOW transaction_read_only")
        read_only = cursor.fetchone()

    assert before == after
    assert read_only == ("off",)
