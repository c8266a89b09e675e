"""Rows read by the chosen columns, and the guess of each column's meaning."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from generation.oversight.bills.mapping import (
    PER_DAY,
    Columns,
    guess,
    model_of,
    read_row,
    time_of,
    zone_of,
)

COLUMNS = Columns(time="t", amount="a", model="m", request_id="id", number="n", currency="c")
ROW = {"t": "2026-11-20T12:00:00Z", "a": "0.03", "m": "flare", "id": "r", "n": "2", "c": "usd"}


@pytest.mark.parametrize(
    ("text", "unit", "micros"),
    [
        ("0.03", "usd", 30_000),
        ("$1,234.56", "usd", 1_234_560_000),
        ("1,234,567", "usd", 1_234_567_000_000),
        ("1.234,56", "usd", 1_234_560_000),
        ("-1.234.567,5", "usd", -1_234_567_500_000),
        ("1 234,56", "usd", 1_234_560_000),
        ("\N{MINUS SIGN}0.03", "usd", -30_000),
        ("3", "cents", 30_000),
        ("30000", "micros", 30_000),
        ("4e-05", "usd", 40),
        ("0.0000015", "usd", 2),
        ("0.0000014999", "usd", 1),
        ("-0.0000015", "usd", -2),
        ("(0.50)", "usd", -500_000),
        ("0,03", "usd", 30_000),
        ("0,030", "usd", 30_000),
        ("0.5 USD", "usd", 500_000),
        ("", "usd", 0),
    ],
)
def test_amounts_are_exact_and_rounded_half_up_once(text, unit, micros):
    columns = Columns.from_json({**COLUMNS.as_json, "unit": unit})

    assert read_row({**ROW, "a": text}, columns).micros == micros


def test_a_row_is_read_by_its_columns():
    said = read_row({**ROW, "a": "0.0000015"}, COLUMNS)

    assert (said.at, said.item, said.request_id, said.n) == (
        datetime(2026, 11, 20, 12, tzinfo=UTC), "flare", "r", 2,
    )  # fmt: skip
    assert said.exact == Decimal("1.5")


def test_a_total_is_of_its_utc_day_and_of_no_call():
    columns = Columns.from_json({**COLUMNS.as_json, "of": PER_DAY, "zone": "+08:00"})

    said = read_row({**ROW, "t": "2026-11-20 07:00"}, columns)

    assert (said.at, said.request_id, said.n) == (datetime(2026, 11, 19, tzinfo=UTC), "", None)


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ({"a": "1,234"}, "is ambiguous"),
        ({"a": "three"}, "'three' is not an amount"),
        ({"a": "NaN"}, "'NaN' is not an amount"),
        ({"a": "1e999"}, "is too large"),
        ({"a": "€3"}, "the amount is in €: only USD is booked"),
        ({"a": "3 EUR"}, "the amount is in EUR: only USD is booked"),
        ({"c": "eur"}, "the amount is in eur: only USD is booked"),
        ({"n": "1.5"}, "'1.5' is not a number of images"),
        ({"n": "1000000"}, "is not a number of images"),
        ({"id": "x" * 201}, "the request id has more than 200 characters"),
        ({"t": ""}, "the time is empty"),
        ({"t": "11/25/2026"}, "is not a time such as"),
        ({"t": "2026-02-30"}, "is not a time such as"),
        ({"t": "1"}, "is not a time such as"),
        ({"t": "0001-01-01"}, "is not the time of a call"),
        ({"t": "9999-12-31T23:59:59-14:00"}, "is not the time of a call"),
    ],
)
def test_a_row_that_says_nothing_clear_is_refused(cells, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_row({**ROW, **cells}, COLUMNS)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-20T12:00:00Z", 12),
        ("2026-11-20 12:00:00", 4),
        ("2026-11-20 12:00:00 UTC", 12),
        ("2026-11-20 12:00:00 +0000 UTC", 12),
        ("2026-11-20T12:00:00+02:00", 10),
        ("1795176000", 12),
        ("1795176000.5", 12),
        ("1795176000123", 12),
    ],
)
def test_every_time_is_read_in_its_zone(text, hour):
    found = time_of(text, zone_of("UTC+8"))

    assert (found.day, found.hour) == (20, hour)


@pytest.mark.parametrize("text", ["Mars", "+25:00", "../etc/passwd", "8"])
def test_a_text_that_is_no_zone_is_refused(text):
    with pytest.raises(ValueError, match="is not a time zone such as"):
        zone_of(text)


@pytest.mark.parametrize(
    ("item", "model"),
    [
        ("gpt-image-1", "gpt-image-1"),
        ("GPT-Image-1, output", "gpt-image-1"),
        ("gpt-image-1-2025-04-23, input", "gpt-image-1"),
        ("gpt-image-1-mini, output", "gpt-image-1-mini"),
        ("gpt-image-1-max, output", ""),
        ("gpt-image-10", ""),
        ("fal-ai/flux/dev", ""),
        ("fal-ai/flux (1 MP)", "fal-ai/flux"),
        ("", ""),
    ],
)
def test_a_line_item_begins_with_its_model(item, model):
    known = ["gpt-image-1", "gpt-image-1-mini", "fal-ai/flux", ""]

    assert model_of(item, known) == model


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (
            ["Request ID", "Created", "Model Name", "Cost (USD)", "Images"],
            ("calls", "Request ID", "Created", "Model Name", "Cost (USD)", "Images", "usd"),
        ),
        (
            ["start_time", "end_time", "amount.value", "amount.currency", "line_item"],
            ("days", "", "start_time", "line_item", "amount.value", "", "usd"),
        ),
        (["id", "time", "cost_cents"], ("calls", "id", "time", "", "cost_cents", "", "cents")),
        (["x", "y"], ("calls", "", "", "", "", "", "usd")),
    ],
)
def test_columns_are_guessed_by_their_names(names, found):
    said = guess(names, [])

    assert (
        said.of, said.request_id, said.time, said.model, said.amount, said.number, said.unit
    ) == found  # fmt: skip
