"""Reversals: a mistaken top-up or credit is taken back, with a link to it."""

from contextlib import suppress
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import AuditEvent
from billing.models import TenantBalance, Transfer
from billing.selectors.office.balances import available_to, statement
from billing.selectors.office.ledger import ledger_findings, ledger_totals
from billing.services.office.accounts import adjust, book_payment, credit, refund, reverse
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer, alone

pytestmark = pytest.mark.django_db


def taken_back(customer: LedgerCustomer, seq: int, amount: int | None = None) -> tuple[int, int]:
    done = reverse(
        tenant_id=customer.id,
        seq=seq,
        amount=None if amount is None else Micros(amount),
        reason="typed wrong",
        actor="test",
    )
    return done.amount, done.shortfall


def paid(customer: LedgerCustomer, amount: int, reference: str) -> Transfer:
    return book_payment(
        tenant_id=customer.id, amount=Micros(amount), reason=reference, actor="test"
    )


def tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")


def test_a_payment_typed_wrong_is_reversed_and_its_reference_booked_again(acme):
    paid(acme, 999_999_000_000, "INV-1")

    assert taken_back(acme, 2) == (999_999_000_000, 0)
    paid(acme, 99_000_000, "inv-1")

    assert [
        (line.kind, line.amount, line.available_after, line.reverses_seq)
        for line in statement(acme.id)
    ] == [
        ("top_up", 10_000_000, 10_000_000, None),
        ("top_up", 999_999_000_000, 1_000_009_000_000, None),
        ("reversal", 999_999_000_000, 10_000_000, 2),
        ("top_up", 99_000_000, 109_000_000, None),
    ]
    totals = ledger_totals()
    assert (totals["top_ups"], totals["credits"]) == ("109.000000", "0.000000")
    assert ledger_findings() == []


def test_a_reversal_is_in_the_audit_log_with_what_it_takes_back(acme):
    taken_back(acme, 1, 4_000_000)

    event = AuditEvent.objects.get(action="balance.reversal")
    assert (event.tenant_id, event.before, event.after) == (
        acme.id,
        {"available_micros": 10_000_000},
        {"available_micros": 6_000_000, "words": "typed wrong", "reverses_seq": 1},
    )


def test_a_credit_goes_back_to_where_it_came_from(acme):
    credit(tenant_id=acme.id, amount=Micros(3_000_000), reason="gift", actor="test")

    assert taken_back(acme, 2, 1_000_000) == (1_000_000, 2_000_000)

    assert ledger_totals()["credits"] == "2.000000"
    assert ledger_findings() == []


def test_without_an_amount_as_much_is_taken_back_as_is_available(acme):
    acme.hold(1_000_000)
    acme.end(acme.hold(3_000_000), 3_000_000)

    assert taken_back(acme, 1) == (6_000_000, 4_000_000)

    assert available_to(acme.id) == 0


@pytest.mark.parametrize(
    ("seq", "amount", "said"),
    [
        (1, 7_000_001, r"from \$0.000001 to \$7.00 of transfer 1 .* \$10.00 of it is left"),
        (1, 7_000_001, r"\$7.00 is available, \$3.00 too little"),
        (1, 0, r"from \$0.000001"),
        (1, -1, r"from \$0.000001"),
        (2, 1, "no top-up or credit with the number 2"),
        (3, 1, "no top-up or credit with the number 3"),
    ],
)
def test_more_than_can_be_is_refused_with_the_shortfall(acme, other, seq, amount, said):
    acme.hold(3_000_000)

    with pytest.raises(ValidationError, match=said):
        taken_back(acme, seq, amount)

    assert available_to(acme.id) == 7_000_000
    assert ledger_findings() == []


def test_a_reversal_cannot_exceed_the_rest_of_its_transfer(acme):
    paid(acme, 5_000_000, "INV-1")
    assert taken_back(acme, 2, 2_000_000) == (2_000_000, 3_000_000)
    with pytest.raises(ValidationError, match=r"\$3\.00 of it is left"):
        taken_back(acme, 2, 3_000_001)
    with pytest.raises(ValidationError, match=r"as transfer 2; \$3\.00 of it is not"):
        paid(acme, 1, "INV-1")
    assert taken_back(acme, 2) == (3_000_000, 0)

    with pytest.raises(ValidationError, match="transfer 2 is reversed already"):
        taken_back(acme, 2)

    assert available_to(acme.id) == 10_000_000


