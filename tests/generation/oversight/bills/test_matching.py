"""A vendor's lines beside our calls: equal, different, or on one side only."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from generation.models import VendorBill
from generation.oversight.bills import decisions
from tests.making.bills import NOON, call, costs_of_days, csv_file, lines_of, matched, row, trial
from tests.making.factories import ORIGIN, make_channel

MIDNIGHT = NOON.replace(hour=0)


def test_lines_with_request_ids_are_equal_different_or_on_one_side_only(acme, channel):
    call(acme, channel, after=0, request_id="a")
    call(acme, channel, after=60, request_id="b")
    call(acme, channel, after=120, request_id="c")

    bill = matched(
        channel, csv_file(row("a", 0, "0.03"), row("b", 60, "0.035"), row("x", 90, "0.05"))
    )

    assert bill.state == "ready"
    assert bill.content is None
    assert lines_of(bill) == [
        (1, "equal", 30_000, 30_000),
        (2, "different", 35_000, 30_000),
        (3, "theirs", 50_000, 0),
        (0, "ours", 0, 30_000),
    ]
    assert bill.sums == {
        "equal": [1, 30_000, 30_000],
        "different": [1, 35_000, 30_000],
        "theirs": [1, 50_000, 0],
        "ours": [1, 0, 30_000],
    }
    assert (bill.begins_at, bill.ends_at) == (MIDNIGHT, MIDNIGHT + timedelta(days=1))


def test_lines_without_ids_are_matched_by_model_minute_number_and_amount_or_show_candidates(
    acme, channel
):
    header = "created_at,model,images,cost_usd"
    alone = call(acme, channel, after=0, n=2, images_received=2)
    twins = [call(acme, channel, after=after, micros=40_000) for after in (301, 302)]
    call(acme, channel, after=601, micros=50_000)

    bill = matched(
        channel,
        csv_file(
            f"2026-11-20T12:00:00Z,{ORIGIN},2,0.03",
            f"2026-11-20T12:05:10Z,{ORIGIN},1,0.06",
            f"2026-11-20T12:10:30Z,{ORIGIN},1,0.055",
            header=header,
        ),
    )

    first, second, third, *_ = bill.lines.order_by("id")
    assert (first.outcome, first.attempt_id) == ("equal", alone.id)
    assert (second.outcome, second.candidates) == ("different", [str(twin.id) for twin in twins])
    assert (third.outcome, third.ours_micros) == ("different", 50_000)
    assert bill.sums["ours"] == [2, 0, 80_000]

    picked = decisions.pick(second, call=str(twins[1].id), actor="ann")

    bill.refresh_from_db()
    assert (picked.outcome, picked.ours_micros) == ("different", 40_000)
    assert bill.sums["ours"] == [1, 0, 40_000]


def test_a_line_shows_the_first_five_calls_of_its_minute(acme, channel):
    made = [call(acme, channel, after=after, micros=40_000 + after) for after in range(8)]

    bill = matched(
        channel,
        csv_file(
            *(f"2026-11-20T12:00:{second}Z,{ORIGIN},0.06" for second in (10, 11)),
            header="created_at,model,cost_usd",
        ),
    )

    first_five = [str(one.id) for one in made[:5]]
    assert [line.candidates for line in bill.lines.filter(number__gt=0)] == [first_five] * 2


def test_line_items_of_a_day_are_matched_with_the_calls_and_tests_of_the_utc_day(acme, channel):
    call(acme, channel, after=0)
    call(acme, channel, after=11 * 3600 + 3599, micros=20_000)
    call(acme, channel, after=12 * 3600, micros=70_000)
    trial(channel, after=60, micros=5_000)

    bill = matched(
        channel,
        costs_of_days(
            (MIDNIGHT, [(f"{ORIGIN}, input", "0.005"), (f"{ORIGIN}, output", "5.0e-02")]),
            (MIDNIGHT + timedelta(days=1), [(f"{ORIGIN}, output", "0.08"), ("gpt-4o, input", "1")]),
        ),
    )

    assert bill.state == "ready"
    assert lines_of(bill) == [
        (1, "equal", 55_000, 55_000),
        (2, "part", 0, 0),
        (3, "different", 80_000, 70_000),
        (4, "theirs", 1_000_000, 0),
    ]


def test_the_same_file_is_refused_on_any_channel(acme, channel):
    call(acme, channel, request_id="a")
    content = csv_file(row("a", 0, "0.03"))
    bill = matched(channel, content)

    with pytest.raises(ValidationError, match=f"as bill {bill.pk}. Nothing was changed"):
        matched(make_channel("other"), content)

    assert VendorBill.objects.count() == 1
