"""Statements: a month's balances, what came in and what was charged, as the ledger has them.

The clock is set to a year whose prices are in force, since entries cannot be dated back.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Transfer
from billing.selectors import GIVEN, monthly_statement, monthly_statements, usage_between
from billing.services import adjust, credit, refund, top_up
from generation.models import Channel
from pictor.kit import clock
from pictor.kit.money import Micros
from tests.console.workspace.conftest import Make
from tests.factories import Customer

UTC, BERLIN, KOLKATA = (ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata"))
GIVE = {"top_up": top_up, "credit": credit, "refund": refund, "adjustment": adjust}
At = Callable[[str], datetime]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Let it be that moment: `at("2099-09-30T22:00:00Z")`."""

    def set_clock(moment: str) -> datetime:
        now = datetime.fromisoformat(moment)
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    return set_clock


@pytest.fixture
def moved(at: At, channel: Channel, delivered: Make) -> Customer:
    """Three months: July with all kinds, August with nothing, September with a request on hold."""
    at("2099-07-10T10:00:00Z")
    customer = Customer("acme")
    delivered(customer)
    delivered(customer, sizes=((1024, 1024), (1024, 1024)))
    delivered(customer, model="dall-e-3", quality="standard")
    for kind, amount in (("top_up", 2_500_000), ("credit", 30), ("refund", 7)):
        GIVE[kind](tenant_id=customer.id, amount=Micros(amount), reason="test", actor="test")
    adjust(tenant_id=customer.id, amount=Micros(-1_000_000), reason="meant 9", actor="test")
    adjust(tenant_id=customer.id, amount=Micros(400_000), reason="meant 9.4", actor="test")
    at("2099-09-30T21:30:00Z")
    delivered(customer)
    customer.generation()
    return customer


def entries_of(customer: Customer, start: datetime, end: datetime) -> list[Transfer]:
    """The ledger's own, by their dates."""
    rows = Transfer.objects.filter(tenant=customer.id, created_at__gte=start, created_at__lt=end)
    return list(rows.order_by("seq"))


def test_a_month_comes_to_its_transfers_to_the_micro(moved):
    found = monthly_statements(moved.id, zone=UTC, now=clock.now())

    assert [one.number for one in found] == ["2099-09", "2099-08", "2099-07"]
    assert [one.is_final for one in found] == [False, True, True]
    assert [one.entries for one in found] == [3, 0, 12]
    for one in found:
        entries = entries_of(moved, one.start, one.end)
        moves = Counter[str]()
        for entry in entries:
            is_taken = (entry.kind, entry.debit.kind) == ("adjustment", "available")
            moves[entry.kind] += -entry.amount if is_taken else entry.amount
        assert dict(one.given) == {kind: moves[kind] for kind in GIVEN if moves[kind]}
        assert one.charged == moves["capture"]
        assert one.entries == len(entries)
    july, august, september = found[::-1]
    assert (july.opening.total, july.came_in) == (0, 11_900_037)
    assert july.given["adjustment"] == -600_000
    assert july.charged == 3 * 52_680 + 40_000
    assert (august.opening, august.charged) == (august.closing, 0)
    assert august.opening == july.closing
    last = Transfer.objects.get(tenant=moved.id, seq=15)
    assert september.closing.held == last.held_after == 52_680
    assert (september.closing.seq, september.closing.available) == (15, last.available_after)
    assert september.closing.seal == bytes(last.seal or b"").hex()


def test_a_single_month_is_that_of_the_list_and_its_models_come_to_the_ledger(moved):
    now = clock.now()
    for listed in monthly_statements(moved.id, zone=BERLIN, now=now):
        month = datetime.fromisoformat(f"{listed.number}-01").date()

        one = monthly_statement(moved.id, month, zone=BERLIN, now=now)

        assert one is not None
        assert (one.opening, one.closing, one.given) == (
            listed.opening, listed.closing, listed.given,
        )  # fmt: skip
        entries = entries_of(moved, one.start, one.end)
        captured = sum(entry.amount for entry in entries if entry.kind == "capture")
        assert sum(charge.captured for charge in one.charges) == captured == one.charged
        used = usage_between(
            moved.id, start=one.start, end=one.end, bucket=None, groups=["model", "tier"]
        )
        assert {(row.group["model"], row.group["tier"]): row.captured for row in used} == {
            (charge.model, charge.tier): charge.captured for charge in one.charges
        }
        assert one.elsewhere == 0


def test_what_is_entered_late_belongs_to_the_month_of_its_number(at, channel):
    at("2099-09-30T12:00:00Z")
    acme = Customer("acme")
    for moment in ("10-01T00:00:00.2Z", "09-30T23:59:59.9Z", "10-01T00:00:01Z", "10-01T00:00:02Z"):
        at(f"2099-{moment}")
        credit(tenant_id=acme.id, amount=Micros(1), reason="test", actor="test")
    now = at("2099-10-02T00:00:00Z")

    october, september = monthly_statements(acme.id, zone=UTC, now=now)

    assert (september.closing.seq, october.came_in) == (1, 4)


def test_months_are_found_wherever_they_lie_among_the_numbers(at, channel):
    """Each edge is searched for between neighbours: the first and last entry are neighbours too."""
    expected = Counter[str]()
    at("2098-12-31T23:59:59Z")
    acme = Customer("acme", balance=0)
    for day in range(0, 200, 9):
        moment = datetime.fromisoformat("2099-01-01T00:00:00Z") + timedelta(days=day)
        at(moment.isoformat())
        credit(tenant_id=acme.id, amount=Micros(1), reason="test", actor="test")
        expected[f"{moment:%Y-%m}"] += 1
    now = at("2099-09-02T00:00:00Z")

    found = monthly_statements(acme.id, zone=UTC, now=now)

    assert {one.number: one.came_in for one in found if one.came_in} == expected
    assert [one.number for one in found] == [f"2099-{month:02}" for month in range(9, 0, -1)]


def test_a_month_is_read_by_its_indexes(moved):
    """In a ledger as short as this the planner would read all of it, so it may not."""
    with CaptureQueriesContext(connection) as asked:
        monthly_statements(moved.id, zone=UTC, now=clock.now())
    sql = asked[-1]["sql"]

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + sql)
        plan = "\n".join(row[0] for row in cursor)

    assert "Seq Scan on billing_transfer" not in plan
    assert "given_by_seq" in plan
    assert "one_transfer_per_seq" in plan
