"""Holds placed, settled and given back; budgets and requests in flight."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services import issue_api_key
from billing.models import KeyBudget
from billing.selectors import (
    available_to,
    balance_of,
    ledger_findings,
    ledger_totals,
    statement,
)
from billing.services import (
    Hold,
    HoldLimits,
    LedgerError,
    adjust,
    credit,
    end_hold,
    place_hold,
    refund,
    release,
    settle,
    top_up,
)
from pictor.kit.errors import InsufficientQuota, RateLimited
from pictor.kit.ids import new_uuid
from pictor.kit.money import Micros

pytestmark = pytest.mark.django_db


def lines(tenant_id):
    """A statement as tuples: kind, amount, available and held afterwards."""
    return [
        (line.kind, line.amount, line.available_after, line.held_after)
        for line in statement(tenant_id)
    ]


def budget_of(customer):
    return KeyBudget.objects.get(key=customer.key)


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

    with transaction.atomic():
        settle(hold=hold, due=Micros(1_500_000))

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

    with transaction.atomic():
        release(hold=hold)

    assert lines(acme.id)[2:] == [("release", 4_000_000, 10_000_000, 0)]
    assert ledger_findings() == []


def test_a_hold_of_nothing_only_counts_the_request(acme):
    hold = acme.hold(0)

    assert balance_of(acme.id).in_flight == 1
    acme.end(hold, 0)

    assert balance_of(acme.id).in_flight == 0
    assert len(statement(acme.id)) == 1
    assert ledger_findings() == []


def test_a_hold_and_its_end_are_one_statement_each(acme, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1):
        place_hold(
            tenant_id=acme.id,
            key_id=acme.key.id,
            generation_id=(generation := new_uuid()),
            amount=Micros(100),
            now=datetime(2026, 11, 20, tzinfo=UTC),
        )

    hold = Hold(acme.id, acme.key.id, generation, Micros(100), datetime(2026, 11, 20, tzinfo=UTC))
    with transaction.atomic(), django_assert_num_queries(1):
        end_hold(hold=hold, captured=Micros(50))


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

    with pytest.raises(IntegrityError, match="one_hold_capture_release"):
        acme.end(hold, 400_000)

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

    with pytest.raises(LedgerError, match="no hold"):
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

    with pytest.raises(LedgerError, match="no hold"):
        acme.end(smaller, 900_000)


def test_a_hold_cannot_be_negative(acme):
    with pytest.raises(LedgerError, match="negative"):
        acme.hold(-1)


@pytest.mark.django_db(transaction=True)
def test_holds_need_the_callers_transaction(acme, now):
    hold = Hold(acme.id, acme.key.id, new_uuid(), Micros(1), now)

    with pytest.raises(LedgerError, match="inside"):
        place_hold(
            tenant_id=acme.id,
            key_id=acme.key.id,
            generation_id=hold.generation_id,
            amount=hold.amount,
            now=now,
        )
    with pytest.raises(LedgerError, match="inside"):
        end_hold(hold=hold, captured=Micros(0))


# --- requests in flight -------------------------------------------------------------------------


def test_a_tenants_requests_in_flight_are_capped(acme):
    limits = HoldLimits(tenant_in_flight=2)
    first = acme.hold(1, limits=limits)
    acme.hold(1, limits=limits)

    with pytest.raises(RateLimited, match="This account may have 2") as refusal:
        acme.hold(1, limits=limits)

    assert (refusal.value.code, refusal.value.retry_after) == ("concurrency_limit_exceeded", 1)
    acme.end(first, 1)
    acme.hold(1, limits=limits)
    assert ledger_findings() == []


@pytest.mark.parametrize("limit", [0, 1])
def test_a_keys_requests_in_flight_are_capped(acme, limit):
    holds = [acme.hold(1) for _ in range(limit)]

    with pytest.raises(RateLimited, match=f"This API key may have {limit}"):
        acme.hold(1, limits=HoldLimits(key_in_flight=limit))

    assert balance_of(acme.id).in_flight == len(holds)
    assert ledger_findings() == []


# --- budgets ------------------------------------------------------------------------------------


def test_a_daily_budget_counts_what_is_held_and_charged(acme):
    limits = HoldLimits(key_budget_day=Micros(1_000_000))
    hold = acme.hold(700_000, limits=limits)

    with pytest.raises(InsufficientQuota, match=r"daily budget .* 0\.100000 USD is missing") as no:
        acme.hold(400_000, limits=limits)

    assert "2026-11-21T00:00:00Z" in no.value.message
    acme.end(hold, 500_000)
    acme.hold(500_000, limits=limits)
    assert budget_of(acme).day_used_micros == 1_000_000
    assert ledger_findings() == []


def test_a_first_request_above_the_budget_is_refused(acme):
    with pytest.raises(InsufficientQuota, match=r"monthly budget .* 0\.000001 USD is missing"):
        acme.hold(1_000_001, limits=HoldLimits(key_budget_month=Micros(1_000_000)))

    assert not KeyBudget.objects.filter(key=acme.key).exists()
    assert available_to(acme.id) == 10_000_000


def test_a_budget_of_nothing_lets_nothing_through(acme):
    with pytest.raises(InsufficientQuota, match="daily budget"):
        acme.hold(1, limits=HoldLimits(key_budget_day=Micros(0)))


def test_a_new_day_starts_the_daily_budget_again_but_not_the_monthly(acme, now):
    limits = HoldLimits(key_budget_day=Micros(600_000), key_budget_month=Micros(1_000_000))
    acme.hold(600_000, limits=limits, now=now)

    with pytest.raises(InsufficientQuota, match=r"monthly budget .* 0\.200000") as refusal:
        acme.hold(600_000, limits=limits, now=now + timedelta(days=1))

    assert "2026-12-01T00:00:00Z" in refusal.value.message
    acme.hold(400_000, limits=limits, now=now + timedelta(days=1))
    acme.hold(600_000, limits=limits, now=now + timedelta(days=12))
    row = budget_of(acme)
    assert (row.day_used_micros, row.month_used_micros) == (600_000, 600_000)
    assert (row.day.isoformat(), row.month.isoformat()) == ("2026-12-02", "2026-12-01")


def test_a_hold_of_yesterday_gives_back_to_yesterday(acme, now):
    yesterdays = acme.hold(500_000, now=now)
    acme.hold(300_000, now=now + timedelta(days=1))

    acme.end(yesterdays, 100_000)

    row = budget_of(acme)
    assert (row.day_used_micros, row.month_used_micros) == (300_000, 400_000)


def test_a_clock_that_runs_behind_does_not_reset_the_window(acme, now):
    acme.hold(500_000, now=now + timedelta(days=1))
    acme.hold(300_000, now=now)

    row = budget_of(acme)
    assert (row.day_used_micros, row.day.isoformat()) == (800_000, "2026-11-21")


def test_each_key_has_its_own_budget(acme, now):
    limits = HoldLimits(key_budget_day=Micros(1_000_000))
    acme.hold(1_000_000, limits=limits)
    acme.key, _ = issue_api_key(tenant=acme.tenant, name="second", actor="test")

    acme.hold(1_000_000, limits=limits)

    assert balance_of(acme.id).held == 2_000_000
    assert ledger_findings() == []


# --- what people move -----------------------------------------------------------------------------


def test_top_ups_credits_refunds_and_adjustments_are_transfers(acme):
    acme.end(acme.hold(2_000_000), 2_000_000)

    top_up(tenant_id=acme.id, amount=Micros(500_000), reason="card", actor="test")
    credit(tenant_id=acme.id, amount=Micros(250_000), reason="welcome", actor="test")
    refund(tenant_id=acme.id, amount=Micros(1_000_000), reason="bad image", actor="test")
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
    }


def test_statement_lines_can_be_read_a_page_at_a_time(acme):
    acme.hold(1)
    acme.hold(2)

    assert [line.seq for line in statement(acme.id, after_seq=1, limit=1)] == [2]


# --- the table itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_transfer SET amount = 1",
        "UPDATE billing_transfer SET reason = 'x' WHERE false",
        "DELETE FROM billing_transfer",
        "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL pictor.keep_ledger = 'on';"
        " TRUNCATE billing_transfer",
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
