"""Findings, old proofs, price changes to come and low balances: each opens and ends."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from accounts.ledger import RequestedMove
from accounts.models import Tenant
from billing.models import LedgerProof, PriceBook, TenantBalance
from billing.price_stops import Confirmed
from billing.selectors import book_in_force, rows_of
from billing.selectors.office.findings import Finding
from billing.selectors.office.price_stops import stops_of
from billing.services import Usage, record_usage
from billing.services.office.moves import decline_move, move_money
from billing.services.office.price_lists import create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book, withdraw_price_book
from billing.services.office.proofs import record_proof
from generation.models import NO_PRICE, Condition, RefusedRequest
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.making.factories import ORIGIN, PayingCustomer, make_channel

FINDING = Finding("sums", "ten_1", "tenant ten_1", "has 5 micros too many")
WHOLE, LATEST = LedgerProof.Kind.WHOLE, LedgerProof.Kind.SINCE_CHECKPOINT


def spend(customer: PayingCustomer, micros: int, *, channel: str = "one") -> None:
    now = clock.now()
    record_usage(
        Usage(
            tenant_id=customer.tenant.id, key_id=customer.key.id, model=ORIGIN, tier="base",
            channel=channel, status="succeeded", at=now, images=1, captured=Micros(micros),
            took=timedelta(seconds=1),
        )
    )  # fmt: skip


def schedule(name: str, tenant_id: UUID | None, begins: datetime) -> PriceBook:
    now = clock.now()
    rows = rows_of(book_in_force(None, now))
    book = draft_price_book(
        name=name, effective_from=begins, tenant_id=tenant_id, actor="test", rows=rows
    )
    below_cost = stops_of(book, now).number_below_cost
    return publish_price_book(
        book=book, actor="test", now=now, confirmed=Confirmed("a test", below_cost=below_cost)
    )


@pytest.mark.parametrize("kind", [WHOLE, LATEST])
def test_a_finding_of_the_ledger_is_a_condition_until_a_proof_without_it(look, kind):
    record_proof(kind, began_at=clock.now(), findings=[FINDING])

    wrong = look(0)

    assert wrong == {("ledger_finding", "sums: tenant ten_1"): "has 5 micros too many"}
    record_proof(kind, began_at=clock.now(), findings=[])
    assert look(1) == {}


def test_findings_beyond_those_that_are_kept_are_counted(look):
    record_proof(WHOLE, began_at=clock.now(), findings=[FINDING] * 103)

    wrong = look(0)

    assert wrong == {
        ("ledger_finding", "sums: tenant ten_1"): "has 5 micros too many",
        ("ledger_finding", "whole: more"): "3 more findings",
    }


def test_a_proof_that_did_not_come_for_two_hours(look):
    at_first = look(0)
    in_time = look(119)

    late = look(121)

    assert (at_first, in_time) == ({}, {})
    assert late == {("ledger_unproved", "since_checkpoint"): "not proved for 2.0 hours"}
    record_proof(LATEST, began_at=clock.now(), findings=[])
    LedgerProof.objects.update(ended_at=clock.now() + timedelta(minutes=121))
    assert look(122) == {}


def test_sales_uncounted_for_five_minutes_are_a_condition(look):
    look(0)

    assert look(5, counted=0) == {}
    assert look(6, counted=0) == {
        ("sold_behind", "sold"): "sales of the last 6 minutes are not counted"
    }
    assert look(7) == {}


def test_a_whole_proof_that_did_not_come_for_26_hours(look):
    look(0)
    record_proof(LATEST, began_at=clock.now(), findings=[])
    LedgerProof.objects.update(ended_at=clock.now() + timedelta(hours=25))

    assert look(26 * 60 - 1) == {}
    assert look(26 * 60 + 1) == {("ledger_unproved", "whole"): "not proved for 26.0 hours"}


def test_a_scheduled_price_change_is_a_condition_a_week_ahead(acme, look):
    begins = (clock.now() + timedelta(days=7, minutes=1)).replace(microsecond=0)
    schedule("list", None, begins)
    special = schedule("special", acme.id, begins)
    schedule("shared", create_price_list(name="Resellers", actor="test").id, begins)

    assert look(0) == {}
    at = begins.isoformat(timespec="minutes")
    assert look(2) == {
        ("price_change", "list v2"): f"takes over for everyone at {at}",
        ("price_change", "special v1"): f"takes over for {acme.tenant.public_id} at {at}",
        ("price_change", "shared v1"): f"takes over for tenants on Resellers at {at}",
    }
    withdraw_price_book(book=special, actor="test")
    assert look(3).keys() == {("price_change", "list v2"), ("price_change", "shared v1")}
    assert look(8 * 24 * 60).get(("price_change", "list v2")) is None


def test_a_balance_is_a_condition_if_it_lasts_less_than_three_days(acme, other, look):
    spend(acme, 23_400_000)  # of 10,000,000 in a week: 2.99 days
    spend(other, 23_300_000)  # 3.004 days

    low = look(0)

    words = "$10.00 left, 3.0 days at this week's pace"
    assert low == {("balance_runs_out", acme.tenant.public_id): words}
    assert (
        Condition.objects.exclude(kind="part_fails").get().micros == 3_342_857
    )  # a day's spending
    TenantBalance.objects.update(available=11_000_000)
    assert look(1) == {}


def test_a_waiting_money_move_is_a_condition_until_it_is_decided(acme, look):
    requested = RequestedMove(
        tenant_id=acme.id, kind="top_up", amount=Micros(99_000_000_000), reason="INV-1"
    )
    waits = move_money(once=ids.new_uuid(), requested=requested, actor="ann", now=clock.now())

    found = look(1)

    words = f"top-up of $99,000.00 for {acme.tenant.name} waits: ann asked"
    assert found == {("money_waits", str(waits.id)): words}
    assert Condition.objects.exclude(kind="part_fails").get().micros == 99_000_000_000
    decline_move(move_id=waits.id, actor="bob", now=clock.now())
    assert look(2) == {}


def test_sandbox_deliveries_are_no_spending(acme, look):
    make_channel("play", serves="both")
    spend(acme, 90_000_000, channel="play")

    assert look(0) == {}


def test_a_suspended_tenant_runs_out_of_nothing(acme, look):
    spend(acme, 90_000_000)
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)

    assert look(0) == {}


def refused(model: str = ORIGIN, *, status: int = 503, limit: str = NO_PRICE) -> None:
    RefusedRequest.objects.create(
        id=ids.new_uuid(), caller=ids.new_uuid(), day=clock.now().date(), place=1, model=model,
        status=status, code="unavailable", param="", message="", stopped_by=limit, ms=3,
    )  # fmt: skip


def test_requests_without_a_price_are_a_condition_until_there_is_one(acme, look):
    refused()
    refused()
    refused(limit="requests of this workspace", status=429)

    missing = look(1)

    assert missing == {("price_missing", ORIGIN): "2 requests in 10 minutes found no price"}
    schedule("list", None, clock.now())
    assert ("price_missing", ORIGIN) not in look(2)


def test_a_price_that_was_missing_ten_minutes_ago_is_forgotten(acme, look):
    refused()

    assert look(9) != {}
    assert look(11) == {}


def test_a_sandbox_needs_no_price(seeded, look):
    make_channel("play", serves="both")
    refused()

    assert look(1) == {}
