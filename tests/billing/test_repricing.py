"""Operations on a draft's prices: literal results, with and without a markup."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pixel_prices import by_megapixels
from billing.price_rows import INPUT, REFERENCE, BookRow, row_by
from billing.repricing import Operation, operation, reprice, reprice_by_hand
from pictor.kit.words.money import Micros, scale_half_up

LOW = BookRow("m", "1024x1024", "low", Micros(5_880), 1024, 1024)
HIGH = BookRow("m", "1024x1024", "high", Micros(210_720), 1024, 1024)
AUTO = BookRow("m", "auto", "high", Micros(428_160), 2048, 2048, "formula")
REFERENCES = BookRow("m", REFERENCE, INPUT, Micros(12_000), 1, 1)
COSTS = {LOW.key: Micros(4_001)}


def after(how: Operation, markup: str = "1") -> list[int]:
    plan = reprice([LOW, HIGH], how, markup=Decimal(markup), costs=COSTS.get)
    return [change.becomes.micros for change in plan.changes]


@pytest.mark.parametrize(
    ("kind", "text", "prices"),
    [
        ("by", "5", [6_174, 221_256]),
        ("by", "+5%", [6_174, 221_256]),
        ("by", "-2.5 %", [5_733, 205_452]),
        ("cost-times", "1.3", [5_202]),
        ("round-up", "0.001", [6_000, 211_000]),
        ("round-up", "$0.00001", []),
    ],
)
def test_each_operation_makes_these_prices(kind, text, prices):
    assert after(operation(kind, text)) == prices


def test_with_a_markup_the_list_price_is_the_least_that_is_charged_so():
    assert after(operation("round-up", "0.001"), "1.2345") == [6_480, 211_422]
    assert [scale_half_up(one, Decimal("1.2345")) for one in (6_480, 211_422)] == [8_000, 261_000]


def test_rows_held_by_formula_or_of_unknown_cost_are_left_out_by_name():
    rows = [LOW, HIGH, AUTO, REFERENCES]

    plan = reprice(rows, operation("cost-times", "1.3"), markup=Decimal(1), costs=COSTS.get)

    assert [change.key for change in plan.changes] == [LOW.key]
    assert plan.unknown == [HIGH.key]
    assert plan.by_formula == [AUTO.key, REFERENCES.key]


def test_amounts_of_reference_images_rise_but_not_what_is_held_for_their_tokens():
    each = replace(REFERENCES, kind="each")
    by_pixels = row_by(
        BookRow("flux", REFERENCE, INPUT, Micros(0), 2048, 2048), by_megapixels([Micros(15_000)])
    )

    plan = reprice(
        [each, by_pixels, REFERENCES], operation("by", "20"), markup=Decimal(1), costs=COSTS.get
    )

    assert [change.becomes.micros for change in plan.changes] == [14_400, 72_000]
    assert plan.changes[1].becomes.terms == by_megapixels([Micros(18_000)])
    assert plan.by_formula == [REFERENCES.key]


def test_typed_prices_change_only_their_rows_of_any_kind():
    plan = reprice_by_hand([LOW, HIGH, AUTO], {LOW.key: "$0.21", AUTO.key: "0.5", HIGH.key: ""})

    assert [(change.key, change.becomes.micros) for change in plan.changes] == [
        (LOW.key, 210_000),
        (AUTO.key, 500_000),
    ]
    assert (plan.same, plan.large) == (1, 1)


@pytest.mark.parametrize(("becomes", "is_large"), [(15_000, False), (15_001, True), (4_999, True)])
def test_more_than_half_is_perhaps_mistyped(becomes, is_large):
    row = BookRow("m", "1x1", "low", Micros(10_000), 1, 1)

    (change,) = reprice_by_hand([row], {row.key: f"{becomes / 1e6:.6f}"}).changes

    assert change.is_large is is_large


def test_an_operation_on_a_book_with_a_zero_markup_is_refused():
    with pytest.raises(ValueError, match="gives every image away"):
        after(operation("by", "5"), "0")


def test_a_price_that_would_be_nothing_is_refused_by_name():
    cheap = BookRow("m", "1x1", "low", Micros(1), 1, 1)

    with pytest.raises(ValueError, match="m 1x1 low: a price must be above 0"):
        reprice([cheap], operation("by", "-99"), markup=Decimal(1), costs=COSTS.get)


@given(
    st.integers(1, 10**9),
    st.decimals("0.01", "50", places=4),
    st.sampled_from([10, 1_000, 10_000]),
)
def test_rounded_up_is_never_charged_less_and_no_lower_price_would_do(micros, markup, step):
    row = BookRow("m", "1x1", "low", Micros(micros), 1, 1)
    wanted = -(-scale_half_up(micros, markup) // step) * step

    plan = reprice([row], Operation("round-up", Decimal(step)), markup=markup, costs=COSTS.get)

    becomes = plan.changes[0].becomes.micros if plan.changes else micros
    assert scale_half_up(becomes, markup) >= wanted
    assert scale_half_up(becomes - 1, markup) < wanted or not plan.changes
