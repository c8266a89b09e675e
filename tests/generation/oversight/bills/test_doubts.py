"""Doubts about a whole bill are shown before any of its amounts can be taken."""

from typing import Any

import pytest

from generation.models import VendorBill
from generation.oversight.bills.mapping import Columns
from tests.making.bills import NOON, call, costs_of_days, csv_file, lines_of, matched, row
from tests.making.factories import ORIGIN, make_channel


def doubt_of(bill: VendorBill) -> dict[str, Any]:
    assert bill.state == "doubtful", bill.trouble
    (doubt,) = bill.doubts
    return dict(doubt)


@pytest.mark.parametrize(
    ("amount", "read_as", "words"),
    [
        ("3", ("usd", "cents"), "The bill is 100 times what we booked, $3.00 beside $0.03: are"),
        ("30000", ("usd", "micros"), "The bill is 1,000,000 times what we booked"),
        ("0.03", ("cents", "usd"), "The bill is a 100th of what we booked"),
    ],
)  # fmt: skip
def test_a_bill_in_another_unit_is_doubted(acme, channel, amount, read_as, words):
    unit, right = read_as
    call(acme, channel, request_id="a")

    bill = matched(channel, csv_file(row("a", 0, amount)), unit=unit)

    doubt = doubt_of(bill)
    assert doubt["words"].startswith(words)
    assert Columns.from_json(doubt["columns"]).unit == right
    assert bill.content is not None


def test_a_bill_of_another_channel_names_that_channel(acme, channel):
    other = make_channel("other")
    call(acme, other, request_id="a")
    call(acme, channel, request_id="b")

    doubt = doubt_of(matched(channel, csv_file(row("a", 0, "0.03"))))

    assert doubt["words"] == "None of its request ids belongs to a call of one."
    assert doubt["channels"] == ["other"]


def test_line_items_of_another_channels_models_name_that_channel(acme, channel):
    make_channel("other", "gpt-image-2")
    call(acme, channel)

    doubt = doubt_of(
        matched(channel, costs_of_days((NOON.replace(hour=0), [("gpt-image-2, output", "1")])))
    )

    assert doubt["channels"] == ["other"]


@pytest.mark.parametrize("has_ids", [True, False])
def test_times_of_another_zone_are_doubted(acme, channel, has_ids):
    for number in range(3):
        call(acme, channel, after=100 * number, request_id=f"r{number}")
    times = ["20:00:00", "20:01:40", "20:03:20"]
    ids = [f"r{n}" if has_ids else "" for n in range(3)]
    rows = [f"{i},2026-11-20 {t},{ORIGIN},0.03" for i, t in zip(ids, times, strict=True)]

    doubt = doubt_of(matched(channel, csv_file(*rows)))
    right = matched(channel, csv_file(*rows), zone=doubt["columns"]["zone"])

    assert doubt["words"] == "Its times are 8 h ahead of ours: are they of the zone +08:00?"
    assert [outcome for _, outcome, _, _ in lines_of(right)] == ["equal"] * 3


def test_dates_are_no_times_of_another_zone(acme, channel):
    call(acme, channel, request_id="a")

    bill = matched(channel, csv_file(f"a,2026-11-20,{ORIGIN},0.03"))

    assert (bill.state, bill.sums) == ("ready", {"equal": [1, 30_000, 30_000]})


def test_dates_without_request_ids_are_no_times_of_another_zone(acme, channel):
    call(acme, channel)

    bill = matched(channel, csv_file(f",2026-11-20,{ORIGIN},0.03"))

    assert (bill.state, bill.doubts) == ("ready", [])


def test_days_that_begin_at_another_time_than_utcs_are_doubted(acme, channel):
    call(acme, channel)

    doubt = doubt_of(
        matched(channel, costs_of_days((NOON.replace(hour=8), [(f"{ORIGIN}, output", "0.03")])))
    )

    assert doubt["words"] == "Its days begin at 08:00 UTC. Daily totals are of UTC days."


def test_a_bill_without_any_amount_is_doubted(acme, channel):
    call(acme, channel, request_id="a")

    doubt = doubt_of(matched(channel, csv_file(row("a", 0, ""))))

    assert doubt["code"] == "nothing"
