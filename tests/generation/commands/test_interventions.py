"""Generations refunded, credited and ended at the shell."""

import json
import sys
from io import StringIO

import pytest

from accounts.models import AuditEvent, User
from billing.models import Transfer
from billing.selectors.office.findings import Finding
from billing.selectors.office.ledger import ledger_findings, usage_findings
from generation.lifecycle.settlement import settle_and_tell
from generation.models import Attempt, Channel, Generation
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer as Orderer
from tests.making.factories import (
    begun,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)

pytestmark = pytest.mark.django_db
WHY = ("--note", "bad images", "--yes")
REASON = ("--reason", "bad images", "--yes")


@pytest.fixture
def orderer(seeded):
    make_channel(cost_micros=30_000)
    User.objects.create_user("ann@example.com", "correct horse battery")
    return Orderer("orderer")


@pytest.fixture
def delivered(orderer, tmp_path):
    """A delivered generation, charged 0.05268 USD."""
    claim = take(generation_id=orderer.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, Spools(tmp_path, SpoolBudget(1_000_000)))
    settle_and_tell(
        claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=clock.now()
    )
    return claim.generation


def findings() -> list[Finding]:
    return [*ledger_findings(), *usage_findings(), *generation_findings()]


def event(action: str) -> tuple[str, str, dict[str, object]]:
    found = AuditEvent.objects.get(action=action)
    person = found.actor_name.partition(" as ")[2].rstrip(")")
    return person or "manage.py", found.object_type, found.after or {}


def test_a_part_is_refunded_and_then_all_that_is_left(manage, orderer, delivered):
    name = delivered.public_id

    said = [
        manage(
            "do", "generation.refund", name, "--amount", "0.03", *WHY, "--as", "ann@example.com"
        ),
        manage("do", "generation.refund", name, *WHY, "--json"),
    ]

    assert "$0.03 refunded: orderer $9.94732 → $9.97732\n" in said[0].out
    facts = json.loads(said[1].out)
    assert facts.pop("move")
    assert facts == {
        "act": "generation.refund", "done": "$0.02268 refunded: orderer $9.97732 → $10.00",
        "generation": name, "refunded": "0.022680", "available": "10.000000",
    }  # fmt: skip
    refunds = Transfer.objects.filter(kind="refund", generation_id=delivered.id)
    assert sorted(refunds.values_list("amount", flat=True)) == [22_680, 30_000]
    events = AuditEvent.objects.filter(action="balance.refund").order_by("id")
    assert [" as ann@example.com" in one.actor_name for one in events] == [True, False]
    assert findings() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--amount", "0.05269", "--yes"], "Only $0.05268 of it is charged and not refunded"),
        (["--amount", "0", "--yes"], "--amount: Type an amount above 0."),
        (["--amount", "0.01"], "Nothing was changed."),
    ],
)
def test_a_refund_that_cannot_be_changes_nothing(manage, monkeypatch, delivered, words, message):
    monkeypatch.setattr(sys, "stdin", StringIO("n\n"))

    said = manage("do", "generation.refund", delivered.public_id, "--note=x", *words)

    assert said.error == message
    assert not Transfer.objects.filter(kind="refund").exists()


def test_all_of_it_is_refunded_once(manage, delivered):
    manage("do", "generation.refund", delivered.public_id, *WHY)

    again = manage("do", "generation.refund", delivered.public_id, *WHY)

    assert again.error == "--amount: Type an amount above 0."


def test_a_waiting_generation_is_canceled_and_its_hold_released(manage, orderer):
    queued = orderer.generation()
    available, held = orderer.money
    assert (available + held, held) == (10_000_000, 52_680)

    said = manage("do", "generation.cancel", queued.public_id, *REASON, "--as", "ann@example.com")
    again = manage("do", "generation.cancel", queued.public_id, *REASON)

    assert "Canceled: $0.05268 released\n" in said.out
    assert again.error == "it has been started, or has ended: only `fail` ends what runs"
    assert orderer.money == (10_000_000, 0)
    assert event("generation.cancel") == (
        "ann@example.com", "generation", {"state": "canceled", "reason": "bad images"},
    )  # fmt: skip
    assert findings() == []


def test_a_running_generation_is_failed_and_its_possible_cost_counted(manage, orderer):
    running = orderer.generation()
    claim = take(generation_id=running.id, worker=make_worker())
    assert claim is not None
    attempt = begun(claim, Channel.objects.get(name="one"))
    assert attempt is not None
    refused = manage("do", "generation.cancel", running.public_id, *REASON)

    said = manage("do", "generation.fail", running.public_id, *REASON, "--json")

    assert refused.error.startswith("it has been started")
    assert json.loads(said.out) == {
        "act": "generation.fail",
        "done": "Ended as failed: $0.05268 released; one may still bill $0.03",
        "generation": running.public_id,
        "released": "0.052680",
        "may_bill": [{"channel": "one", "cost": "0.030000"}],
    }
    row = Generation.objects.get(id=running.id)
    assert (row.state, row.captured_micros, orderer.money) == ("failed", 0, (10_000_000, 0))
    closed = Attempt.objects.get(id=attempt)
    assert (closed.attempt_class, closed.cost_micros, closed.detail) == (
        "unknown", 30_000, "ended by an operator",
    )  # fmt: skip
    assert event("generation.fail")[2] == {"state": "failed", "reason": "bad images"}
    assert findings() == []


def test_a_failed_generations_worker_can_no_longer_deliver(manage, orderer, tmp_path):
    claim = take(generation_id=orderer.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, Spools(tmp_path, SpoolBudget(1_000_000)))

    said = manage("do", "generation.fail", claim.generation.public_id, *REASON)

    assert "Ended as failed: $0.05268 released; one may still bill $0.03\n" in said.out
    assert not settle_and_tell(
        claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=clock.now()
    )
    again = manage("do", "generation.fail", claim.generation.public_id, *REASON)
    assert again.error == "it has ended, or has moved on: look at it again"
    assert findings() == []


def test_a_failure_is_credited_by_an_entry_that_names_it(manage, orderer):
    queued = orderer.generation()
    too_early = manage("do", "generation.credit", queued.public_id, *WHY)
    manage("do", "generation.fail", queued.public_id, *REASON)

    said = manage("do", "generation.credit", queued.public_id, *WHY)
    again = manage("do", "generation.credit", queued.public_id, "--amount", "1.5", *WHY)
    other = orderer.generation()
    manage("do", "generation.fail", other.public_id, *REASON)
    more = manage("do", "generation.credit", other.public_id, "--amount", "1.5", *WHY, "--json")

    assert too_early.error == "only for one that failed or was canceled: others are refunded"
    assert "$0.05268 credited: orderer $10.00 → $10.05268\n" in said.out
    assert json.loads(more.out)["credited"] == "1.500000"
    assert again.error == (
        "$0.05268 was already credited for it: reverse that, or credit the tenant"
    )
    given = Transfer.objects.filter(kind="credit", generation_id=queued.id)
    assert list(given.values_list("amount", flat=True)) == [52_680]
    shown = json.loads(manage("generation", "show", queued.public_id, "--json").out)
    assert [one["kind"] for one in shown["transfers"]] == ["hold", "release", "credit"]
    assert findings() == []


@pytest.mark.parametrize("action", ["refund", "credit", "cancel", "fail"])
def test_a_reason_is_needed_and_an_id_that_there_is(manage, orderer, action):
    act, queued = f"generation.{action}", orderer.generation()

    assert "required" in manage("do", act, queued.public_id, "--yes").error
    assert manage("do", act, "gen_1", "--yes").error == "there is no generation 'gen_1'"
