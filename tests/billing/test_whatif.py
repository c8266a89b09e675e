"""Revenue of a period at other prices, in numbers; and the rows left out, in words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from billing.pixel_prices import by_megapixels
from billing.price_rows import PriceKey, PriceRow
from billing.pricing import PriceTable
from billing.whatif import (
    LeftOutReason,
    Prices,
    SoldImages,
    brought_by,
    cut_off,
    price_of_any,
)
from pictor.kit.words.money import Micros

ACME, OTHER = UUID(int=1), UUID(int=2)
NAMES = {ACME: "Acme", OTHER: "Other"}
SQUARE = ("gpt-image-2", "1024x1024", "low")
AUTO = ("gpt-image-2", "auto", "high")
REFERENCE = ("gpt-image-2", "reference", "input")
FORMULA = PriceRow(Micros(428_160), Decimal(1), 2048, 2048, "formula")


def table(*rows: tuple[PriceKey, int] | tuple[PriceKey, PriceRow]) -> PriceTable:
    return PriceTable(
        (1,),
        {
            key: row if isinstance(row, PriceRow) else PriceRow(Micros(row), Decimal(1), 1024, 1024)
            for key, row in rows
        },
    )


def sold(
    key: PriceKey, delivered: str, images: int, captured: int, *, tenant: UUID = ACME
) -> SoldImages:
    return SoldImages(tenant, *key, delivered, images, Micros(captured), date(2026, 11, 1))


def prices(new: PriceTable, *former: PriceTable) -> Mapping[UUID | None, Prices]:
    return {None: Prices(new, former or [new])}


def test_the_sentence_tells_the_changed_revenue_and_the_most_touched_tenant():
    rose = prices(table((SQUARE, 6_000)))

    found = brought_by(
        [
            sold(SQUARE, "1024x1024", 10, 50_000),
            sold(SQUARE, "512x512", 4, 5_000),
            sold(SQUARE, "1024x1024", 1, 5_000, tenant=OTHER),
        ],
        rose,
    )

    assert (found.was, found.becomes, found.change) == (60_000, 72_000, 12_000)
    assert found.lines(NAMES.__getitem__, 30) == [
        (
            "The last 30 days would have brought $0.072 instead of $0.06 (+20.0 %);"
            " most touched: Acme +$0.011."
        )
    ]


def test_a_tenants_own_prices_stay_above_everyones():
    own = {**prices(table((SQUARE, 6_000))), OTHER: Prices(table((SQUARE, 5_000)), [])}

    found = brought_by(
        [
            sold(SQUARE, "1024x1024", 1, 5_000),
            sold(SQUARE, "1024x1024", 1, 5_000, tenant=OTHER),
        ],
        own,
    )

    assert [(one.tenant, one.change) for one in found.touched] == [(ACME, 1_000), (OTHER, 0)]
    assert [one.tenant for one in found.most_touched] == [ACME]


def test_without_sales_it_says_so():
    found = brought_by([], prices(table((SQUARE, 6_000))))

    assert found.lines(str, 30) == ["Nothing was sold in the last 30 days."]


def test_prices_as_they_were_touch_nobody():
    found = brought_by([sold(SQUARE, "1024x1024", 2, 12_000)], prices(table((SQUARE, 6_000))))

    assert found.lines(str, 30) == [
        "The last 30 days would have brought $0.012 instead of $0.012 (+0.0 %)."
    ]


@pytest.mark.parametrize(
    ("new", "one", "why"),
    [
        ([(REFERENCE, 1)], sold(REFERENCE, "", 0, 420), LeftOutReason.REFERENCES),
        ([], sold(SQUARE, "1024x1024", 1, 420), LeftOutReason.NO_PRICE),
        ([(SQUARE, 1)], sold(SQUARE, "", 0, 420), LeftOutReason.NO_SIZE),
        ([(AUTO, FORMULA)], sold(AUTO, "2880x2880", 1, 420), LeftOutReason.HOLD),
    ],
)
def test_incomparable_sales_are_left_out_of_both_sums_and_named(new, one, why):
    rows = table(*new)

    found = brought_by([one], prices(rows))

    assert [(left.why, left.captured) for left in found.left_out] == [(why, 420)]
    assert (found.was, found.becomes, found.uncompared) == (0, 0, 420)
    assert found.lines(str, 30)[0] == (
        "The last 30 days would have brought $0.00 instead of $0.00."
    )


ANY = ("gpt-image-2", "any", "low")


def by_pixels(first: int, further: int, **how: object) -> PriceRow:
    terms = by_megapixels([Micros(first), Micros(further)], **how)
    return PriceRow(Micros(first), Decimal("1.5"), 1024, 1024, "pixels", terms)


@pytest.mark.parametrize(
    ("row", "listed", "delivered", "price"),
    [
        (30_000, {}, "1mp", 30_000),
        (30_000, {}, "4mp", 30_000),
        (by_pixels(30_000, 15_000), {}, "1mp", 45_000),
        (by_pixels(30_000, 15_000), {}, "4mp", 112_500),
        (by_pixels(30_000, 15_000), {}, "4mp+", LeftOutReason.MEGAPIXELS),
        (by_pixels(30_000, 15_000), {}, "", LeftOutReason.MEGAPIXELS),
        (by_pixels(30_000, 15_000, rounds="nearest"), {}, "4mp", LeftOutReason.MEGAPIXELS),
        (by_pixels(30_000, 15_000, megapixel=10**6), {}, "4mp", LeftOutReason.MEGAPIXELS),
        (30_000, {"1024x1024": 30_000}, "1mp", 30_000),
        (30_000, {"1024x1024": 29_999}, "1mp", LeftOutReason.MEGAPIXELS),
        (30_000, {"1024x1024": 30_001}, "1mp", LeftOutReason.MEGAPIXELS),
        (30_000, {"1024x1024": 29_999, "2048x2048": 30_001}, "2mp", 30_000),
        (30_000, {"2048x2048": 29_999}, "2mp", LeftOutReason.MEGAPIXELS),
    ],
)
def test_a_size_by_a_rule_has_the_price_of_its_whole_megapixels(row, listed, delivered, price):
    def sized(size: str, micros: int) -> PriceRow:
        width, height = map(int, size.split("x"))
        return PriceRow(Micros(micros), Decimal(1), width, height)

    rows = [(("gpt-image-2", size, "low"), sized(size, micros)) for size, micros in listed.items()]

    assert price_of_any(table((ANY, row), *rows), ANY, delivered) == price


def test_revenue_in_sizes_by_a_rule_is_compared_by_whole_megapixels():
    dearer = prices(table((ANY, by_pixels(40_000, 20_000))))

    found = brought_by([sold(ANY, "2mp", 2, 90_000), sold(ANY, "2mp+", 1, 45_000)], dearer)

    assert (found.was, found.becomes) == (90_000, 180_000)
    assert [str(one) for one in found.left_out] == [
        "$0.045 of gpt-image-2 any low: only its whole megapixels are known"
    ]


def test_a_line_names_what_is_left_out():
    with_references = table((SQUARE, 6_000), (AUTO, FORMULA), (REFERENCE, 1))

    found = brought_by(
        [sold(REFERENCE, "", 0, 420), sold(AUTO, "2880x2880", 1, 428_160)], prices(with_references)
    )

    assert found.lines(str, 30)[1] == (
        "Left out on both sides: $0.42816 of gpt-image-2 auto high: a hold may cut it off;"
        " $0.00042 of gpt-image-2: what reference images cost is not compared."
    )


def test_another_quality_on_offer_leaves_its_row_out():
    """Under quality `auto` the upstream may have reported that other quality."""
    more = table((SQUARE, 6_000), ((*SQUARE[:2], "high"), 9_000))

    found = brought_by([sold(SQUARE, "1024x1024", 1, 5_000)], prices(more, table((SQUARE, 5_000))))

    assert [one.why for one in found.left_out] == [LeftOutReason.OTHER_QUALITIES]


def test_a_model_that_books_of_these_days_had_not_is_compared():
    """It is new: no image was sold by the books before its first."""
    other = ("fox-1", *SQUARE[1:])
    new, first = table((SQUARE, 6_000), (REFERENCE, 2)), table((SQUARE, 5_000), (REFERENCE, 1))

    found = brought_by([sold(SQUARE, "1024x1024", 1, 5_000)], prices(new, table((other, 1)), first))

    assert (found.was, found.becomes, found.left_out) == (5_000, 6_000, [])


def test_reference_images_that_would_newly_be_charged_are_said():
    found = brought_by(
        [sold(SQUARE, "1024x1024", 1, 5_000)],
        prices(table((SQUARE, 6_000), (REFERENCE, 1)), table((SQUARE, 5_000))),
    )

    assert [(one.why, one.captured) for one in found.left_out] == [
        (LeftOutReason.NEW_REFERENCES, 0)
    ]
    assert found.becomes == 6_000


def test_an_image_that_a_hold_may_cut_off_leaves_out_only_its_day():
    large, small = sold(AUTO, "2880x2880", 1, 214_080), sold(AUTO, "1024x1024", 1, 214_080)
    another_day = replace(small, day=date(2026, 11, 2))
    new = prices(table((AUTO, FORMULA)))

    found = brought_by([large, small, another_day], new)

    assert cut_off([small, large], new) == {AUTO}
    assert (found.was, found.becomes, found.uncompared) == (214_080, 210_720, 428_160)


def test_a_dearer_low_than_high_is_what_is_held_for_quality_auto():
    low, high = SQUARE, (*SQUARE[:2], "high")
    odd = table((low, 9_000), (high, 8_000))

    found = brought_by([sold(low, "1024x1024", 1, 5_000)], prices(odd))

    assert (found.left_out, found.becomes) == ([], 9_000)
