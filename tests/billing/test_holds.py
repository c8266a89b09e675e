"""Holds placed, settled and given back; budgets and requests in flight."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from billing.selectors.office.balances import available_to, balance_of, statement
from billing.selectors.office.ledger import ledger_findings, ledger_totals
from billing.services import Hold, LedgerError, end_hold
from billing.services.office.accounts import adjust, credit, refund, top_up
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import place_hold

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

REAL_RULE = "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL pictor.keep_ledger = 'on'; "
"""Without it, a test database lets TRUNCATE pass (accounts 0003)."""


def lines(tenant_id: UUID) -> list[tuple[str, int, int | None, int | None]]:
    """A statement as tuples: kind, amount, available and held afterwards."""
    return [
        (line.kind, line.amount, line.available_after, line.held_after)
        for line in statement(tenant_id)
    ]


def test_a_hold_moves_money_from_available_to_held(acme):
    acme.hold(4_000_000)

    balance = balance_of(acme.id)
    assert (balance.available, balance.held, balance.in_flight) == (6_000_000, 4_000_000, 1)
    assert lines(acme.id) == [
        ("top_up", 10_000_000, 10_000_000, 0),
        ("hold", 4_000_000, 6_000_000, 4_000_000),
    ]


def test_settling_charges_what_is_due_and_gives_the_rest_back(acme):
    hold = acme.hold(4_000_000)

    acme.end(hold, 1_500_000)

    balance = balance_of(acme.id)
    assert (balance.available, balance.held, balance.in_flight) == (8_500_000, 0, 0)
    assert lines(acme.id)[2:] == [
        ("capture", 1_500_000, 6_000_000, 2_500_000),
        ("release", 2_500_000, 8_500_000, 0),
    ]
    assert ledger_findings() == []


def test_charging_all_of_a_hold_is_one_transfer(acme):
    hold = acme.hold(4_000_000)

    acme.end(hold, 4_000_000)

    assert lines(acme.id)[2:] == [("capture", 4_000_000, 6_000_000, 0)]
    assert ledger_findings() == []


def test_releasing_gives_all_of_it_back(acme):
    hold = acme.hold(4_000_000)

    acme.end(hold, 0)

    assert lines(acme.id)[2:] == [("release", 4_000_000, 10_000_000, 0)]
    assert ledger_findings() == []


def test_a_hold_of_nothing_only_counts_the_request(acme):
    hold = acme.hold(0)

    assert balance_of(acme.id).in_flight == 1
    acme.end(hold, 0)

    assert balance_of(acme.id).in_flight == 0
    assert len(statement(acme.id)) == 1
    assert ledger_findings() == []


def test_a_hold_and_its_end_are_one_prepared_statement_each(
    acme, django_assert_num_queries, prepared_statements
):
    with transaction.atomic(), django_assert_num_queries(0):
        place_hold(
            tenant_id=acme.id,
            key_id=acme.key.id,
            generation_id=(generation := new_uuid()),
            amount=Micros(100),
            now=datetime(2026, 11, 20, tzinfo=UTC),
        )

    hold = Hold(acme.id, acme.key.id, generation, Micros(100), datetime(2026, 11, 20, tzinfo=UTC))
    with transaction.atomic(), django_assert_num_queries(0):
        end_hold(hold=hold, captured=Micros(50))

    assert len(prepared_statements) == 2


def test_the_last_micro_can_be_held(acme):
    acme.hold(10_000_000)

    assert available_to(acme.id) == 0


def test_a_balance_that_is_too_low_says_how_much_is_missing(acme):
    with pytest.raises(InsufficientQuota, match=r"balance .* 0\.500000 USD is missing"):
        acme.hold(10_500_000)

    assert available_to(acme.id) == 10_000_000
    assert ledger_findings() == []


def test_a_tenant_without_an_account_has_no_balance(acme, now):
    stranger = new_uuid()

    with pytest.raises(InsufficientQuota, match=r"0\.000100 USD is missing"), transaction.atomic():
        place_hold(
            tenant_id=stranger,
            key_id=acme.key.id,
            generation_id=new_uuid(),
            amount=Micros(100),
            now=now,
        )


def test_a_second_end_of_the_same_hold_is_refused(acme):
    hold = acme.hold(1_000_000)
    acme.hold(1_000_000)
    acme.end(hold, 400_000)

    with pytest.raises(LedgerError, match="no open hold"):
        acme.end(hold, 400_000)

    assert balance_of(acme.id).held == 1_000_000


def test_a_hold_that_was_captured_whole_cannot_be_released_as_well(acme):
    hold = acme.hold(1_000_000)
    acme.hold(1_000_000)
    acme.end(hold, 1_000_000)

    with pytest.raises(LedgerError, match="no open hold"):
        acme.end(hold, 0)

    assert balance_of(acme.id).held == 1_000_000


def test_more_than_was_held_is_never_charged(acme):
    hold = acme.hold(1_000_000)

    with pytest.raises(LedgerError, match="cannot capture"):
        acme.end(hold, 1_000_001)

    assert balance_of(acme.id).held == 1_000_000


@pytest.mark.parametrize("captured", [-1, 2])
def test_a_charge_outside_the_hold_is_refused_before_the_database(captured, now):
    hold = Hold(new_uuid(), new_uuid(), new_uuid(), Micros(1), now)

    with pytest.raises(LedgerError), transaction.atomic():
        end_hold(hold=hold, captured=Micros(captured))


def test_a_hold_that_was_never_placed_cannot_end(acme, now):
    acme.hold(1_000_000)
    invented = Hold(acme.id, acme.key.id, new_uuid(), Micros(1_000_000), now)

    with pytest.raises(LedgerError, match="no open hold"):
        acme.end(invented, 1_000_000)


def test_a_hold_cannot_end_as_another_amount(acme):
    placed = acme.hold(1_000_000)
    smaller = Hold(
        placed.tenant_id,
        placed.key_id,
        placed.generation_id,
        Micros(900_000),
        placed.placed_at,
    )

    with pytest.raises(LedgerError, match="no open hold"):
        acme.end(smaller, 900_000)


def test_a_hold_cannot_be_negative(acme):
    with pytest.raises(LedgerError, match="negative"):
        acme.hold(-1)


@pytest.mark.django_db(transaction=True)
def test_a_hold_ends_only_in_the_callers_transaction(acme, now):
    hold = Hold(acme.id, acme.key.id, new_uuid(), Micros(1), now)

    with pytest.raises(LedgerError, match="inside"):
        end_hold(hold=hold, captured=Micros(0))


# --- moves by people ----------------------------------------------------------------------------


def test_top_ups_credits_refunds_and_adjustments_are_transfers(acme):
    hold = acme.hold(2_000_000)
    acme.end(hold, 2_000_000)

    top_up(tenant_id=acme.id, amount=Micros(500_000), reason="card", actor="test")
    credit(tenant_id=acme.id, amount=Micros(250_000), reason="welcome", actor="test")
    refund_of(hold, 1_000_000, to=acme.id)
    adjust(tenant_id=acme.id, amount=Micros(10), reason="rounding", actor="test")
    adjust(tenant_id=acme.id, amount=Micros(-20), reason="rounding", actor="test")

    assert [line[:3] for line in lines(acme.id)[3:]] == [
        ("top_up", 500_000, 8_500_000),
        ("credit", 250_000, 8_750_000),
        ("refund", 1_000_000, 9_750_000),
        ("adjustment", 10, 9_750_010),
        ("adjustment", 20, 9_749_990),
    ]
    assert ledger_findings() == []
    assert ledger_totals() == {
        "transfers": 8,
        "tenants": 1,
        "available": "9.749990",
        "held": "0.000000",
        "platform_revenue": "1.000000",
        "upstream_cost": "0.000000",
        "losses": "0.000000",
        "top_ups": "10.500000",
        "credits": "0.249990",
        "owed": "0.000000",
        "refunding": "0.000000",
    }


def refund_of(hold: Hold, amount: int, *, to: UUID) -> None:
    refund(
        tenant_id=to,
        generation_id=hold.generation_id,
        amount=Micros(amount),
        reason="bad image",
        actor="test",
    )


def test_no_more_is_refunded_than_was_charged_and_not_refunded_yet(acme):
    hold = acme.hold(2_000_000)
    acme.end(hold, 1_500_000)
    refund_of(hold, 1_000_000, to=acme.id)

    with pytest.raises(ValidationError, match=r"only \$0\.50 of it"):
        refund_of(hold, 500_001, to=acme.id)

    refund_of(hold, 500_000, to=acme.id)
    assert available_to(acme.id) == 10_000_000
    assert ledger_findings() == []


def test_an_open_hold_or_anothers_charge_is_not_refunded(acme, other):
    open_hold, elsewhere = acme.hold(2_000_000), other.hold(2_000_000)
    other.end(elsewhere, 2_000_000)

    with pytest.raises(ValidationError, match=r"only \$0\.00 of it"):
        refund_of(open_hold, 1, to=acme.id)
    with pytest.raises(ValidationError, match=r"only \$0\.00 of it"):
        refund_of(elsewhere, 1, to=acme.id)


def test_a_refund_of_nothing_is_refused(acme):
    hold = acme.hold(2_000_000)
    acme.end(hold, 2_000_000)

    with pytest.raises(ValidationError, match="above 0"):
        refund_of(hold, 0, to=acme.id)


def test_statement_lines_can_be_read_a_page_at_a_time(acme):
    acme.hold(1)
    acme.hold(2)

    assert [line.seq for line in statement(acme.id, after_seq=1, limit=1)] == [2]


def test_an_adjustment_takes_no_more_than_is_available(acme):
    acme.hold(9_000_000)

    with pytest.raises(ValidationError, match=r"only \$1\.00 is"):
        adjust(tenant_id=acme.id, amount=Micros(-1_000_001), reason="typo", actor="test")

    assert available_to(acme.id) == 1_000_000


def test_a_movement_of_nothing_is_refused(acme):
    with pytest.raises(ValidationError, match="above 0"):
        adjust(tenant_id=acme.id, amount=Micros(0), reason="typo", actor="test")


# --- the table itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_transfer SET amount = 1",
        "UPDATE billing_transfer SET reason = 'x' WHERE false",
        "DELETE FROM billing_transfer",
        REAL_RULE + "TRUNCATE billing_transfer",
        "SET LOCAL session_replication_role = replica; DELETE FROM billing_transfer",
    ],
)
def test_the_ledger_cannot_be_rewritten(acme, sql):
    with (
        pytest.raises(IntegrityError, match="billing_transfer is append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("UPDATE billing_tenantbalance SET available = -1", "balances_are_never_negative"),
        ("UPDATE billing_tenantbalance SET held = -1", "balances_are_never_negative"),
        ("UPDATE billing_tenantbalance SET in_flight = -1", "in_flight_is_never_negative"),
    ],
)
def test_a_balance_below_zero_is_refused_by_the_database(acme, sql, constraint):
    with (
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_a_tenant_without_an_account_has_a_balance_of_nothing():
    assert balance_of(new_uuid()).available == 0
