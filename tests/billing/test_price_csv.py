"""Prices as CSV: dollars out and in, exact, and a clear word about a line that is none."""

import pytest

from billing.price_csv import read, written
from billing.pricing import BookRow
from pictor.kit.money import Micros

HD = BookRow("dall-e-3", "1024x1024", "hd", Micros(80_000), 1024, 1024)
AUTO = BookRow("gpt-image-2", "auto", "low", Micros(1), 2048, 2048, "formula")


def test_what_was_written_is_read_back():
    assert read(written([HD, AUTO])) == [HD, AUTO]
    assert "dall-e-3,1024x1024,hd,0.080000,fixed,1024,1024" in written([HD])


def test_no_name_of_a_model_is_a_formula():
    assert "\n';'=1,1x1,low," in written([BookRow(";=1", "1x1", "low", Micros(1), 1, 1)])


def test_pixels_and_kind_may_be_left_to_the_size():
    assert read("model,size,quality,usd\ndall-e-3,1024x1024,hd,0.08\n") == [HD]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("m,1x1,low,fifty", "'fifty' is not an amount"),
        ("m,1x1,low,0.0000001", "at most 6 decimals"),
        ("m,1x1,low,-1", "below 0"),
        ("m,1x1,low,", "usd is empty"),
        ("m,big,low,1", "needs width and height"),
        ("m,auto,low,1", "needs width and height"),
        ("m,0x5,low,1", "needs width and height"),
    ],
)
def test_a_line_that_is_no_price_is_named(line, why):
    with pytest.raises(ValueError, match="line 2: ") as refused:
        read(f"model,size,quality,usd\n{line}\n")
    assert why in str(refused.value)


def test_a_price_given_twice_is_refused():
    with pytest.raises(ValueError, match="line 3: m 1x1 low has a price already"):
        read("model,size,quality,usd\nm,1x1,low,1\nm,1x1,low,2\n")


@pytest.mark.parametrize(
    ("header", "why"), [("model,size,usd", "quality are missing"), ("", "are missing")]
)
def test_columns_must_be_there(header, why):
    with pytest.raises(ValueError, match=why):
        read(header)


def test_a_cell_that_no_csv_has_is_refused():
    with pytest.raises(ValueError, match="line 2: field larger than field limit"):
        read(f"model,size,quality,usd\n{'m' * 140_000},1x1,low,1\n")


def test_a_column_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="unknown columns: euro"):
        read("model,size,quality,usd,euro\n")
