"""Prices as CSV: exact dollars in and out, and a clear error for each bad line."""

import pytest

from billing.price_csv import read, to_csv
from billing.price_rows import BookRow
from pictor.kit.words.money import Micros

HD = BookRow("dall-e-3", "1024x1024", "hd", Micros(80_000), 1024, 1024)
AUTO = BookRow("gpt-image-2", "auto", "low", Micros(1), 2048, 2048, "formula")


def test_written_prices_are_read_back():
    assert read(to_csv([HD, AUTO])) == [HD, AUTO]
    assert "dall-e-3,1024x1024,hd,0.080000,fixed,1024,1024" in to_csv([HD])


def test_no_name_of_a_model_is_a_formula():
    assert "\n';'=1,1x1,low," in to_csv([BookRow(";=1", "1x1", "low", Micros(1), 1, 1)])


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
        ("m,1x1,auto,1", "quality 'auto' has no price"),
    ],
)
def test_a_line_that_is_no_price_is_named(line, why):
    with pytest.raises(ValueError, match="line 2: ") as refused:
        read(f"model,size,quality,usd\n{line}\n")
    assert why in str(refused.value)


@pytest.mark.parametrize("word", ["standard", "1K"])
def test_a_quality_that_the_formula_lacks_is_refused(word):
    with pytest.raises(ValueError, match=f"line 2: the formula has no quality '{word}'"):
        read(f"model,size,quality,usd,kind\nm,1x1,{word},1,formula\n")


def test_a_column_that_stands_there_twice_is_no_column():
    with pytest.raises(ValueError, match="columns appear twice: usd"):
        read("model,size,quality,usd,usd\ndall-e-3,1024x1024,hd,0.08,0.8\n")


def test_every_wrong_line_is_named_up_to_twenty():
    lines = ["m,1x1,low,1", *["m,big,low,1"] * 3, *["m,1x1,low,fifty"] * 20]

    with pytest.raises(ValueError, match="line 3: ") as refused:
        read("\n".join(["model,size,quality,usd", *lines]))

    said = str(refused.value).split("; ")
    assert said[2:4] == [
        "line 5: big needs width and height in pixels",
        "line 6: 'fifty' is not an amount",
    ]
    assert (len(said), said[-1]) == (21, "and 3 more lines")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("m,1x1,low,0,21", "more cells than columns: is a decimal written with a comma"),
        (f"{'m' * 101},1x1,low,1", "model is longer than 100 characters"),
        ("m,100000x100000,low,1", "size is longer than 11 characters"),
        ("m,1x1,as-high-as-it-goes,1", "quality is longer than 16 characters"),
        ("m\0,1x1,low,1", "or not text"),
    ],
)
def test_a_value_too_large_for_its_column_is_refused(line, why):
    with pytest.raises(ValueError, match="line 2: ") as refused:
        read(f"model,size,quality,usd\n{line}\n")
    assert why in str(refused.value)


def test_empty_cells_behind_the_last_column_are_nothing():
    assert read("model,size,quality,usd\ndall-e-3,1024x1024,hd,0.08,,\n") == [HD]


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