def test_nothing_is_taken_back_of_what_is_spent(acme):
    acme.end(acme.hold(10_000_000), 10_000_000)

    with pytest.raises(ValidationError, match=r"\$0\.00 is available, \$10\.00 too little"):
        taken_back(acme, 1)


@pytest.mark.parametrize("seq", [2, 3, 4, 5, 6])
def test_neither_refunds_nor_adjustments_nor_reversals_are_reversed(acme, seq):
    hold = acme.hold(1_000_000)
    acme.end(hold, 1_000_000)
    refund(
        tenant_id=acme.id, generation_id=hold.generation_id, amount=Micros(1), reason="",
        actor="test",
    )  # fmt: skip
    adjust(tenant_id=acme.id, amount=Micros(5), reason="", actor="test")
    taken_back(acme, 1, 1)
    assert [line.kind for line in statement(acme.id)][-3:] == ["refund", "adjustment", "reversal"]

    with pytest.raises(ValidationError, match="no top-up or credit"):
        taken_back(acme, seq)


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ("reverses_seq = 2 WHERE kind = 'reversal'", "seal"),
        ("reverses_seq = NULL WHERE kind = 'reversal'", "seal"),
        ("reverses_seq = 2 WHERE kind = 'reversal'", "reversal"),
        ("reverses_seq = NULL WHERE kind = 'reversal'", "accounts of a transfer"),
        ("reverses_seq = 1 WHERE kind = 'hold'", "seal"),
        ("reverses_seq = 1 WHERE kind = 'hold'", "accounts of a transfer"),
        ("credit_id = 6 WHERE kind = 'reversal'", "reversal"),
        ("amount = 3000001 WHERE kind = 'top_up'", "reversal"),
        ("line = '' WHERE kind = 'reversal'", "accounts of a transfer"),
        ("corrects_id = gen_random_uuid() WHERE kind = 'reversal'", "accounts of a transfer"),
    ],
)
def test_a_changed_link_is_found(acme, changed, check):
    acme.hold(5)
    taken_back(acme, 1, 2_000_000)
    taken_back(acme, 1, 2_000_000)
    assert ledger_findings() == []

    tamper(f"UPDATE billing_transfer SET {changed}")  # noqa: S608 - our own words

    assert check in {finding.check for finding in ledger_findings()}


def test_a_reversal_that_nobody_made_is_unexplained(acme):
    taken_back(acme, 1, 2_000_000)

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM accounts_auditevent WHERE action = 'balance.reversal'")

    assert "unexplained" in {finding.check for finding in ledger_findings()}


@pytest.mark.django_db(transaction=True)
def test_two_reversals_at_once_take_back_one_payment(acme, pool):
    both = Barrier(2)

    def take() -> object:
        both.wait()
        try:
            return taken_back(acme, 1)
        except ValidationError as error:
            return error.messages

    results = [pool.submit(alone, take) for _ in range(2)]

    assert sorted(str(result.result()) for result in results) == [
        "(10000000, 0)",
        "['transfer 1 is reversed already']",
    ]
    assert ledger_findings() == []


@pytest.mark.django_db(transaction=True)
def test_holds_beside_reversals_never_spend_what_is_taken_back(acme, pool):
    both = Barrier(2)

    def hold() -> int:
        both.wait()
        placed = 0
        for _ in range(12):
            with suppress(InsufficientQuota):
                acme.hold(1_000_000)
                placed += 1
        return placed

    def take() -> int:
        both.wait()
        back = 0
        for _ in range(12):
            with suppress(ValidationError):
                back += taken_back(acme, 1, 1_000_000)[0]
        return back

    placed, back = pool.submit(alone, hold), pool.submit(alone, take)

    assert placed.result() * 1_000_000 + back.result() == 10_000_000
    balance = TenantBalance.objects.get(tenant_id=acme.id)
    assert (balance.available, balance.held) == (0, placed.result() * 1_000_000)
    assert ledger_findings() == []
