"""Statements: a month's balances, payments and charges, as in the ledger.

The clock is set to a year whose prices are in force, since entries cannot be dated back.
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.office.tenants import set_time_zone
from billing.models import Transfer
from billing.selectors.office.reports import usage_between
from billing.selectors.office.statements import GIVEN, monthly_statement, monthly_statements
from billing.services.office import card_money
from billing.services.office.accounts import adjust, book_payment, credit, refund, reverse, top_up
from generation.models import Channel
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, from_decimal
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import Make, url
from tests.making.factories import PayingCustomer

UTC, BERLIN, KOLKATA = (ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata"))
At = Callable[[str], datetime]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Set the clock: `at("2099-09-30T22:00:00Z")`."""

    def set_clock(moment: str) -> datetime:
        now = datetime.fromisoformat(moment)
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    return set_clock


@pytest.fixture
def moved(at: At, channel: Channel, delivered: Make) -> PayingCustomer:
    """Three months: July with all kinds, an empty August, September with a request on hold."""
    at("2099-07-10T10:00:00Z")
    customer = PayingCustomer("by month")
    made = delivered(customer)
    delivered(customer, sizes=((1024, 1024), (1024, 1024)))
    delivered(customer, model="dall-e-3", quality="standard")
    acme: dict[str, Any] = {"tenant_id": customer.id, "actor": "test"}
    top_up(**acme, amount=Micros(2_500_000), reason="test")
    credit(**acme, amount=Micros(30), reason="test")
    refund(**acme, generation_id=made.id, amount=Micros(7), reason="test")
    adjust(**acme, amount=Micros(-1_000_000), reason="meant 9")
    adjust(**acme, amount=Micros(400_000), reason="meant 9.4")
    at("2099-09-30T21:30:00Z")
    delivered(customer)
    customer.generation()
    return customer


def entries_of(customer: PayingCustomer, start: datetime, end: datetime) -> list[Transfer]:
    """Entries of the ledger itself, by date."""
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


@pytest.mark.parametrize(
    ("zone", "moment", "number"),
    [
        ("UTC", "2099-10-31T23:59:59.999999Z", "2099-10"),
        ("UTC", "2099-11-01T00:00:00Z", "2099-11"),
        ("Europe/Berlin", "2099-10-31T22:59:59.999999Z", "2099-10"),
        ("Europe/Berlin", "2099-10-31T23:00:00Z", "2099-11"),
        ("America/New_York", "2099-11-01T03:59:59.999999Z", "2099-10"),
        ("America/New_York", "2099-11-01T04:00:00Z", "2099-11"),
        ("Asia/Kolkata", "2099-10-31T17:59:59.999999Z", "2099-10"),
        ("Asia/Kolkata", "2099-10-31T18:00:00Z", "2099-11"),
    ],
)
def test_a_charge_at_a_months_edge_falls_on_its_side(
    at, channel, delivered, sign_in, *, zone, moment, number
):
    at("2099-10-15T12:00:00Z")
    acme = PayingCustomer("by month")
    set_time_zone(tenant=acme.tenant, name=zone, actor="test")
    at(moment)
    delivered(acme)
    now = at("2099-11-20T12:00:00Z")

    found = monthly_statements(acme.id, zone=ZoneInfo(zone), now=now)
    page = words_of(sign_in(acme).get(url("statement", acme, number)))

    assert {one.number: one.charged for one in found if one.charged} == {number: 52_680}
    assert [one.number for one in found] == ["2099-11", "2099-10"]
    assert found[1].closing == found[0].opening
    assert "\N{MINUS SIGN}$0.05268" in page
    assert zone in page
    assert ("begins 30 minutes before midnight" in page) == (zone == "Asia/Kolkata")


def test_a_late_entry_belongs_to_the_month_of_its_number(at, channel):
    at("2099-09-30T12:00:00Z")
    acme = PayingCustomer("by month")
    for moment in ("10-01T00:00:00.2Z", "09-30T23:59:59.9Z", "10-01T00:00:01Z", "10-01T00:00:02Z"):
        at(f"2099-{moment}")
        credit(tenant_id=acme.id, amount=Micros(1), reason="test", actor="test")
    now = at("2099-10-02T00:00:00Z")

    october, september = monthly_statements(acme.id, zone=UTC, now=now)

    assert (september.closing.seq, october.came_in) == (1, 4)


