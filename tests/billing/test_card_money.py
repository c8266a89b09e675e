"""Card money: paid, paid back, taken back and reinstated, each movement once."""

from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import AuditEvent
from billing.models import Account, TenantBalance, Transfer
from billing.selectors.office.balances import statement
from billing.selectors.office.ledger import ledger_findings, ledger_totals
from billing.services.office import card_money
from billing.services.office.accounts import credit, enter, left_of, reverse
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer, alone

pytestmark = pytest.mark.django_db

Kind = Transfer.Kind
TOP_UPS, REFUNDING = Account.Platform.TOP_UPS, Account.Platform.REFUNDING
DOLLAR = 1_000_000


def paid(customer: LedgerCustomer, dollars: int, line: str = "paid") -> Transfer:
    return card_money.top_up(
        tenant_id=customer.id, amount=Micros(dollars * DOLLAR), line=line, reason="Visa 4242"
    )


def back(customer: LedgerCustomer, dollars: int, line: str = "back", seq: int = 1) -> Transfer:
    return card_money.pay_back(
        tenant_id=customer.id,
        top_up_seq=seq,
        amount=Micros(dollars * DOLLAR),
        line=line,
        reason="as asked",
        actor="ann",
    )


def taken(
    customer: LedgerCustomer, dollars: int, line: str = "taken", seq: int = 1
) -> list[Transfer]:
    return card_money.charge_back(
        tenant_id=customer.id,
        top_up_seq=seq,
        amount=Micros(dollars * DOLLAR),
        line=line,
        reason="disputed",
    )


def won(customer: LedgerCustomer, dollars: int, line: str = "won", seq: int = 1) -> list[Transfer]:
    return card_money.reinstate(
        tenant_id=customer.id,
        top_up_seq=seq,
        amount=Micros(dollars * DOLLAR),
        line=line,
        taken_line="taken",
    )


def spent(customer: LedgerCustomer, dollars: int) -> None:
    customer.end(customer.hold(dollars * DOLLAR), dollars * DOLLAR)


def standing(customer: LedgerCustomer) -> tuple[int, int, int]:
    """Dollars available, on hold and owed."""
    row = TenantBalance.objects.get(tenant_id=customer.id)
    return row.available // DOLLAR, row.held // DOLLAR, row.owed // DOLLAR


