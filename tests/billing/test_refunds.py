"""Refunds and credits for generations: the proof compares them with what those were charged."""

from collections import defaultdict
from uuid import UUID

import pytest

from billing.models import Transfer
from billing.selectors.office import walk
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.refunds_given import ChargeSums
from billing.services.office import accounts
from billing.services.office.accounts import credit, refund
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer

pytestmark = pytest.mark.django_db


@pytest.fixture
def unguarded(monkeypatch):
    """Let the service refund, seal and audit more than was charged."""
    ample = defaultdict[UUID, ChargeSums](lambda: ChargeSums(captured=100_000_000))
    monkeypatch.setattr(accounts, "charge_sums_of", lambda *_, **__: ample)


def charged(customer: LedgerCustomer, amount: int) -> UUID:
    hold = customer.hold(2_000_000)
    customer.end(hold, amount)
    return hold.generation_id


def give_back(customer: LedgerCustomer, generation_id: UUID, amount: int) -> Transfer:
    return refund(
        tenant_id=customer.id,
        generation_id=generation_id,
        amount=Micros(amount),
        reason="sorry",
        actor="test",
    )


def gift(customer: LedgerCustomer, generation_id: UUID) -> Transfer:
    return credit(
        tenant_id=customer.id,
        amount=Micros(5),
        generation_id=generation_id,
        reason="sorry",
        actor="test",
    )


def findings() -> list[tuple[str, str]]:
    return [(finding.check, finding.object) for finding in ledger_findings()]


def test_refunds_of_no_more_than_each_charge_are_right(acme):
    first, second = charged(acme, 1_500_000), charged(acme, 500_000)
    give_back(acme, first, 1_000_000)
    give_back(acme, second, 500_000)
    give_back(acme, first, 500_000)

    assert findings() == []


@pytest.mark.usefixtures("unguarded")
def test_a_refund_of_ten_times_the_charge_is_found(acme):
    generation = charged(acme, 1_500_000)

    moved = give_back(acme, generation, 15_000_000)

    (finding,) = ledger_findings()
    assert (finding.check, finding.tenant) == ("refund", acme.tenant.public_id)
    assert finding.object == f"transfer {moved.id}"
    assert finding.message == (
        f"gives back 15000000 of generation {generation}: charged 1500000 before,"
        " given back 15000000 with it"
    )


@pytest.mark.usefixtures("unguarded")
def test_the_refund_that_exceeds_the_rest_of_the_charge_is_found(acme):
    generation = charged(acme, 1_500_000)
    give_back(acme, generation, 1_000_000)

    moved = give_back(acme, generation, 500_001)

    assert findings() == [("refund", f"transfer {moved.id}")]


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize(
    "generation_of",
    [
        lambda _, other: charged(other, 1_500_000),
        lambda acme, _: charged(acme, 0),
        lambda acme, _: acme.hold(1_500_000).generation_id,
        lambda *_: new_uuid(),
    ],
    ids=["another tenant's", "released", "open", "unknown"],
)
def test_a_refund_of_what_the_tenant_was_not_charged_is_found(acme, other, generation_of):
    moved = give_back(acme, generation_of(acme, other), 1)

    assert findings() == [("refund", f"transfer {moved.id}")]


@pytest.mark.usefixtures("unguarded")
def test_a_refund_before_the_charge_is_found(acme):
    hold = acme.hold(1_500_000)
    moved = give_back(acme, hold.generation_id, 1)
    acme.end(hold, 1_500_000)

    assert findings() == [("refund", f"transfer {moved.id}")]


@pytest.mark.usefixtures("unguarded")
def test_a_proof_from_a_checkpoint_counts_the_refunds_before_it(acme):
    generation = charged(acme, 1_500_000)
    give_back(acme, generation, 1_000_000)
    proved = walk.Walk()
    assert [finding for prove in proved.steps() for finding in prove()] == []
    moved = give_back(acme, generation, 500_001)

    since = [finding for prove in walk.Walk(proved.tenants).steps() for finding in prove()]

    assert [(finding.check, finding.object) for finding in since] == [
        ("refund", f"transfer {moved.id}")
    ]


def test_a_credit_for_a_generation_of_another_tenant_is_found(acme, other):
    theirs = charged(other, 0)

    moved = gift(acme, theirs)

    (finding,) = ledger_findings()
    assert (finding.check, finding.object) == ("credit", f"transfer {moved.id}")
    assert finding.message == f"names generation {theirs}, whose hold is of tenant {other.id}"


def test_credits_for_failed_generations_are_right_even_without_a_hold(acme):
    gift(acme, charged(acme, 0))
    gift(acme, new_uuid())

    assert findings() == []
