"""Taking the vendor's amounts: into the ledger, once, to the micro; and disputing them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from billing.models import Transfer
from billing.services.costs import corrected_cost
from generation.models import BillLine, VendorBill
from generation.oversight.bills import corrections, decisions, intake
from generation.oversight.ledger.proof import audit
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone
from tests.making.bills import NOON, call, costs_of_days, csv_file, lines_of, matched, row, trial
from tests.making.factories import ORIGIN


def booked() -> int:
    """The sum of all corrections in the ledger."""
    return sum(one.cost_change for one in Transfer.objects.filter(kind="correction"))


def figures_of(bill: VendorBill) -> tuple[int, int, int]:
    """The number of taken lines, what taking them changed, and the number of disputed lines."""
    bill.refresh_from_db()
    return bill.taken_lines, bill.taken_micros, bill.disputed_lines


def take_all(bill: VendorBill) -> decisions.Done:
    lines = decisions.takeable(bill).order_by("id")
    return decisions.take(list(lines), reason="the bill of November", actor="ann")


@pytest.mark.django_db(transaction=True)
def test_taking_lines_books_the_difference_to_the_micro(acme, channel):
    more = call(acme, channel, after=0, request_id="a")
    lost = call(acme, channel, after=60, request_id="b", attempt_class="unknown")
    unknown = call(acme, channel, after=70, request_id="u", micros=0)
    ours = call(acme, channel, after=80, request_id="c")
    bill = matched(
        channel,
        csv_file(
            row("a", 0, "0.0312345"),
            row("b", 60, "0.0200004"),
            row("u", 70, "0.04"),
            row("x", 90, "0.0000015"),
            row("credit", 95, "-0.5"),
        ),
    )

    done = take_all(bill)

    theirs = 31_235 + 20_000 + 40_000 + 2 - 500_000
    assert (done.taken, done.change) == (6, theirs - 90_000)
    assert (done.before, done.refused) == (0, [])
    assert booked() == theirs - 90_000
    assert [corrected_cost(one.id) for one in (more, lost, unknown, ours)] == [
        31_235, 20_000, 40_000, 0,
    ]  # fmt: skip
    assert bill.rounding == Decimal("0.6")  # 0.5 of line 1, -0.4 of line 2, 0.5 of line 4
    assert [finding.object for finding in audit().findings] == []


def test_a_line_taken_twice_and_from_an_overlapping_file_is_booked_once(acme, channel):
    call(acme, channel, after=0, request_id="a")
    lines = (row("a", 0, "0.035"), row("x", 90, "0.05"))
    first = matched(channel, csv_file(*lines))
    overlapping = matched(channel, csv_file(*lines, row("y", 95, "0.01")))
    take_all(first)
    again = take_all(first)
    late = take_all(overlapping)
    third = matched(channel, csv_file(*lines, row("z", 96, "0.02")))

    assert (again.taken, again.before) == (0, 0)
    assert (late.taken, late.change, late.before) == (1, 10_000, 2)
    assert booked() == 5_000 + 50_000 + 10_000
    assert lines_of(third) == [
        (1, "equal", 35_000, 35_000),
        (2, "equal", 50_000, 50_000),
        (3, "theirs", 20_000, 0),
    ]
    assert third.lines.get(number=2).words == "Taken with an earlier bill"


def test_a_taken_line_can_be_put_back_and_taken_again(acme, channel):
    made = call(acme, channel, after=0, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.035"), row("x", 90, "0.05")))
    take_all(bill)

    for line in bill.lines.order_by("id"):
        decisions.put_back(line, reason="it was the wrong month", actor="ann")
    between = (booked(), corrected_cost(made.id))
    figures = [figures_of(bill)]
    done = take_all(bill)
    figures.append(figures_of(bill))

    assert between == (0, 30_000)
    assert figures == [(0, 0, 0), (2, 55_000, 0)]
    assert (done.taken, done.change) == (2, 55_000)
    assert (booked(), corrected_cost(made.id)) == (55_000, 35_000)
    lines = Transfer.objects.filter(kind="correction", corrects_id=made.id).order_by("id")
    name = f"channel {channel.pk}: a"
    back = f"{name} put back {bill.lines.get(number=1).pk}.1"
    assert [one.line for one in lines] == [name, back, f"{name} take 2"]


def test_a_repeated_line_with_a_long_request_id_can_be_put_back(channel):
    line = row("r" * 150, 0, "0.05")
    bill = matched(channel, csv_file(line, line), accept=True)
    bill.lines.filter(number=2).update(id=1_000_000_000)
    take_all(bill)

    change = decisions.put_back(bill.lines.get(number=2), reason="another month", actor="ann")

    assert (change, booked()) == (-50_000, 50_000)


def test_a_day_that_two_bills_corrected_is_put_back_twice(acme, channel):
    call(acme, channel, after=0)
    midnight, item = NOON.replace(hour=0), f"{ORIGIN}, output"
    bills = []
    for usd in ("0.04", "0.05"):
        bills.append(matched(channel, costs_of_days((midnight, [(item, usd)]))))
        take_all(bills[-1])
    before = booked()

    for bill in bills:
        decisions.put_back(bill.lines.get(number=1), reason="another month", actor="ann")
    last = matched(channel, costs_of_days((midnight, [(item, "0.06")])))
    done = take_all(last)

    assert (before, done.taken, done.change) == (20_000, 1, 30_000)
    assert booked() == 30_000


def test_a_line_whose_cost_changed_is_taken_only_after_a_new_match(acme, channel):
    made = call(acme, channel, after=0, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.035"), row("b", 1, "0.01")))
    by_hand = corrections.CorrectionLine("by hand", str(made.id), Micros(1_000))
    corrections.correct([by_hand], reason="a letter", actor="ann")

    first = take_all(bill)
    intake.request_rematch(bill, actor="ann")
    intake.match_waiting()
    second = take_all(bill)

    assert [why for _, why in first.refused] == [
        "0.031000 USD is booked now, not 0.030000: match the bill again."
    ]
    assert (second.taken, second.change, second.refused) == (1, 4_000, [])
    bill.refresh_from_db()
    assert bill.state == "ready"
    assert bill.sums == {"different": [1, 35_000, 31_000], "equal": [1, 10_000, 10_000]}
    assert bill.lines.get(number=2).decision == "taken"


def test_a_line_that_was_matched_again_is_not_taken_as_it_was_shown_before(acme, channel):
    made = call(acme, channel, after=0, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.035")))
    shown = list(decisions.takeable(bill))
    by_hand = corrections.CorrectionLine("by hand", str(made.id), Micros(1_000))
    corrections.correct([by_hand], reason="a letter", actor="ann")
    intake.request_rematch(bill, actor="ann")
    intake.match_waiting()

    done = decisions.take(shown, reason="the bill of November", actor="ann")

    assert [why for _, why in done.refused] == [
        "It changes the cost by 0.004000 USD now, not by 0.005000: the bill was matched again."
    ]
    assert booked() == 1_000


def test_parts_of_a_call_add_up_and_a_repeated_line_stands_for_itself(acme, channel):
    call(acme, channel, after=0, request_id="a", micros=50_000)
    header = "request_id,created_at,model,item,cost_usd"
    bill = matched(
        channel,
        csv_file(
            f"a,2026-11-20T12:00:00Z,{ORIGIN},input,0.02",
            f"a,2026-11-20T12:00:00Z,{ORIGIN},output,0.03",
            f"a,2026-11-20T12:00:00Z,{ORIGIN},output,0.03",
            header=header,
        ),
    )

    assert lines_of(bill) == [
        (1, "equal", 50_000, 50_000),
        (2, "part", 0, 0),
        (3, "theirs", 30_000, 0),
    ]
    assert list(bill.lines.order_by("id").values_list("of", flat=True)) == [None, 1, 2]


def test_the_cost_of_our_own_test_is_not_corrected(acme, channel):
    trial(channel, request_id="t", micros=40_000)
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.03")))
    line = bill.lines.get(outcome="ours")

    done = decisions.take([line], reason="why not", actor="ann")

    assert done.refused == [
        (line, "The cost of our own tests is never booked, so there is nothing to correct.")
    ]
    assert booked() == 0


def test_a_day_is_corrected_by_its_difference_to_the_cost_booked_now(acme, channel):
    made = call(acme, channel, after=0)
    midnight = NOON.replace(hour=0)
    item = f"{ORIGIN}, output"
    first = matched(channel, costs_of_days((midnight, [(item, "0.04")])))
    done = [take_all(first)]
    later = matched(channel, costs_of_days((midnight, [(item, "0.045")])))
    done.append(take_all(later))
    third = matched(channel, costs_of_days((midnight, [(item, "0.06")])))
    by_hand = corrections.CorrectionLine("by hand", str(made.id), Micros(1_000))
    corrections.correct([by_hand], reason="a letter", actor="ann")
    stale = take_all(third)

    assert [(one.taken, one.change) for one in done] == [(1, 10_000), (1, 5_000)]
    assert [why for _, why in stale.refused] == [
        "0.046000 USD is booked now, not 0.045000: match the bill again."
    ]
    assert corrected_cost(made.id) == 31_000
    assert booked() == 16_000


def test_a_day_that_the_vendor_does_not_bill_is_taken_once(acme, channel):
    call(acme, channel, after=0)
    call(acme, channel, after=86_400)
    midnight = NOON.replace(hour=0)
    bill = matched(
        channel,
        costs_of_days(
            (midnight, [(f"{ORIGIN}, output", "0.03")]),
            (midnight + timedelta(days=2), [("gpt-4o, input", "0")]),
        ),
    )
    take_all(bill)
    intake.request_rematch(bill, actor="ann")
    intake.match_waiting()

    assert booked() == -30_000
    assert bill.lines.get(outcome="ours").decision == "taken"
    assert take_all(bill).taken == 0


def test_lines_of_a_doubtful_bill_are_not_taken(acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "3")))

    done = decisions.take(list(bill.lines.all()), reason="r", actor="ann")

    assert decisions.takeable(bill).count() == decisions.disputable(bill).count() == 0
    assert [why for _, why in done.refused] == [
        "Its bill is not matched yet, or something about it is in doubt."
    ]
    assert booked() == 0


def test_lines_of_a_doubtful_bill_are_not_disputed(acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "3")))

    with pytest.raises(ValidationError, match="something about it is in doubt"):
        decisions.dispute(bill.lines.all(), words="too much", actor="ann")

    assert figures_of(bill) == (0, 0, 0)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "a\0b"])
def test_a_reason_is_needed(acme, channel, reason):
    bill = matched(channel, csv_file(row("x", 90, "0.05")), accept=True)

    with pytest.raises(ValidationError):
        decisions.take(list(bill.lines.all()), reason=reason, actor="ann")

    assert booked() == 0


def test_disputed_lines_are_marked_and_withdrawn(acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.03"), row("x", 90, "0.05")))

    number = decisions.dispute(bill.lines.all(), words="never asked for", actor="ann")
    line = BillLine.objects.get(decision="disputed")
    decisions.withdraw(line, actor="ann")

    assert (number, line.number, line.words) == (1, 2, "never asked for")
    line.refresh_from_db()
    assert line.decision == ""
    assert figures_of(bill) == (0, 0, 0)
    events = AuditEvent.objects.filter(object_type="bill").order_by("id")
    assert [event.action for event in events] == ["bill.match", "bill.dispute", "bill.agree"]


def test_a_disputed_line_is_neither_taken_nor_disputed_again(acme, channel):
    bill = matched(channel, csv_file(row("x", 90, "0.05"), row("y", 95, "0.01")), accept=True)
    line = bill.lines.get(number=1)
    decisions.dispute(bill.lines.filter(pk=line.pk), words="never asked for", actor="ann")

    taken = decisions.take([line], reason="all of it", actor="ann")
    number = decisions.dispute(bill.lines.all(), words="other words", actor="ann")

    assert [why for _, why in taken.refused] == ["It is disputed: withdraw that first."]
    assert decisions.takeable(bill).count() == decisions.disputable(bill).count() == 0
    line.refresh_from_db()
    assert (number, line.words, booked()) == (1, "never asked for", 0)
    assert figures_of(bill) == (0, 0, 2)


def test_a_bill_is_deleted_unless_one_of_its_lines_was_taken(acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.035")))
    other = matched(channel, csv_file(row("a", 0, "0.04")))
    take_all(bill)

    with pytest.raises(ValidationError, match="Lines of it were taken"):
        intake.forget(bill, actor="ann")
    intake.forget(other, actor="ann")

    assert VendorBill.objects.get() == bill


@pytest.mark.django_db(transaction=True)
def test_two_that_take_overlapping_bills_at_once_book_each_line_once(acme, channel):
    call(acme, channel, after=0, request_id="a")
    lines = (row("a", 0, "0.035"), row("x", 90, "0.05"))
    bills = [matched(channel, csv_file(*lines)), matched(channel, csv_file(*lines, ""))]
    both = Barrier(2)

    def take_at_once(bill: VendorBill) -> decisions.Done:
        both.wait()
        return take_all(bill)

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(alone, partial(take_at_once, bill)) for bill in bills]
        done = [one.result() for one in waiting]

    assert sum(one.change for one in done) == 55_000
    assert [one.refused for one in done] == [[], []]
    assert booked() == 55_000
