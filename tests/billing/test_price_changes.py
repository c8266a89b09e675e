"""Changes from one table of prices to another, in dollars; and the large ones among them."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from billing.price_changes import PriceChange, changes_between
from billing.price_rows import Kind, PriceKey, PriceRow
from pictor.kit.words.money import Micros

HD = ("dall-e-3", "1024x1024", "hd")
AUTO = ("gpt-image-2", "auto", "low")
REFERENCE = ("gpt-image-2", "reference", "input")


def row(micros: int, *, markup: str = "1", kind: Kind = "fixed", side: int = 1024) -> PriceRow:
    return PriceRow(Micros(micros), Decimal(markup), side, side, kind)


def words(before: Mapping[PriceKey, PriceRow], after: Mapping[PriceKey, PriceRow]) -> list[str]:
    return [str(change) for change in changes_between(before, after)]


def test_changes_are_in_dollars_and_in_order():
    before = {HD: row(80_000), AUTO: row(1, kind="formula")}

    assert words(before, {HD: row(90_000)}) == [
        "dall-e-3 1024x1024 hd: 0.080000 USD -> 0.090000 USD",
        "gpt-image-2 auto low: 0.000001 USD (formula) -> no price",
    ]
    assert words(before, before) == []


def test_a_markup_is_in_a_price_and_in_what_a_formula_charges():
    assert words({HD: row(80_000)}, {HD: row(40_000, markup="2")}) == []
    assert words({AUTO: row(10, kind="formula")}, {AUTO: row(5, markup="2", kind="formula")}) == [
        "gpt-image-2 auto low: 0.000010 USD (formula) -> 0.000010 USD (formula x2)"
    ]


def test_pixels_other_than_the_size_and_reference_images_without_a_row_are_said():
    assert words({HD: row(1)}, {HD: row(1, side=512)}) == [
        "dall-e-3 1024x1024 hd: 0.000001 USD -> 0.000001 USD for 512x512"
    ]
    assert words({REFERENCE: row(7, kind="formula")}, {}) == [
        "gpt-image-2 reference input: 0.000007 USD (formula) -> included"
    ]


@pytest.mark.parametrize(
    ("was", "becomes", "is_large"),
    [
        (row(1_000), row(1_500), False),
        (row(1_000), row(1_501), True),
        (row(1_000), row(500), False),
        (row(1_000), row(499), True),
        (row(1_000), row(1_000, markup="1.6"), True),
        (row(9, kind="formula"), row(3, markup="3", kind="formula"), True),
        (row(9, kind="formula"), row(6, markup="1.5", kind="formula"), False),
        (None, row(1_000), False),
        (row(1_000), None, False),
    ],
)
def test_above_50_percent_up_or_down_is_large(was, becomes, is_large):
    assert PriceChange(HD, was, becomes).is_large is is_large


@pytest.mark.parametrize(("was", "becomes"), [(None, row(7)), (row(7), None)])
def test_charging_anew_or_no_longer_for_reference_images_is_large(was, becomes):
    assert PriceChange(REFERENCE, was, becomes).is_large
