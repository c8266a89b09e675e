"""Bills from file to lines: kept for a day, matched once, and never half."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from generation.models import BillLine, VendorBill
from generation.oversight.bills import decisions, intake, matching
from generation.oversight.bills.mapping import Columns
from pictor.kit.words import clock
from tests.making.bills import call, csv_file, matched, row


@pytest.fixture
def drafted(acme, channel):
    """Draft a bill of one line that waits to be matched."""
    call(acme, channel, request_id="a")

    def draft(content: bytes = csv_file(row("a", 0, "0.03"))) -> VendorBill:
        bill = intake.draft_bill(channel=channel, name="b\0ill.csv", content=content, actor="ann")
        columns = Columns.from_json(bill.mapping)
        intake.request_match(bill, columns=columns, channel=channel, actor="ann")
        return bill

    return draft


def test_the_same_file_drafted_twice_is_matched_once(drafted):
    first, second = drafted(), drafted()

    intake.match_waiting()
    intake.match_waiting()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.name, first.trouble) == ("ready", "bill.csv", "")
    assert second.state == "failed"
    assert second.trouble.endswith(f"as bill {first.pk}. Nothing was changed.")
    assert BillLine.objects.count() == 1


def test_a_failure_of_ours_is_logged_and_shown(drafted, monkeypatch, caplog):
    bill = drafted()

    def broken(*_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(matching, "match", broken)
    intake.match_waiting()

    bill.refresh_from_db()
    assert (bill.state, BillLine.objects.count()) == ("failed", 0)
    assert bill.trouble == "It could not be matched: see the log."
    assert "a mistake" in caplog.text


def test_a_bill_of_too_many_cells_is_left_to_the_command(drafted, monkeypatch):
    monkeypatch.setattr(intake, "MAX_CELLS", 7)
    bill = drafted(csv_file(row("a", 0, "0.03"), row("b", 0, "0.03")))

    intake.match_waiting()

    bill.refresh_from_db()
    assert (bill.state, BillLine.objects.count()) == ("failed", 0)
    assert bill.trouble == (
        "The file has more than 7 cells, lines times columns, or long ones: `manage.py reconcile`"
        " takes larger ones."
    )


def test_a_bill_of_long_cells_is_left_to_the_command(drafted, monkeypatch):
    monkeypatch.setattr(intake, "_CHARACTERS_A_CELL", 1e-6)
    bill = drafted(csv_file(row("a", 0, "0.03")))

    intake.match_waiting()

    bill.refresh_from_db()
    assert bill.state == "failed"
    assert "or long ones" in bill.trouble


@pytest.mark.parametrize("content", [b"[" + b"[]," * 180_000, b'{"x":[0' + b",0" * 270_000])
def test_a_first_row_of_too_many_values_is_not_read_in_one_piece(content):
    with pytest.raises(ValueError, match="too many values"):
        intake.first_rows(content)


def test_a_bill_larger_than_a_page_takes_is_never_read_by_a_worker(drafted, monkeypatch):
    bill = drafted()
    monkeypatch.setattr(intake, "MAX_BYTES", bill.size_bytes - 1)

    intake.match_waiting()

    bill.refresh_from_db()
    assert (bill.state, BillLine.objects.count()) == ("waiting", 0)


def test_a_bill_of_years_is_none(drafted):
    bill = drafted(csv_file(row("a", 0, "0.03"), "b,2020-01-01T00:00:00Z,m,1"))

    intake.match_waiting()

    bill.refresh_from_db()
    assert bill.trouble == (
        "Its lines run from 1 Jan 2020 to 20 Nov 2026: is that the time column?"
    )


def test_amounts_whose_sum_no_ledger_holds_are_none(drafted):
    bill = drafted(csv_file(row("a", 0, "8000000000"), row("b", 0, "-8000000000")))

    intake.match_waiting()

    bill.refresh_from_db()
    assert bill.trouble == (
        "Its amounts are too large together: is that the column of the amounts?"
    )


def test_an_abandoned_draft_is_deleted_after_a_day(acme, channel):
    call(acme, channel, request_id="a")
    kept = matched(channel, csv_file(row("a", 0, "0.04")))
    left = csv_file(row("b", 0, "0.04"))
    intake.draft_bill(channel=channel, name="left.csv", content=left, actor="ann")

    intake.forget_old(now=clock.now() + timedelta(hours=23))
    before = VendorBill.objects.count()
    intake.forget_old(now=clock.now() + timedelta(hours=25))

    assert before == 2
    assert VendorBill.objects.get() == kept


def test_a_bill_that_is_matched_again_is_kept_however_old_it_is(acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.035")))
    decisions.take(list(bill.lines.all()), reason="their bill", actor="ann")
    intake.request_rematch(bill, actor="ann")

    intake.forget_old(now=clock.now() + timedelta(days=30))
    intake.match_waiting()

    assert VendorBill.objects.get().state == "ready"
    assert bill.lines.get().taken_micros == 5_000


def test_a_bill_that_cannot_be_matched_again_stays_as_it_was(acme, channel, monkeypatch):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.035")))
    intake.request_rematch(bill, actor="ann")

    def broken(*_: object) -> None:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr(matching, "match", broken)
        intake.match_waiting()
    bill.refresh_from_db()
    then = (bill.state, bill.trouble, bill.lines.get().outcome)
    intake.request_rematch(bill, actor="ann")
    intake.match_waiting()

    trouble = "It could not be matched: see the log."
    assert then == ("ready", trouble, "different")
    bill.refresh_from_db()
    assert (bill.state, bill.trouble) == ("ready", "")


def test_a_bill_is_deleted_once(drafted):
    bill = drafted()
    intake.forget(bill, actor="ann")

    with pytest.raises(ValidationError, match="is already deleted"):
        intake.forget(bill, actor="ann")

    assert not VendorBill.objects.exists()


def test_the_columns_of_a_bill_that_waits_are_not_changed(drafted, channel):
    bill = drafted()
    columns = Columns.from_json({**bill.mapping, "unit": "cents"})

    with pytest.raises(ValidationError, match="matched already, or being matched"):
        intake.request_match(bill, columns=columns, channel=channel, actor="ann")

    bill.refresh_from_db()
    assert bill.mapping["unit"] == "usd"


def test_a_large_row_is_read_from_the_whole_file(acme, channel):
    call(acme, channel, request_id="a")
    wide = '[{"id": "a", "time": "2026-11-20T12:00:00Z", "cost": 0.03, "log": "' + "x" * 600_000

    bill = matched(channel, (wide + '"}]').encode())

    assert bill.sums == {"equal": [1, 30_000, 30_000]}


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        (('"1.234,56"', "12.500"), "'12.500' beside '1.234,56'"),
        (("$1.234", '"$0,5"'), "'$1.234' beside '$0,5'"),
    ],
)
def test_a_point_beside_decimal_commas_is_ambiguous(acme, channel, amounts, words):
    call(acme, channel, request_id="a")

    bill = matched(channel, csv_file(row("a", 0, amounts[0]), row("b", 0, amounts[1])))

    assert (bill.state, bill.lines.count()) == ("failed", 0)
    assert bill.trouble == f"{words} is ambiguous: write thousands without points."


def test_points_beside_commas_of_thousands_are_decimal_points(acme, channel):
    call(acme, channel, request_id="a", micros=1_234_567_800)

    bill = matched(channel, csv_file(row("a", 0, '"1,234.5678"'), row("b", 0, "1.234")))

    assert (bill.state, bill.lines.get(number=2).micros) == ("ready", 1_234_000)


def test_a_bill_that_is_read_anew_has_no_decided_lines(acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "3")))
    VendorBill.objects.filter(pk=bill.pk).update(
        taken_lines=1, taken_micros=2_970_000, disputed_lines=1
    )
    columns = Columns.from_json({**bill.mapping, "unit": "cents"})

    intake.request_match(bill, columns=columns, channel=channel, actor="ann")
    intake.match_waiting()

    bill.refresh_from_db()
    assert bill.state == "ready"
    assert (bill.taken_lines, bill.taken_micros, bill.disputed_lines) == (0, 0, 0)