def moved(customer: LedgerCustomer) -> list[tuple[str, str, str, int]]:
    return [
        (line.kind, line.debit.kind, line.credit.kind, line.amount // DOLLAR)
        for line in statement(customer.id)
    ]


@pytest.fixture
def payer(db):
    """A workspace without money."""
    return LedgerCustomer("payer", 0)


def test_a_payment_is_available_and_names_its_movement(payer):
    top_up = paid(payer, 20)

    assert moved(payer) == [("top_up", "top_ups", "available", 20)]
    assert (top_up.line, top_up.reason, standing(payer)) == ("paid", "Visa 4242", (20, 0, 0))
    event = AuditEvent.objects.get(action="balance.top_up")
    assert (event.actor_name, event.after) == (
        "card payments",
        {"available_micros": 20_000_000, "words": "Visa 4242"},
    )
    assert ledger_findings() == []


def test_a_suspended_workspace_gets_what_it_paid(payer):
    payer.tenant.status = "suspended"
    payer.tenant.save()

    paid(payer, 20)

    assert standing(payer) == (20, 0, 0)


def test_money_is_set_aside_before_it_is_paid_back(payer):
    paid(payer, 20)

    back(payer, 5)
    assert standing(payer) == (15, 0, 0)
    card_money.paid_back(tenant_id=payer.id, line="back")

    assert moved(payer)[1:] == [
        ("pay_back", "available", "refunding", 5),
        ("paid_back", "refunding", "top_ups", 5),
    ]
    assert {(line.line, line.reverses_seq) for line in statement(payer.id)[1:]} == {("back", 1)}
    assert (standing(payer), left_of(statement(payer.id)[0])) == ((15, 0, 0), 15_000_000)
    assert ledger_totals()["top_ups"] == "15.000000"
    assert ledger_findings() == []


@pytest.mark.parametrize(("is_late", "source"), [(False, "refunding"), (True, "top_ups")])
def test_a_pay_back_that_fails_is_available_again_also_weeks_later(payer, is_late, source):
    paid(payer, 20)
    back(payer, 5)
    if is_late:
        card_money.paid_back(tenant_id=payer.id, line="back")

    card_money.pay_back_failed(tenant_id=payer.id, line="back")

    assert moved(payer)[-1] == ("pay_back_fail", source, "available", 5)
    assert (standing(payer), left_of(statement(payer.id)[0])) == ((20, 0, 0), 20_000_000)
    assert ledger_findings() == []


def test_a_pay_back_that_failed_is_not_paid_back_later(payer):
    paid(payer, 20)
    back(payer, 5)
    card_money.pay_back_failed(tenant_id=payer.id, line="back")

    with pytest.raises(ValidationError, match="the pay-back back has failed"):
        card_money.paid_back(tenant_id=payer.id, line="back")


def test_no_more_is_paid_back_than_is_left_or_available(payer):
    paid(payer, 20)
    back(payer, 5)
    credit(tenant_id=payer.id, amount=Micros(50_000_000), reason="gift", actor="test")

    with pytest.raises(
        ValidationError, match=r"at most \$15\.00 .* \$15\.00 is left .* \$65\.00 is available"
    ):
        back(payer, 16, "again")
    spent(payer, 60)
    with pytest.raises(ValidationError, match=r"at most \$5\.00 can be paid back now"):
        back(payer, 6, "again")


def test_a_credit_is_not_paid_back_to_a_card(acme):
    with pytest.raises(ValidationError, match="no payment by card with the number 1"):
        back(acme, 1)
    with pytest.raises(ValidationError, match="no payment by card with the number 1"):
        taken(acme, 1)


def test_a_payment_by_card_is_not_reversed(payer):
    paid(payer, 20)

    with pytest.raises(ValidationError, match="paid by card: it is paid back, never reversed"):
        reverse(tenant_id=payer.id, seq=1, reason="typed wrong", actor="test")


def test_a_chargeback_takes_what_is_there_and_the_rest_is_owed(payer):
    paid(payer, 20)
    spent(payer, 12)

    assert [each.amount for each in taken(payer, 20)] == [8_000_000, 12_000_000]

    assert moved(payer)[-2:] == [
        ("chargeback", "available", "top_ups", 8),
        ("chargeback", "owed", "top_ups", 12),
    ]
    assert (standing(payer), left_of(statement(payer.id)[0])) == ((0, 0, 12), 0)
    assert ledger_findings() == []


def test_a_payment_that_was_paid_back_can_be_taken_back_as_well(payer):
    paid(payer, 20)
    back(payer, 20)

    taken(payer, 20)

    assert (standing(payer), left_of(statement(payer.id)[0])) == ((0, 0, 20), -20_000_000)
    with pytest.raises(ValidationError, match=r"at most \$0\.00"):
        back(payer, 1, "again")
    assert ledger_findings() == []


def test_what_was_taken_is_reinstated_owed_first(payer):
    paid(payer, 20)
    spent(payer, 12)
    taken(payer, 20)
    card_money.top_up(tenant_id=payer.id, amount=Micros(5 * DOLLAR), line="next", reason="Visa")

    won(payer, 20)

    assert moved(payer)[-3:] == [
        ("repayment", "available", "owed", 5),
        ("reinstated", "top_ups", "owed", 7),
        ("reinstated", "top_ups", "available", 13),
    ]
    assert standing(payer) == (13, 0, 0)
    assert ledger_findings() == []


def test_exactly_what_was_taken_is_reinstated(payer):
    paid(payer, 20)
    taken(payer, 10)
    won(payer, 4)

    with pytest.raises(ValidationError, match=r"only \$6\.00 of it was taken"):
        won(payer, 7, "again")
    won(payer, 6, "again")
    with pytest.raises(ValidationError, match=r"only \$0\.00 of it was taken"):
        won(payer, 1, "once more")

    assert standing(payer) == (20, 0, 0)
    assert ledger_findings() == []


def test_a_payment_may_be_taken_back_reinstated_and_taken_back_again(payer):
    paid(payer, 20)
    taken(payer, 20)
    won(payer, 20)

    taken(payer, 20, "taken again")

    assert standing(payer) == (0, 0, 0)
    assert ledger_findings() == []


def test_each_movement_is_booked_once(payer):
    def everything() -> list[int | None]:
        booked = [paid(payer, 20), back(payer, 5)]
        booked += [card_money.paid_back(tenant_id=payer.id, line="back")]
        booked += [card_money.pay_back_failed(tenant_id=payer.id, line="back")]
        booked += [*taken(payer, 20), *won(payer, 20)]
        return [each.seq for each in booked]

    assert everything() == everything() == [1, 2, 3, 4, 5, 6]
    assert len(statement(payer.id)) == 6


def forged(
    kind: Kind, seq: int = 1, debit: int = 0, credit_to: int = 0, dollars: int = 5
) -> Transfer:
    """A move as only a fault of ours could make it: sealed and audited; 0 is what is available."""
    balance = TenantBalance.objects.select_for_update().get()
    here = balance.available_account_id
    move = Transfer(
        kind=kind.value,
        amount=dollars * DOLLAR,
        debit_id=debit or here,
        credit_id=credit_to or here,
        line="back",
        reverses_seq=seq,
    )
    return enter(balance, move, {"actor": "test", "reason": ""})


@pytest.mark.parametrize(
    "forge",
    [
        lambda: forged(Kind.PAY_BACK, credit_to=REFUNDING, dollars=16),
        lambda: forged(Kind.PAY_BACK, credit_to=REFUNDING, seq=2),
        lambda: forged(Kind.PAY_BACK, credit_to=REFUNDING, seq=9),
        lambda: [forged(Kind.PAY_BACK, credit_to=REFUNDING) for _ in range(2)],
        lambda: forged(Kind.PAID_BACK, debit=REFUNDING, credit_to=TOP_UPS),
        lambda: forged(Kind.PAY_BACK_FAILED, debit=REFUNDING),
        lambda: [
            forged(Kind.PAY_BACK, credit_to=REFUNDING),
            forged(Kind.PAY_BACK_FAILED, debit=TOP_UPS),
        ],
        lambda: [
            forged(Kind.PAY_BACK, credit_to=REFUNDING),
            forged(Kind.PAID_BACK, debit=REFUNDING, credit_to=TOP_UPS, dollars=4),
        ],
        lambda: forged(Kind.REINSTATED, debit=TOP_UPS),
        lambda: forged(Kind.CHARGEBACK, credit_to=TOP_UPS, seq=2),
    ],
)
def test_a_move_that_does_not_fit_its_payment_is_found(payer, forge):
    paid(payer, 15)
    credit(tenant_id=payer.id, amount=Micros(9 * DOLLAR), reason="gift", actor="test")
    assert ledger_findings() == []

    forge()

    assert {finding.check for finding in ledger_findings()} == {"card money"}


@pytest.mark.parametrize("dollars", [0, -1])
def test_nothing_is_no_movement(payer, dollars):
    paid(payer, 20)
    taken(payer, 5)

    for movement in (paid, back, taken, won):
        with pytest.raises(ValidationError):
            movement(payer, dollars, "other")


@pytest.mark.django_db(transaction=True)
def test_two_bookings_of_one_payment_at_once_add_it_once(payer, pool):
    both = Barrier(2)

    def book() -> int | None:
        both.wait(10)
        with transaction.atomic():
            return paid(payer, 20).seq

    ends = [pool.submit(alone, book) for _ in range(2)]

    assert [end.result(20) for end in ends] == [1, 1]
    assert standing(payer) == (20, 0, 0)