def test_months_are_found_wherever_they_lie_among_the_numbers(at, channel):
    """Each edge is searched for between neighbours, including the first and last entry."""
    expected = Counter[str]()
    at("2098-12-31T23:59:59Z")
    acme = PayingCustomer("by month", balance=0)
    for day in range(0, 200, 9):
        moment = datetime.fromisoformat("2099-01-01T00:00:00Z") + timedelta(days=day)
        at(moment.isoformat())
        credit(tenant_id=acme.id, amount=Micros(1), reason="test", actor="test")
        expected[f"{moment:%Y-%m}"] += 1
    now = at("2099-09-02T00:00:00Z")

    found = monthly_statements(acme.id, zone=UTC, now=now)

    assert {one.number: one.came_in for one in found if one.came_in} == expected
    assert [one.number for one in found] == [f"2099-{month:02}" for month in range(9, 0, -1)]


def test_usage_counted_in_another_month_has_a_line(at, channel, delivered, sign_in):
    """The request ends in one hour, and its transfer is dated in the next."""
    at("2099-09-15T12:00:00Z")
    acme = PayingCustomer("by month")
    at("2099-09-30T23:59:59.9Z")
    delivered(acme)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_usagerollup SET hour = hour + interval '1 hour'")
    at("2099-10-20T12:00:00Z")
    client = sign_in(acme)

    addresses = [url("statement", acme, month) for month in ("2099-09", "2099-10")]
    pages = [words_of(client.get(address)) for address in addresses]
    files = [lines_of(client.get(f"{address}?format=csv")) for address in addresses]

    (september,), (october,) = ([one for one in file if one["line"] == "edge"] for file in files)
    assert (september["taken"], october["added"]) == ("0.052680", "0.052680")
    assert ["At the edge of the month" in page for page in pages] == [True, True]


def test_the_csv_equals_the_page(moved, sign_in):
    client = sign_in(moved)

    lines = lines_of(client.get(url("statement", moved, "2099-07") + "?format=csv"))
    page = words_of(client.get(url("statement", moved, "2099-07")))

    assert [(line["line"], line["model"], line["images"]) for line in lines] == [
        ("opening", "", ""), ("top_up", "", ""), ("credit", "", ""), ("refund", "", ""),
        ("adjustment", "", ""), ("charge", "gpt-image-2-origin", "3"), ("charge", "dall-e-3", "1"),
        ("closing", "", ""),
    ]  # fmt: skip
    opening, *changes, closing = lines
    amounts = [Decimal(line["added"] or line["taken"]).normalize() for line in changes]
    assert [amount for amount in amounts if f"${amount:f}" not in page] == []
    total = Decimal(opening["available"]) + Decimal(opening["held"])
    total += sum(Decimal(line["added"] or 0) - Decimal(line["taken"] or 0) for line in changes)
    assert total == Decimal(closing["available"]) + Decimal(closing["held"]) == Decimal("11.701997")
    assert (closing["entry"], closing["seal"] in page) == ("12", True)
    assert moved.tenant.public_id in page
    assert "of the month, to the micro-dollar" in page


def test_columns_of_a_statement_have_six_decimals(moved, sign_in):
    page = words_of(sign_in(moved).get(url("statement", moved, "2099-07")))

    figures = re.findall(r"\$([\d,.]+)</td>", page)
    assert [len(figure.partition(".")[2]) for figure in figures] == [6] * 10


def test_the_lists_balances_have_two_decimals_and_the_exact_one_in_the_title(moved, sign_in):
    page = words_of(sign_in(moved).get(url("statements", moved)))

    assert 'title="$11.701997">$11.70</td>' in page


def test_the_list_has_a_row_for_each_month_and_so_has_its_csv(moved, sign_in):
    client = sign_in(moved)

    page = words_of(client.get(url("statements", moved)))
    lines = lines_of(client.get(url("statements", moved) + "?format=csv"))

    assert [(line["statement"], line["status"]) for line in lines] == [
        ("2099-09", "so far"), ("2099-08", "final"), ("2099-07", "final"),
    ]  # fmt: skip
    addresses = [url("statement", moved, line["statement"]) for line in lines]
    assert [f'href="{address}"' in page for address in addresses] == [True, True, True]
    assert [
        Decimal(one["opening"]) + Decimal(one["came_in"]) - Decimal(one["charged"]) for one in lines
    ] == [Decimal(one["closing"]) for one in lines]
    assert from_decimal(lines[2]["charged"]) == 198_040
    assert "$0.19804" in page
    assert page.index("2099-09") < page.index("2099-08") < page.index("2099-07")
    assert f'href="{url("statements", moved)}"' in words_of(client.get(url("billing", moved)))


