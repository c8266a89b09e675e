"""Prices that follow from pixels: quoted, charged, changed, and read from files of prices."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.offer import OfferedModel
from billing import price_csv
from billing.pixel_prices import by_megapixels, by_steps
from billing.price_changes import PriceChange, changes_between
from billing.price_rows import ANY, INPUT, REFERENCE, BookRow, row_by
from billing.price_stops import CellCost, judged_by_cost
from billing.pricing import PricedRequest, PriceMissing, PriceTable, due, quote
from billing.repricing import operation, reprice, reprice_by_hand
from billing.selectors.prices import short_prices
from billing.token_formula import Delivered
from billing.upstream_cost import Cost, CostSource
from pictor.kit.words.money import Micros

FLUX = by_megapixels([Micros(30_000), Micros(15_000)])
STEPS = by_steps({"1048576": Micros(40_000), "4194304": Micros(80_000)})
ROW = row_by(BookRow("flux", ANY, "default", Micros(0), 1024, 1024), FLUX)
STEPPED = row_by(BookRow("seed", ANY, "default", Micros(0), 1024, 1024), STEPS)
OF_REFERENCES = row_by(
    BookRow("flux", REFERENCE, INPUT, Micros(0), 2048, 2048), by_megapixels([Micros(15_000)])
)
SQUARE = BookRow("flux", "512x512", "default", Micros(10_000), 512, 512)


def table(*rows: BookRow, markup: str = "1") -> PriceTable:
    return PriceTable((7,), {row.key: row.priced(Decimal(markup)) for row in rows})


def charged(prices: PriceTable, size: str, delivered: tuple[int, int]) -> int:
    quoted = quote(prices, model="flux", size=size, quality="default", n=1)
    bill = due(
        prices,
        priced=PricedRequest.from_json(quoted.priced.as_json()),
        delivered=[Delivered(*delivered)],
        reported_quality=None,
        output_tokens=None,
        hold=quoted.total,
    )
    return bill.total


@pytest.mark.parametrize(
    ("size", "unit"), [("1024x1024", 36_000), ("1040x1008", 36_000), ("2048x2048", 90_000)]
)
def test_any_size_is_quoted_by_its_megapixels_with_the_markup(size, unit):
    quoted = quote(table(ROW, markup="1.2"), model="flux", size=size, quality="default", n=2)

    assert (quoted.unit, quoted.total) == (unit, 2 * unit)


def test_a_size_with_a_price_of_its_own_has_that():
    prices = table(ROW, SQUARE)

    assert quote(prices, model="flux", size="512x512", quality="default", n=1).unit == 10_000
    assert quote(prices, model="flux", size="512x500", quality="default", n=1).unit == 30_000


@pytest.mark.parametrize("size", ["auto", "3000x3000"])
def test_what_no_step_covers_has_no_price(size):
    with pytest.raises(PriceMissing):
        quote(table(STEPPED), model="seed", size=size, quality="default", n=1)


@pytest.mark.parametrize(
    ("delivered", "total"),
    [
        ((2048, 2048), 75_000),
        ((2048, 1024), 45_000),  # fewer megapixels
        ((4096, 4096), 75_000),  # never more than was quoted
        ((512, 512), 10_000),  # a size with a price of its own
    ],
)
def test_the_delivered_size_is_charged_by_its_own_price(delivered, total):
    assert charged(table(ROW, SQUARE), "2048x2048", delivered) == total


def test_a_listed_size_by_pixels_charges_other_sizes_by_theirs():
    listed = row_by(BookRow("flux", "2048x2048", "default", Micros(0), 2048, 2048), FLUX)

    assert charged(table(listed), "2048x2048", (1500, 1400)) == 60_000


def test_an_amount_of_any_size_is_that_of_each():
    prices = table(BookRow("flux", ANY, "default", Micros(40_000), 1024, 1024))

    assert charged(prices, "1024x1024", (1000, 1000)) == 40_000


@pytest.mark.parametrize(
    ("pixels", "references"),
    [
        ([1024 * 1024, 1024 * 1025], 45_000),
        ([1, 8192 * 8192], 75_000),  # never more than the largest that is held for
    ],
)
def test_reference_images_are_charged_by_their_pixels(pixels, references):
    prices = table(ROW, OF_REFERENCES)
    quoted = quote(prices, model="flux", size="1024x1024", quality="default", n=1, references=2)

    bill = due(
        prices,
        priced=quoted.priced,
        delivered=[Delivered(1024, 1024)],
        reported_quality=None,
        output_tokens=None,
        hold=quoted.total,
        reference_pixels=pixels,
    )

    assert (quoted.references, bill.references) == (120_000, references)
    assert bill.total == 30_000 + references


def test_prices_by_pixels_are_read_back_from_csv():
    rows = [ROW, STEPPED, OF_REFERENCES, SQUARE]

    assert price_csv.read(price_csv.to_csv(rows)) == rows


def test_a_file_without_such_prices_has_no_further_columns():
    assert price_csv.to_csv([SQUARE]).splitlines()[0] == (
        "model,size,quality,usd,kind,width,height"
    )


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("auto,hd,0.03,pixels,9,9,,,,", "a row of size auto is not of the kind pixels"),
        ("any,low,0.03,formula,9,9,,,,", "a row of size any is not of the kind formula"),
        ("any,hd,0.03,fixed,9,9,0.01,,,", "further is only of rows of the kind pixels"),
        ("any,hd,0.03,pixels,9,9,-1,,,", "-1 is below 0"),
        ("any,hd,0.03,pixels,9,9,,down,,",
         "needs round (up, nearest, none) and the pixels of a megapixel"),
        ("any,hd,0.03,pixels,9,9,,,1e6,",
         "needs round (up, nearest, none) and the pixels of a megapixel"),
        ("any,hd,0.03,pixels,9,9,,,,9", "'' is not an amount"),
        ("any,hd,0.03,pixels,999999999,999999999,,,,", "a size has at most 1000000000 pixels"),
        ("any,hd,9000000000,pixels,9,9,9000000000,up,1,",
         "a large image would cost more than nine billion USD"),
        ("any,hd,0.03,pixels,9,9,,,,10=0.03", "no step covers 9x9"),
        ("any,hd,0.03,pixels,9,9,,,,99=0.03 99=0.04", "each step has one amount"),
        ("any,hd,0.03,pixels,9,9,,,,99=0.04",
         "a row with steps has the first step's usd, and no amount by megapixel"),
    ],
)  # fmt: skip
def test_a_wrong_price_by_pixels_is_named_by_its_line(cells, why):
    header = "model,size,quality,usd,kind,width,height,further,round,megapixel,steps\n"

    with pytest.raises(ValueError) as wrong:  # noqa: PT011 - the words follow
        price_csv.read(f"{header}m,{cells}\n")

    assert str(wrong.value) == f"line 2: {why}"


@pytest.mark.parametrize(
    ("kind", "text", "first", "further"),
    [("by", "5", 31_500, 15_750), ("cost-times", "1.3", 39_000, 19_500)],
)
def test_an_operation_changes_every_amount(kind, text, first, further):
    costs = {("flux", "1024x1024", "default"): Micros(30_000)}  # at the row's own size
    plan = reprice([ROW], operation(kind, text), markup=Decimal(1), costs=costs.get)

    (becomes,) = (change.becomes for change in plan.changes)
    assert becomes == row_by(ROW, by_megapixels([Micros(first), Micros(further)]))


def test_a_price_by_pixels_is_not_typed_as_one_amount():
    with pytest.raises(ValueError, match="flux any default: its price is by pixels"):
        reprice_by_hand([ROW], {ROW.key: "0.05"})


def test_a_dearer_further_megapixel_is_a_large_change_and_a_cheaper_one_falls():
    dearer = row_by(ROW, by_megapixels([Micros(30_000), Micros(60_000)]))
    was, becomes = (row.priced(Decimal(1)) for row in (ROW, dearer))

    rises, falls = PriceChange(ROW.key, was, becomes), PriceChange(ROW.key, becomes, was)

    assert (rises.is_large, rises.falls, falls.falls) == (True, False, True)
    assert str(rises) == (
        "flux any default: 0.030000 USD the first megapixel, 0.015000 USD each further one"
        " -> 0.030000 USD the first megapixel, 0.060000 USD each further one"
    )


def fixed(micros: int, size: str = ANY) -> BookRow:
    return BookRow("flux", size, "default", Micros(micros), 1024, 1024)


def stepped(*steps: tuple[int, int]) -> BookRow:
    terms = by_steps({str(most): Micros(micros) for most, micros in steps})
    return row_by(BookRow("flux", ANY, "default", Micros(0), 1024, 1024), terms)


EACH = row_by(ROW, by_megapixels([Micros(30_000)]))


@pytest.mark.parametrize(
    ("was", "becomes", "is_large", "falls"),
    [
        (fixed(30_000), EACH, True, False),  # 16 times as much at 4096x4096
        (EACH, fixed(30_000), True, True),
        (stepped((2_359_296, 40_000), (9**9, 90_000)),
         stepped((2_359_296, 80_000), (9**9, 90_000)), True, False),
        (stepped((2_359_296, 80_000), (9**9, 90_000)),
         stepped((2_359_296, 70_000), (9**9, 90_000)), False, True),
        (stepped((4_194_304, 40_000), (9**9, 40_000)), stepped((4_194_304, 40_000)), True, False),
    ],
)  # fmt: skip
def test_a_change_is_looked_at_wherever_an_amount_may_change(was, becomes, is_large, falls):
    change = PriceChange(ROW.key, was.priced(Decimal(1)), becomes.priced(Decimal(1)))

    assert (change.is_large, change.falls) == (is_large, falls)


def test_a_size_whose_own_price_goes_has_that_of_any():
    own, of_any = fixed(100_000, "1024x1024"), fixed(20_000)

    (gone,) = changes_between(table(own, of_any).rows, table(of_any).rows)
    (comes,) = changes_between(table(of_any).rows, table(own, of_any).rows)

    assert str(gone) == "flux 1024x1024 default: 0.100000 USD -> 0.020000 USD"
    assert (gone.is_large, gone.falls, comes.is_large) == (True, True, True)


def test_the_largest_reference_image_is_part_of_its_price():
    smaller = row_by(replace(OF_REFERENCES, width=1024, height=1024), OF_REFERENCES.terms)

    (change,) = changes_between(table(smaller).rows, table(OF_REFERENCES, markup="2").rows)

    assert str(change) == (
        "flux reference input: 0.015000 USD each megapixel, up to 1024x1024"
        " -> 0.015000 USD each megapixel, times 2, up to 2048x2048"
    )


def test_a_cell_is_judged_by_the_row_that_prices_it():
    prices = table(fixed(100_000, "1024x1024"), fixed(20_000)).rows
    costs = [
        CellCost(("flux", size, "default"), "bfl", Cost(Micros(30_000), CostSource.TABLE))
        for size in ("1024x1024", "2048x2048")
    ]

    below, _ = judged_by_cost(prices, costs, of=[fixed(0).key])

    assert [cell.key[1] for cell in below] == ["2048x2048"]
    assert judged_by_cost(prices, costs, of=[fixed(0, "1024x1024").key]) == ([], [])


def test_steps_must_reach_the_largest_size_that_they_price():
    fox = OfferedModel("flux", is_enabled=True, sizes=("2048x2048", ANY), qualities=("default",),
                       largest="4096x4096")  # fmt: skip
    short, enough = stepped((4_194_304, 1)), stepped((16_777_216, 1))

    assert {*short_prices([short], [fox])} == {short.key}
    assert short_prices([enough], [fox]) == []
    assert short_prices([short], [replace(fox, largest="")]) == []


def test_prices_of_before_are_kept_as_they_were():
    old = {
        "model": "flux", "size": "512x512", "quality": "default", "quality_held": "default",
        "n": 1, "books": [7], "rows": {"default": [10_000, "1", 512, 512, "fixed"]},
    }  # fmt: skip

    assert PricedRequest.from_json(old).as_json() == old
