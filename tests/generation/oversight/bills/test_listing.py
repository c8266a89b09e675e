"""Lines of a bill, found by request id."""

from generation.oversight.bills import listing
from generation.oversight.bills.listing import BillLineFilter, page_of
from tests.making.bills import call, csv_file, matched, row


def test_lines_that_repeat_the_one_sought_are_found_wherever_they_stand(acme, channel, monkeypatch):
    call(acme, channel, request_id="a")
    header = "request_id,created_at,model,cost_usd,part"
    lines = [
        row("y", 0, "0.01", "in"),
        row("a", 0, "0.03", "in"),
        row("a", 0, "0.02", "out"),
        *[row("a", 0, "0.02", "out")] * 2,
        row("a", 0, "0.03", "in"),
    ]
    bill = matched(channel, csv_file(*lines, header=header))
    monkeypatch.setattr(listing, "MAX_SCANNED_ROWS", 1)

    found = {
        name: [
            line.number for line in page_of(bill, BillLineFilter(name, "a"), after=0, limit=9).rows
        ]
        for name in ("different", "theirs")
    }

    assert found == {"different": [2], "theirs": [4, 5, 6]}