def test_a_workspace_without_movements_has_none(sign_in, channel):
    poor = PayingCustomer("poor", balance=0)
    client = sign_in(poor)

    assert "No statements yet" in words_of(client.get(url("statements", poor)))
    month = url("statement", poor, f"{clock.now():%Y-%m}")
    assert client.get(month).status_code == 404


@pytest.mark.parametrize(
    "number",
    ["2099-06", "2099-10", "2099-13", "2099-00", "2099-7", "2099-07-01", "x", "٢٠٢٦-07", "0001-01"],
)
def test_a_month_that_is_none_of_the_ledgers_is_not_there(moved, sign_in, number):
    assert sign_in(moved).get(url("statement", moved, number)).status_code == 404


def test_a_payment_typed_wrong_and_booked_right_is_told_as_that(at, channel, sign_in):
    at("2099-07-10T10:00:00Z")
    acme = PayingCustomer("paying", balance=0)
    told: dict[str, Any] = {"tenant_id": acme.id, "actor": "test"}
    book_payment(**told, amount=Micros(999_999_000_000), reason="INV-1")
    reverse(**told, seq=1, reason="typed wrong")
    book_payment(**told, amount=Micros(99_000_000), reason="INV-1")
    client = sign_in(acme)

    lines = lines_of(client.get(url("statement", acme, "2099-07") + "?format=csv"))
    entries = lines_of(client.get(url("ledger", acme) + "?format=csv"))

    assert [(line["line"], line["added"], line["taken"], line["available"]) for line in lines] == [
        ("opening", "", "", "0.000000"),
        ("top_up", "1000098.000000", "", ""),
        ("reversal", "", "999999.000000", ""),
        ("closing", "", "", "99.000000"),
    ]
    assert [(entry["kind"], entry["amount"], entry["reverses"]) for entry in entries] == [
        ("top_up", "999999.000000", ""),
        ("reversal", "999999.000000", "1"),
        ("top_up", "99.000000", ""),
    ]
    page = words_of(client.get(url("statement", acme, "2099-07")))
    assert ("Reversals" in page, "$999,999" in page) == (True, True)
    assert "Reversal of 1 <span" in words_of(client.get(url("ledger", acme)))
    assert "Your ledger adds up" in words_of(client.get(url("billing", acme) + "?proof=1"))


def test_card_money_is_in_a_statement_by_what_is_available(at, channel, sign_in):
    at("2099-07-10T10:00:00Z")
    acme = PayingCustomer("paying", balance=0)
    movement: dict[str, Any] = {"tenant_id": acme.id, "reason": "Visa", "top_up_seq": 1}
    card_money.top_up(tenant_id=acme.id, amount=Micros(20_000_000), line="1", reason="Visa")
    card_money.pay_back(**movement, amount=Micros(5_000_000), line="2", actor="ann")
    card_money.paid_back(tenant_id=acme.id, line="2")
    card_money.charge_back(**movement, amount=Micros(18_000_000), line="3")
    credit(tenant_id=acme.id, amount=Micros(10_000_000), reason="gift", actor="test")
    client = sign_in(acme)

    lines = lines_of(client.get(url("statement", acme, "2099-07") + "?format=csv"))

    assert [(line["line"], line["added"], line["taken"], line["available"]) for line in lines] == [
        ("opening", "", "", "0.000000"),
        ("top_up", "20.000000", "", ""),
        ("credit", "10.000000", "", ""),
        ("pay_back", "", "5.000000", ""),
        ("chargeback", "", "15.000000", ""),
        ("repayment", "", "3.000000", ""),
        ("closing", "", "", "7.000000"),
    ]
    assert "Paid back" in words_of(client.get(url("statement", acme, "2099-07")))
    ledger = words_of(client.get(url("ledger", acme)))
    assert ("Pay back of 1 <span" in ledger, "Chargeback of 1 <span" in ledger) == (True, True)
    assert "Your ledger adds up" in words_of(client.get(url("billing", acme) + "?proof=1"))


def test_a_month_is_read_by_its_indexes(moved):
    """The planner would read all of so short a ledger, so sequential scans are off."""
    with CaptureQueriesContext(connection) as asked:
        monthly_statements(moved.id, zone=UTC, now=clock.now())
    sql = asked[-1]["sql"]

    with connection.cursor() as cursor:
        # Remains of other tests in the indexes would make one dearer than another.
        cursor.execute("REINDEX TABLE billing_transfer; ANALYZE billing_transfer")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + sql)
        plan = "\n".join(row[0] for row in cursor)

    assert "Seq Scan on billing_transfer" not in plan
    assert "moved_by_people_by_seq" in plan
    assert "one_transfer_per_seq" in plan
