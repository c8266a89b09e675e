"""An attempt's cost: as reported, else by the table in force at its start, else unknown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.pixel_prices import by_megapixels, by_steps
from billing.token_formula import Delivered
from billing.upstream_cost import (
    Cost,
    CostRow,
    Costs,
    CostSource,
    CostTable,
    SentRequest,
    TokenCounts,
    UpstreamResult,
    upstream_cost,
)
from pictor.kit.words.money import Micros

MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)
SQUARE, WIDE = Delivered(1024, 1024), Delivered(1536, 1024)
ASKED = SentRequest(model="img", size="1024x1024", quality="high", n=2, at=MIDNIGHT)
TOKEN_ROWS = (
    CostRow("img", "tokens", "input_text", Micros(5_000_000), "tokens"),
    CostRow("img", "tokens", "input_image", Micros(8_000_000), "tokens"),
    CostRow("img", "tokens", "output", Micros(30_000_000), "tokens"),
)
CELL = CostRow("img", "1024x1024", "high", Micros(40_000))


def table(*rows: CostRow, since: datetime = MIDNIGHT) -> CostTable:
    return CostTable(since, {row.key: row for row in rows})


def costs(*rows: CostRow, flat: int | None = None) -> Costs:
    return Costs(flat, (table(*rows),))


def known(micros: int, source: CostSource) -> Cost:
    return Cost(Micros(micros), source)


def test_the_first_that_is_known_is_taken():
    everything = costs(*TOKEN_ROWS, CELL, flat=90_000)
    came = UpstreamResult((SQUARE, SQUARE), TokenCounts(10, 100, 7024), reported=Micros(123))

    assert upstream_cost(everything, sent=ASKED, came=came) == known(123, CostSource.REPORTED)
    came = replace(came, reported=None)  # 10 x 5 + 100 x 8 + 7,024 x 30
    assert upstream_cost(everything, sent=ASKED, came=came) == known(211_570, CostSource.TOKENS)
    came = replace(came, tokens=None)
    assert upstream_cost(everything, sent=ASKED, came=came) == known(80_000, CostSource.TABLE)
    other = costs(*TOKEN_ROWS, replace(CELL, quality="low"), flat=90_000)
    assert upstream_cost(other, sent=ASKED, came=came) == known(180_000, CostSource.FLAT)


def test_a_cost_without_a_source_is_unknown_and_a_zero_cost_is_known():
    unknown = upstream_cost(Costs(), sent=ASKED)
    nothing = upstream_cost(costs(replace(CELL, micros=Micros(0))), sent=ASKED)

    assert (unknown.is_known, unknown.source) == (False, CostSource.UNKNOWN)
    assert (nothing.is_known, nothing) == (True, known(0, CostSource.TABLE))


def test_images_that_did_not_come_and_may_be_paid_cost_as_much_as_those_that_came():
    came = UpstreamResult((SQUARE, SQUARE), lost=1)
    stated = replace(came, reported=Micros(101))

    assert upstream_cost(costs(CELL), sent=ASKED, came=came) == known(120_000, CostSource.TABLE)
    assert upstream_cost(Costs(), sent=ASKED, came=stated) == known(152, CostSource.REPORTED)
    assert not upstream_cost(Costs(), sent=ASKED, came=came).is_known


def test_an_unbilled_attempt_and_a_test_cost_nothing():
    came = UpstreamResult((SQUARE,), reported=Micros(9))

    unbilled = upstream_cost(costs(CELL), sent=ASKED, came=came, may_have_billed=False)
    of_a_test = upstream_cost(Costs(flat=5, is_free=True), sent=ASKED, came=came)

    assert unbilled == of_a_test == known(0, CostSource.NOTHING)


def test_the_table_of_the_beginning_is_taken_on_both_sides_of_midnight():
    tables = (
        table(CELL, since=MIDNIGHT - timedelta(days=9)),
        table(replace(CELL, micros=Micros(1))),
    )
    just_before = replace(ASKED, at=MIDNIGHT - timedelta(microseconds=1))

    before = upstream_cost(Costs(tables=tables), sent=just_before)
    after = upstream_cost(Costs(tables=tables), sent=ASKED)

    assert (before.micros, after.micros) == (80_000, 2)


def test_a_table_in_the_future_says_nothing_yet():
    later = Costs(tables=(table(CELL, since=MIDNIGHT + timedelta(seconds=1)),))

    assert not upstream_cost(later, sent=ASKED).is_known


@pytest.mark.parametrize(
    ("asked", "came", "micros"),
    [
        ({}, UpstreamResult((SQUARE,)), 4),
        ({"size": "1536x1024"}, UpstreamResult(), 2 * 3),
        ({"quality": "low"}, UpstreamResult(), 2 * 2),
        ({"quality": "low", "size": "1536x1024"}, UpstreamResult(), 2 * 1),
        ({"size": "auto"}, UpstreamResult((SQUARE, WIDE)), 4 + 3),
        ({"quality": ""}, UpstreamResult((SQUARE,), quality="high"), 4),
        ({"quality": "auto"}, UpstreamResult((SQUARE,), quality="low"), 2),
        ({"quality": ""}, UpstreamResult((SQUARE,), TokenCounts(0, 0, 7_000)), 4),
        ({"quality": ""}, UpstreamResult((SQUARE,), TokenCounts(0, 0, 200)), 2),
    ],
)
def test_the_nearest_cell_is_that_of_what_was_asked_or_left_to_the_upstream(asked, came, micros):
    rows = (
        CostRow("img", "1024x1024", "high", Micros(4)),
        CostRow("img", "any", "high", Micros(3)),
        CostRow("img", "1024x1024", "any", Micros(2)),
        CostRow("img", "any", "any", Micros(1)),
    )

    cost = upstream_cost(costs(*rows), sent=replace(ASKED, **asked), came=came)

    assert cost == known(micros, CostSource.TABLE)


@pytest.mark.parametrize(
    ("asked", "came", "micros"),
    [
        ({}, UpstreamResult((SQUARE,)), 7_024 * 30),
        ({"quality": "low"}, UpstreamResult(), 2 * 196 * 30),
        ({"size": "auto", "quality": ""}, UpstreamResult((SQUARE,), quality="low"), 196 * 30),
    ],
)
def test_a_formula_is_that_of_the_size_and_quality(asked, came, micros):
    row = CostRow("img", "any", "any", Micros(30_000_000), "formula")

    cost = upstream_cost(costs(row), sent=replace(ASKED, **asked), came=came)

    assert cost == known(micros, CostSource.TABLE)


@pytest.mark.parametrize("asked", [{"size": "auto"}, {"quality": ""}, {"quality": "hd"}])
def test_a_formula_without_size_or_quality_says_nothing(asked):
    row = CostRow("img", "any", "any", Micros(30_000_000), "formula")

    assert not upstream_cost(costs(row), sent=replace(ASKED, **asked)).is_known


BY_MEGAPIXELS = by_megapixels([Micros(30_000), Micros(15_000)])
BY_STEPS = by_steps({"2359296": Micros(40_000), "16777216": Micros(80_000)})


@pytest.mark.parametrize(
    ("row", "asked", "came", "micros"),
    [
        (("any", BY_MEGAPIXELS), {}, UpstreamResult(), 2 * 30_000),
        (("any", BY_MEGAPIXELS), {"size": "2048x2048"}, UpstreamResult(), 2 * 75_000),
        (("any", BY_MEGAPIXELS), {"size": "1536x1024"}, UpstreamResult((WIDE,)), 45_000),
        (("any", BY_MEGAPIXELS), {"size": "1536x1024"}, UpstreamResult((SQUARE,)), 45_000),
        (("any", BY_MEGAPIXELS), {"size": "auto"}, UpstreamResult((SQUARE, WIDE)), 75_000),
        (("auto", BY_MEGAPIXELS), {"size": "auto"}, UpstreamResult((WIDE,)), 45_000),
        (("2048x2048", BY_MEGAPIXELS), {"size": "2048x2048"}, UpstreamResult((SQUARE,)), 75_000),
        (("any", BY_STEPS), {"size": "1536x1536"}, UpstreamResult(), 2 * 40_000),
        (("any", BY_STEPS), {"size": "1537x1536"}, UpstreamResult(), 2 * 80_000),
        (("any", BY_STEPS), {"size": "4096x4096"}, UpstreamResult((SQUARE,)), 80_000),
    ],
)
def test_an_amount_by_pixels_is_that_of_the_size_asked_for_or_left_to_the_upstream(
    row, asked, came, micros
):
    size, terms = row
    by_pixels = CostRow("img", size, "any", terms.first, "pixels", terms)

    cost = upstream_cost(costs(by_pixels), sent=replace(ASKED, **asked), came=came)

    assert cost == known(micros, CostSource.TABLE)


@pytest.mark.parametrize("size", ["auto", "4097x4096", ""])
def test_pixels_that_no_step_covers_or_nobody_knows_have_no_known_cost(size):
    by_pixels = CostRow("img", "any", "any", Micros(40_000), "pixels", BY_STEPS)

    unknown = upstream_cost(costs(by_pixels), sent=replace(ASKED, size=size))
    flat = upstream_cost(costs(by_pixels, flat=90_000), sent=replace(ASKED, size=size))

    assert (unknown.is_known, unknown.source) == (False, CostSource.UNKNOWN)
    assert flat == known(180_000, CostSource.FLAT)


def test_tokens_of_which_one_has_no_price_are_not_added_up():
    came = UpstreamResult((SQUARE,), TokenCounts(10, 100, 7024))
    rows = [row for row in TOKEN_ROWS if row.quality != "input_image"]

    assert not upstream_cost(costs(*rows), sent=ASKED, came=came).is_known
    without = replace(came, tokens=TokenCounts(10, 0, 7024))
    assert upstream_cost(costs(*rows), sent=ASKED, came=without).micros == 210_770


def test_an_upstream_that_counts_no_tokens_of_images_is_not_taken_at_its_word():
    came = UpstreamResult((SQUARE,), TokenCounts(10, 0, 0))

    assert upstream_cost(costs(*TOKEN_ROWS, CELL), sent=ASKED, came=came).micros == 40_000


@pytest.mark.parametrize(
    ("units", "micros"), [("2", 100_000), ("1.05", 52_500), ("0", 0), (None, 70_000)]
)
def test_the_vendors_own_units_cost_what_its_table_says(units, micros):
    rows = [
        CostRow("img", "units", "any", Micros(50_000), "units"),
        CostRow("img", "any", "any", Micros(35_000)),
    ]
    came = UpstreamResult(units=None if units is None else Decimal(units))

    found = upstream_cost(costs(*rows), sent=ASKED, came=came)

    assert found == known(micros, CostSource.TABLE)
