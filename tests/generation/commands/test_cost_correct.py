"""`manage.py cost_correct`: costs of calls from a vendor's bill, each line once."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from threading import Barrier
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import AuditEvent
from billing.models import LedgerProof, Transfer
from billing.selectors.office import walk
from billing.selectors.office.checkpoints import kept_checkpoints
from billing.selectors.office.ledger import ledger_totals
from billing.services.costs import corrected_cost
from billing.services.office.accounts import refund
from billing.upstream_cost import Cost, CostSource
from generation.lifecycle.attempts import end_attempt
from generation.lifecycle.outcome import AttemptEnd
from generation.lifecycle.settlement import settle_and_tell
from generation.management import seeding
from generation.management.seeding import SeedOptions
from generation.models import Attempt, Generation
from generation.oversight import inspection
from generation.oversight.ledger import rounds
from generation.oversight.ledger.proof import audit
from generation.oversight.ledger.rounds import Round
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone
from tests.making.factories import (
    PayingCustomer,
    begun,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def generation(db: None, tmp_path: Path) -> Generation:
    """A generation whose first call was lost for 0.02 USD and whose second cost 0.03."""
    seeding.seed(SeedOptions())
    channel = make_channel(cost_micros=30_000)
    claim = take(generation_id=PayingCustomer("acme").generation().id, worker=make_worker())
    assert claim is not None
    lost = begun(claim, channel)
    assert lost is not None
    now, cost = clock.now(), Cost(Micros(20_000), CostSource.FLAT)
    end = AttemptEnd(lost, "bad_result", may_have_billed=True, cost=cost)
    end_attempt(end, generation=claim.generation, now=now)
    delivery = make_delivery(claim, Spools(tmp_path, SpoolBudget(1_000_000)), number=2)
    settle_and_tell(claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=now)
    return claim.generation


def attempt(number: int) -> UUID:
    found: UUID = Attempt.objects.get(number=number).id
    return found


@pytest.fixture
def bill(tmp_path: Path) -> Callable[..., str]:
    def write(*lines: str) -> str:
        path = tmp_path / "bill.csv"
        path.write_text("\n".join(["line,attempt,change_usd", *lines]) + "\n")
        return str(path)

    return write


def run(*words: str) -> str:
    out = StringIO()
    call_command("cost_correct", *words, "--reason", "the bill of November", stdout=out)
    return out.getvalue()


def findings() -> list[str]:
    return [finding.check for finding in audit().findings]


def found_by_ranges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(walk, "TRANSFERS_AT_ONCE", 3)
    monkeypatch.setattr(rounds, "ROWS_AT_ONCE", 1)
    kept = kept_checkpoints()[0]
    return [one.check for prove in Round(kept, now=clock.now()).steps() for one in prove()]


def change(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")


@pytest.mark.django_db(transaction=True)
def test_a_bill_corrects_costs_and_losses_in_either_direction_and_twice_corrects_once(
    generation, bill
):
    file = bill(
        f"req_1,{attempt(1)},0.005",
        f"req_2,{attempt(2)},-0.01",
        "2026-11-25 gpt-image-2,,-0.1",
    )

    said = [run(file), run(file)]

    assert said == [
        "3 lines booked, which change the cost by -0.105000 USD; 0 were booked before\n",
        "0 lines booked, which change the cost by 0.000000 USD; 3 were booked before\n",
    ]
    moved = Transfer.objects.filter(kind="correction").order_by("id")
    assert [(one.debit_id, one.credit_id, one.amount, one.line) for one in moved] == [
        (3, 4, 5_000, "req_1"),
        (2, 3, 10_000, "req_2"),
        (2, 3, 100_000, "2026-11-25 gpt-image-2"),
    ]
    assert (corrected_cost(attempt(1)), corrected_cost(attempt(2))) == (25_000, 20_000)
    assert (ledger_totals()["losses"], ledger_totals()["upstream_cost"]) == (
        "0.025000",
        "-0.080000",
    )
    assert findings() == []


def test_a_correction_is_in_the_audit_log_and_shown_with_its_generation(generation, bill):
    back = {
        "tenant_id": generation.tenant_id,
        "generation_id": generation.id,
        "amount": Micros(680),
    }
    refund(**back, reason="dark", actor="test")

    said = run(bill(f"req_2,{attempt(2)},-0.01"), "--json", "--as", "ann@example.com")

    assert json.loads(said) == {"booked": "1", "change": "-0.010000", "before": "0"}
    event = AuditEvent.objects.get(action="cost.correction")
    assert event.actor_name.endswith(" as ann@example.com)")
    assert event.after == {
        "line": "req_2", "change_micros": -10_000, "reason": "the bill of November",
    }  # fmt: skip
    shown = inspection.describe(generation)
    assert shown["generation"]["margin"] == "0.012000"  # 52,000 less 20,000 and 20,000
    assert [one["kind"] for one in shown["transfers"]][-1] == "correction"
    assert [one["id"] for one in shown["attempts"]] == [str(attempt(1)), str(attempt(2))]
    assert [(one["cost"], one["corrected_cost"]) for one in shown["attempts"]] == [
        ("0.020000", "0.020000"), ("0.030000", "0.020000"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["req_1,{2},0.005"], "the line 'req_1' was booked before, for something else"),
        (["req_1,{1},0.006"], "the line 'req_1' was booked before, for something else"),
        (
            ["req_9,,0.1", "req_2,{2},-0.030001"],
            r"takes \$0\.030001 from an attempt that cost \$0\.03",
        ),
        (["req_9,,0.1", f"req_2,{new_uuid()},1"], "names an attempt that does not exist"),
        (
            ["req_9,,0.1", "req_2,none,1"],
            "the line 'req_2' names an attempt that does not exist",
        ),
        (["req_9,,0.1", "req_9,,0.1"], "line 3: 'req_9' appears twice"),
        (["req_9,,0"], "line 2: it changes nothing"),
        (["req_9,,0.1", "req_2,\x00,1"], "line 3: it has a NUL or a lone surrogate"),
        (["req_9\x00,,1"], "line 2: it has a NUL or a lone surrogate"),
        (["req_9,,much"], "line 2: 'much' is not an amount"),
        ([",,1"], "line 2: a line's name has from 1 to 200 characters"),
        ([f"{'x' * 201},,1"], "line 2: a line's name has from 1 to 200 characters"),
    ],
)
def test_a_bill_that_cannot_be_booked_books_nothing(generation, bill, lines, message):
    run(bill(f"req_1,{attempt(1)},0.005"))
    ids = [new_uuid(), attempt(1), attempt(2)]

    with pytest.raises(CommandError, match=message) as mistake:
        run(bill(*(line.format(*ids) for line in lines)))

    assert "\n" not in str(mistake.value)
    assert Transfer.objects.filter(kind="correction").count() == 1


def test_a_line_may_name_the_call_as_its_upstream_did(generation, bill):
    Attempt.objects.filter(number=2).update(upstream_request_id="req_4fa1")

    first = run(bill("acme req_4fa1,req_4fa1,0.012"))
    again = run(bill(f"acme req_4fa1,{attempt(2)},0.012"))

    assert "1 lines booked, which change the cost by 0.012000 USD" in first
    assert "0 lines booked" in again
    assert Transfer.objects.get(kind="correction").corrects_id == attempt(2)


def test_an_id_that_an_upstream_gave_twice_corrects_neither(generation, bill):
    Attempt.objects.update(upstream_request_id="req_4fa1")

    with pytest.raises(CommandError, match="gave 'req_4fa1' to several attempts"):
        run(bill("acme req_4fa1,req_4fa1,0.012"))

    assert not Transfer.objects.filter(kind="correction").exists()


def test_a_file_that_is_no_bill_is_refused(tmp_path):
    (tmp_path / "bill").write_text("a,b\n1,2\n")

    with pytest.raises(CommandError, match="the columns are not line,attempt"):
        run(str(tmp_path / "bill"))
    with pytest.raises(CommandError, match="No such file"):
        run(str(tmp_path / "none"))


def test_a_call_that_is_under_way_is_not_corrected(generation, bill):
    Attempt.objects.filter(number=2).update(finished_at=None)

    with pytest.raises(CommandError, match="does not exist, has not ended or was a test"):
        run(bill(f"req_2,{attempt(2)},1"))


def test_a_call_of_a_test_cost_nothing_that_could_be_corrected(generation, bill):
    channel = make_channel("tests", serves="test")
    claim = take(generation_id=PayingCustomer("b").tester().generation().id, worker=make_worker())
    assert claim is not None
    called = begun(claim, channel)
    assert called is not None
    end_attempt(AttemptEnd(called, "not_reached"), generation=claim.generation, now=clock.now())

    with pytest.raises(CommandError, match="does not exist, has not ended or was a test"):
        run(bill(f"req_2,{called},1"))


@pytest.mark.parametrize(
    ("sql", "check"),
    [
        ("UPDATE billing_transfer SET line = 'req_7' WHERE kind = 'correction'", "seal"),
        ("UPDATE billing_transfer SET line = NULL WHERE kind = 'correction'", "seal"),
        ("UPDATE billing_transfer SET corrects_id = NULL WHERE corrects_id IS NOT NULL", "seal"),
        ("UPDATE billing_transfer SET amount = 1 WHERE kind = 'correction'", "seal"),
        (
            "UPDATE billing_transfer SET attempt_id = gen_random_uuid() WHERE kind = 'correction'",
            "seal",
        ),
        (
            "UPDATE billing_transfer SET credit_id = 2 WHERE kind = 'correction' AND credit_id = 4",
            "correction of a cost",
        ),
        (
            "UPDATE billing_transfer SET amount = 30001 WHERE kind = 'correction' AND debit_id = 2",
            "correction of a cost",
        ),
        (
            (
                "UPDATE billing_transfer SET generation_id = gen_random_uuid()"
                " WHERE kind = 'correction'"
            ),
            "correction of a cost",
        ),
        (
            "UPDATE billing_transfer SET kind = 'loss' WHERE kind = 'correction'",
            "accounts of a transfer",
        ),
        (
            (
                "ALTER TABLE accounts_auditevent DISABLE TRIGGER USER;"
                "DELETE FROM accounts_auditevent WHERE action = 'cost.correction'"
            ),
            "unexplained",
        ),
        (
            (
                "DELETE FROM generation_attempt USING billing_transfer"
                " WHERE generation_attempt.id = corrects_id AND cost_micros = 20000"
            ),
            "correction of a cost",
        ),
    ],
)
def test_a_changed_correction_is_found_at_once_and_by_ranges(
    generation, bill, monkeypatch, sql, check
):
    run(bill(f"req_1,{attempt(1)},0.005", f"req_2,{attempt(2)},-0.01", "req_3,,0.1"))
    assert found_by_ranges(monkeypatch) == []

    change(sql)

    assert check in found_by_ranges(monkeypatch)


@pytest.mark.django_db(transaction=True)
def test_a_correction_of_an_attempt_from_before_the_checkpoint_is_proved(
    generation, bill, monkeypatch
):
    at_once = walk._SETTLED.partition(" AND created_at")[0]  # noqa: SLF001 - without the minute
    monkeypatch.setattr(walk, "_SETTLED", at_once)

    def prove() -> set[str]:
        proof = rounds.prove(LedgerProof.Kind.SINCE_CHECKPOINT, now=clock.now())
        assert proof is not None
        return {finding["check"] for finding in proof.findings}

    assert prove() == set()
    run(bill(f"req_1,{attempt(1)},0.005"))
    change("UPDATE generation_attempt SET attempt_class = 'delivered' WHERE cost_micros = 20000")

    assert "correction of a cost" in prove()


@pytest.mark.django_db(transaction=True)
def test_two_that_take_a_file_at_once_correct_once(generation, bill):
    file, both = bill(f"req_1,{attempt(1)},-0.02", "req_2,,0.1"), Barrier(2)

    def take_file() -> str:
        both.wait()
        return run(file)

    with ThreadPoolExecutor(2) as pool:
        said = [pool.submit(alone, take_file) for _ in range(2)]

    assert sorted(one.result()[:14] for one in said) == ["0 lines booked", "2 lines booked"]
    assert corrected_cost(attempt(1)) == 0
    assert findings() == []
