"""What is owed stops work that costs money, and is repaid from the next money."""

from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from billing.models import TenantBalance
from billing.selectors.office.balances import balance_of, statement
from billing.selectors.office.budgets import StoppedBy, what_stops
from billing.selectors.office.ledger import ledger_findings, ledger_totals
from billing.selectors.office.proof import proof_of
from billing.services.office import card_money
from billing.services.office.accounts import adjust, credit, refund, top_up
from billing.tasks import repay_what_is_owed
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer, alone

pytestmark = pytest.mark.django_db

DOLLAR = 1_000_000


def paid_and_taken(customer: LedgerCustomer, dollars: int, line: str = "taken") -> None:
    """A payment by card that its bank takes back, as a movement of this name."""
    paid = card_money.top_up(
        tenant_id=customer.id, amount=Micros(dollars * DOLLAR), line=f"{line} paid", reason="Visa"
    )
    if (available := balance_of(customer.id).available) > 0:
        customer.end(customer.hold(available), available)
    card_money.charge_back(
        tenant_id=customer.id,
        top_up_seq=paid.seq or 0,
        amount=Micros(dollars * DOLLAR),
        line=line,
        reason="disputed",
    )


def standing(customer: LedgerCustomer) -> tuple[int, int, int]:
    row = TenantBalance.objects.get(tenant_id=customer.id)
    return row.available // DOLLAR, row.held // DOLLAR, row.owed // DOLLAR


@pytest.fixture
def owing(db):
    """A workspace that owes 20 USD."""
    customer = LedgerCustomer("owing", 0)
    paid_and_taken(customer, 20)
    return customer


def test_a_hold_is_refused_with_the_amount_and_the_page(owing, settings):
    settings.SITE_URL = "https://images.example"

    with pytest.raises(InsufficientQuota) as refused:
        owing.hold(1)

    assert refused.value.limit == "owed"
    assert refused.value.message == (
        "You owe $20.00: a payment was taken back. Add funds at"
        f" https://images.example/console/{owing.tenant.public_id}/billing/."
    )
    assert standing(owing) == (0, 0, 20)


def test_a_site_without_an_address_names_the_page_alone(owing, settings):
    settings.SITE_URL = ""

    with pytest.raises(InsufficientQuota, match=r"Add funds on the Billing page\.$"):
        owing.hold(1)


def test_a_test_which_costs_nothing_is_not_refused(owing):
    owing.hold(0)

    assert balance_of(owing.id).in_flight == 1


def test_the_console_says_that_money_is_owed(owing):
    assert what_stops(owing.tenant, balance_of(owing.id)) == StoppedBy.OWED


@pytest.mark.parametrize("give", [top_up, credit, adjust])
def test_whatever_adds_money_repays_first(owing, give):
    given = give(tenant_id=owing.id, amount=Micros(30 * DOLLAR), reason="for it", actor="test")

    assert (given.amount, given.available_after) == (30 * DOLLAR, 30 * DOLLAR)
    assert [(line.kind, line.amount) for line in statement(owing.id)[-2:]] == [
        (given.kind, 30 * DOLLAR),
        ("repayment", 20 * DOLLAR),
    ]
    assert standing(owing) == (10, 0, 0)
    assert ledger_findings() == []


def test_the_next_payment_by_card_repays_a_part(owing):
    card_money.top_up(tenant_id=owing.id, amount=Micros(5 * DOLLAR), line="next", reason="Visa")

    assert standing(owing) == (0, 0, 15)
    with pytest.raises(InsufficientQuota, match=r"You owe \$15\.00"):
        owing.hold(1)


def test_a_refund_of_a_generation_repays_too(acme):
    hold = acme.hold(4 * DOLLAR)
    acme.end(hold, 4 * DOLLAR)
    paid_and_taken(acme, 20)

    refund(tenant_id=acme.id, generation_id=hold.generation_id, reason="sorry", actor="test")

    assert standing(acme) == (0, 0, 16)
    assert ledger_findings() == []


def test_a_repaid_debt_stops_nothing(owing):
    credit(tenant_id=owing.id, amount=Micros(21 * DOLLAR), reason="gift", actor="test")

    owing.hold(DOLLAR)

    assert standing(owing) == (0, 1, 0)


def released_while_owing() -> LedgerCustomer:
    """A workspace that owes 6 USD, and whose hold of 4 is given back after that."""
    customer = LedgerCustomer("late", 0)
    paid = card_money.top_up(
        tenant_id=customer.id, amount=Micros(10 * DOLLAR), line="paid", reason="Visa"
    )
    hold = customer.hold(4 * DOLLAR)
    spent = customer.hold(6 * DOLLAR)
    customer.end(spent, 6 * DOLLAR)
    card_money.charge_back(
        tenant_id=customer.id,
        top_up_seq=paid.seq or 0,
        amount=Micros(6 * DOLLAR),
        line="taken",
        reason="disputed",
    )
    customer.end(hold, 0)
    return customer


def test_money_that_a_hold_releases_is_swept_and_stops_work_until_then(db):
    customer = released_while_owing()
    with pytest.raises(InsufficientQuota, match=r"You owe \$6\.00"):
        customer.hold(1)

    repay_what_is_owed()

    assert standing(customer) == (0, 0, 2)
    assert card_money.repay_what_is_owed() == 0
    assert ledger_findings() == []


def test_what_is_owed_goes_before_money_that_is_paid_back(db):
    customer = released_while_owing()

    with pytest.raises(ValidationError, match=r"\$0\.00 is available"):
        card_money.pay_back(
            tenant_id=customer.id,
            top_up_seq=1,
            amount=Micros(4 * DOLLAR),
            line="back",
            reason="as asked",
            actor="ann",
        )


def test_what_is_owed_is_in_the_proof_and_in_the_totals(owing):
    proof = proof_of(owing.id)

    assert (proof.owed, proof.adds_up, proof.came_in) == (20 * DOLLAR, True, 20 * DOLLAR)
    assert ledger_totals()["owed"] == "20.000000"


def test_a_debt_is_never_negative(owing):
    with pytest.raises(IntegrityError, match="owed_is_never_negative"), transaction.atomic():
        TenantBalance.objects.filter(tenant_id=owing.id).update(owed=-1)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_repay_once(pool):
    customer = released_while_owing()
    both = Barrier(2)

    def sweep() -> int:
        both.wait(10)
        return card_money.repay_what_is_owed()

    for end in [pool.submit(alone, sweep) for _ in range(2)]:
        end.result(20)

    assert standing(customer) == (0, 0, 2)
    assert [line.kind for line in statement(customer.id)].count("repayment") == 1


@pytest.mark.django_db(transaction=True)
def test_a_hold_and_a_chargeback_at_once_leave_nothing_below_0(pool):
    customer = LedgerCustomer("racing", 0)
    card_money.top_up(tenant_id=customer.id, amount=Micros(10 * DOLLAR), line="paid", reason="Visa")
    both = Barrier(2)

    def hold() -> str:
        both.wait(10)
        try:
            customer.hold(10 * DOLLAR)
        except InsufficientQuota as refused:
            return str(refused.limit)
        return "held"

    def take() -> None:
        both.wait(10)
        card_money.charge_back(
            tenant_id=customer.id,
            top_up_seq=1,
            amount=Micros(10 * DOLLAR),
            line="taken",
            reason="disputed",
        )

    held, taken = pool.submit(alone, hold), pool.submit(alone, take)
    taken.result(20)

    assert (held.result(20), standing(customer)) in [
        ("held", (0, 10, 10)),
        ("balance", (0, 0, 0)),
    ]
    assert ledger_findings() == []
