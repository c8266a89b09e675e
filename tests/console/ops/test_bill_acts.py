"""Acts on a bill's lines: of this bill alone, as shown, and several only by their change."""

import pytest

from console.ops.reconciliation import acts
from generation.models import VendorBill
from generation.oversight.bills import decisions
from tests.console.answers import lines_of, said_by
from tests.console.ops.acting import act_page, do, seen_in
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import PayingCustomer, make_channel

pytestmark = pytest.mark.usefixtures("sown")


@pytest.fixture
def bill() -> VendorBill:
    """A bill of four lines: one differs, two have no call, and one call has no line."""
    channel, acme = make_channel(cost_micros=30_000), PayingCustomer("acme")
    for number, name in enumerate("bc"):
        call(acme, channel, after=60 * number, request_id=name)
    lines = (row("b", 0, "0.035"), row("x", 90, "0.05"), row("y", 95, "0.05"))
    return matched(channel, csv_file(*lines))


def test_two_lines_are_several(owner, bill):
    lines = [line.pk for line in bill.lines.filter(outcome="theirs")]

    answer = do(owner, "bill.take", bill.pk, line=lines, reason="r")

    assert len(lines) == 2
    assert "It changes the cost by $0.10." in said_by(answer)
    assert "Line 2, gpt-image-2-origin x $0.00 → to $0.05 Line 3" in said_by(answer)
    assert not bill.lines.exclude(decision="").exists()


def test_a_line_of_another_bill_is_left_alone(owner, bill):
    other = matched(make_channel("other"), csv_file(row("z", 0, "0.01")))
    VendorBill.objects.filter(pk=other.pk).update(state="ready")
    line = bill.lines.get(outcome="different")

    shown = owner.get(act_page("bill.take", other.pk), {"line": line.pk})
    answer = do(owner, "bill.dispute", other.pk, line=line.pk, words="never asked for")

    assert "Nothing to take." in shown.content.decode()
    line.refresh_from_db()
    assert (line.decision, answer.status_code) == ("", 303)


@pytest.mark.parametrize("act", ["bill.dispute", "bill.take"])
def test_other_lines_of_the_same_sum_are_not_decided_unseen(owner, bill, act):
    first, second = bill.lines.filter(outcome="theirs").order_by("pk")
    page, form = act_page(act, bill.pk), {"words": "w", "reason": "r"}
    seen = seen_in(owner.post(page, {"line": first.pk, **form}))

    answer = owner.post(page, {"line": second.pk, **form, "seen": seen})

    assert "This is another effect than was shown." in answer.content.decode()
    assert not bill.lines.exclude(decision="").exists()


def test_the_file_of_bills_says_when_each_begins_and_ends(owner, bill):
    (line,) = lines_of(owner.get("/ops/reconciliation/?format=csv"))

    assert (line["begins"], line["ends"]) == (
        "2026-11-20T00:00:00+00:00",
        "2026-11-21T00:00:00+00:00",
    )


def test_the_head_of_a_long_bill_sums_its_first_open_lines(owner, bill, monkeypatch):
    monkeypatch.setattr(decisions, "MAX_SUMMED", 2)

    page = said_by(owner.get(f"/ops/reconciliation/{bill.pk}/"))

    assert "Still open $0.055 2 or more lines; difference when matched $0.075" in page


def test_a_page_takes_no_more_of_a_list_than_at_once(owner, bill, monkeypatch):
    monkeypatch.setattr(acts, "MAX_AT_ONCE", 1)

    page = said_by(owner.post(act_page("bill.take", bill.pk), {"list": "theirs", "reason": "r"}))

    assert "1 line, a change of $0.05. 1 is the most at once." in page
