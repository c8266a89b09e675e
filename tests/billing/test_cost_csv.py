"""Costs as CSV: written rows are read back, and each bad value is named."""

import pytest

from billing.cost_csv import read, to_csv
from billing.pixel_prices import by_megapixels, by_steps
from billing.upstream_cost import CostRow
from pictor.kit.words.money import Micros

HEADER = "model,size,quality,usd,kind\n"
ROWS = [
    CostRow("img", "1024x1024", "high", Micros(40_000)),
    CostRow("img", "any", "any", Micros(30_000_000), "formula"),
    CostRow("img", "tokens", "output", Micros(30_000_000), "tokens"),
]


def test_written_costs_are_read_back():
    text = to_csv(ROWS, source="https://vendor.example/pricing, seen on 2026-11-26")

    said = read(text)

    assert said.rows == ROWS
    assert said.source == "https://vendor.example/pricing, seen on 2026-11-26"


PIXEL_ROWS = [
    CostRow("flux", "any", "any", Micros(30_000), "pixels", by_megapixels([Micros(30_000)] * 2)),
    CostRow("seed", "auto", "any", Micros(40_000), "pixels", by_steps({"9000": Micros(40_000)})),
]


def test_costs_by_pixels_have_further_columns_and_are_read_back():
    text = to_csv([*ROWS, *PIXEL_ROWS])

    assert text.splitlines() == [
        "model,size,quality,usd,kind,further,round,megapixel,steps",
        "img,1024x1024,high,0.040000,fixed,,,,",
        "img,any,any,30.000000,formula,,,,",
        "img,tokens,output,30.000000,tokens,,,,",
        "flux,any,any,0.030000,pixels,0.030000,up,1048576,",
        "seed,auto,any,0.040000,pixels,,,,9000=0.040000",
    ]
    assert read(text).rows == [*ROWS, *PIXEL_ROWS]


def test_costs_without_pixels_are_written_as_ever():
    assert to_csv(ROWS) == (
        "model,size,quality,usd,kind\n"
        "img,1024x1024,high,0.040000,fixed\n"
        "img,any,any,30.000000,formula\n"
        "img,tokens,output,30.000000,tokens\n"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("img,any,hd,0.03,,0.01,,,", "further is only of rows of the kind pixels"),
        ("img,tokens,output,30,pixels,,,,", "the size 'tokens' needs the kind 'tokens'"),
        ("img,any,hd,0.03,pixels,0.01,down,,", "line 2: needs round"),
        ("img,any,hd,0.03,pixels,0.01,,0,", "and the pixels of a megapixel"),
        ("img,any,hd,0.03,pixels,-0.01,,,", "line 2: -0.01 is below 0"),
        ("img,any,hd,0.03,pixels,,,,9=0.04", "has the first step's usd"),
        ("img,any,hd,0.03,pixels,,,,9=0.03 99=0.01", "a larger step may not cost less"),
        ("img,any,hd,0.03,pixels,,,,9", "line 2: '' is not an amount"),
        ("img,any,hd,0.03,pixels,,,,9=0.03 99=1000001", "may cost more than 1000000.000000"),
        ("img,any,hd,0.03,pixels,0.01,,1,", "line 2: an image may cost more than 1000000.000000"),
    ],
)
def test_a_line_that_is_no_cost_by_pixels_is_named(line, words):
    with pytest.raises(ValueError, match=words):
        read(f"model,size,quality,usd,kind,further,round,megapixel,steps\n{line}\n")


def test_a_kind_may_be_left_out():
    said = read("model,size,quality,usd\nimg,auto,hd,0.5\nimg,tokens,output,30\n")

    assert [(row.kind, row.micros) for row in said.rows] == [
        ("fixed", 500_000),
        ("tokens", 30_000_000),
    ]
    assert said.source == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("img,1024x1024,high,0.04,flat", "line 3: 'flat' is not a kind"),
        ("img,1024,high,0.04,", "line 3: '1024' is neither WIDTHxHEIGHT nor auto, any, "),
        ("img,units,high,0.05,", "line 3: the size 'units' needs the kind 'units'"),
        ("img,units,any,0.05,fixed", "line 3: the size 'units' needs the kind 'units'"),
        ("img,tokens,high,30,", "and a quality of input_text, input_image, output"),
        ("img,tokens,output,30,fixed", "line 3: the size 'tokens' needs the kind 'tokens'"),
        ("img,any,hd,30,formula", "line 3: the formula has no quality 'hd'"),
        ("img,any,high,-1,", "line 3: -1 is not from 0 to 1000000.000000"),
        ("img,any,high,1000000.1,", "line 3: 1000000.1 is not from 0"),
        ("img,any,high,cheap,", "line 3: 'cheap' is not an amount"),
        ("img,any,,1,", "line 3: quality is empty"),
        (f"{'m' * 129},any,high,1,", "line 3: a model has at most 128 characters"),
        ("img,any,low,1,", "line 3: img any low has a cost already"),
    ],
)
def test_a_line_that_is_no_cost_is_named(line, words):
    with pytest.raises(ValueError, match=words):
        read(f"{HEADER}img,any,low,1,\n{line}\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER, "there must be 1 to 2000 costs, not 0"),
        ("", "the columns model, quality, size, usd are missing"),
        ("model,size,quality,usd,price\n", "unknown columns: price"),
        (HEADER + "".join(f"m{number},any,any,1,\n" for number in range(2001)), "not 2001"),
    ],
)
def test_a_file_that_is_no_table_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        read(text)
