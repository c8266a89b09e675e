"""Lines of vendors' bills in the browser: which cannot be taken, and whose call is picked."""

import pytest

from generation.models import Channel, VendorBill
from tests.console.answers import said_by
from tests.console.ops.acting import act_page
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel

pytestmark = pytest.mark.usefixtures("sown")


@pytest.fixture
def channel() -> Channel:
    return make_channel(cost_micros=30_000)


@pytest.fixture
def acme(channel: Channel) -> PayingCustomer:
    return PayingCustomer("acme")


def of(bill: VendorBill, *rest: str) -> str:
    return "/".join(["/ops/reconciliation", str(bill.pk), *rest, ""])


def test_lines_that_cannot_be_taken_are_named_before_the_button(owner, acme, channel):
    call(acme, channel, request_id="a")
    call(acme, channel, after=60, micros=0, request_id="b")
    bill = matched(channel, csv_file(row("a", 0, "0.035"), row("b", 60, "-0.000005")))
    take = act_page("bill.take", bill.pk)
    page = said_by(owner.get(take, {"line": [line.pk for line in bill.lines.all()]}))
    alone = said_by(owner.get(take, {"line": bill.lines.get(number=2).pk}))

    why = "Left out Line 2: Its call would cost less than nothing: dispute it."
    assert "$0.03 → to $0.035 1 line, a change of $0.005." in page
    assert why in page
    assert "Nothing to take" in alone
    assert why in alone


def test_a_call_is_picked_of_those_that_a_line_may_be_of(owner, acme, channel):
    made = [call(acme, channel, after=after, micros=40_000) for after in (1, 2)]
    bill = matched(
        channel,
        csv_file(f"2026-11-20T12:00:10Z,{ORIGIN},0.06", header="created_at,model,cost_usd"),
    )
    line = bill.lines.get(number=1)
    page = said_by(owner.get(of(bill)))

    wrong = owner.post(act_page("bill.pick", line.pk), {"call": "x"}, follow=True)
    owner.post(act_page("bill.pick", line.pk), {"call": made[0].pk})

    assert "One of 2" in page
    assert "That call is not a candidate for this line." in said_by(wrong)
    line.refresh_from_db()
    assert (line.attempt_id, line.ours_micros) == (made[0].pk, 40_000)


def test_an_unknown_cost_is_not_0_and_a_call_of_another_line_is_named(owner, acme, channel):
    made = [call(acme, channel, after=after, micros=0) for after in (1, 2)]
    rows = [f"2026-11-20T12:00:{second},{ORIGIN},0.06" for second in (10, 11, 12)]
    bill = matched(channel, csv_file(*rows, header="created_at,model,cost_usd"))
    first, second, *_ = bill.lines.order_by("id")
    before = said_by(owner.get(of(bill)))

    owner.post(act_page("bill.pick", first.pk), {"call": made[0].pk})
    after = said_by(owner.get(of(bill)))
    taken = owner.post(act_page("bill.pick", second.pk), {"call": made[0].pk}, follow=True)

    assert before.count("12:00:01, cost unknown") == 3
    assert "$0.06 unknown $0.06" in after
    assert (
        "Line 1 has that call. Pick another, or match the bill again: then only calls without a"
        " line are offered." in said_by(taken)
    )
