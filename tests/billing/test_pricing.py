"""The price rules: quotes and charges, with most of the numbers of docs/pricing.md."""

import json
from decimal import Decimal

import pytest

from billing.price_rows import PriceRow
from billing.pricing import AmountDue, PricedRequest, PriceMissing, PriceTable, due, quote
from billing.token_formula import Delivered, formula_price, formula_tokens
from pictor.kit.words.money import Micros
from tests.billing.tables import TABLE, price_table

SQUARE = Delivered(1024, 1024)
PORTRAIT = Delivered(1024, 1536)


def charge(
    model: str,
    size: str,
    quality: str,
    delivered: list[Delivered],
    *,
    n: int = 1,
    reported: str | None = None,
    tokens: int | None = None,
    table: PriceTable = TABLE,
) -> AmountDue:
    """Quote, deliver, and return the amount due."""
    quoted = quote(table, model=model, size=size, quality=quality, n=n)
    return due(
        table,
        priced=quoted.priced,
        delivered=delivered,
        reported_quality=reported,
        output_tokens=tokens,
        hold=quoted.total,
    )


# --- the token formula ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "quality", "tokens"),
    [
        (1024, 1024, "low", 196),
        (1024, 1024, "medium", 1756),
        (1024, 1024, "high", 7024),
        (1024, 1536, "medium", 1372),
        (1536, 1024, "medium", 1372),
        (3840, 2160, "high", 13342),
    ],
)
def test_an_image_takes_the_published_number_of_tokens(width, height, quality, tokens):
    assert formula_tokens(width, height, quality=quality) == tokens


def test_a_token_costs_thirty_micros():
    assert formula_price(1024, 1024, quality="high") == 210_720


# --- quotes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "size", "quality", "n", "expected"),
    [
        ("gpt-image-2-origin", "1024x1024", "low", 1, (5_880, 5_880)),
        ("gpt-image-2-origin", "1024x1536", "medium", 3, (41_160, 123_480)),
        ("gpt-image-2", "1920x1080", "medium", 1, (39_750, 39_750)),
        ("gpt-image-2", "auto", "low", 2, (11_910, 23_820)),
        ("gpt-image-1", "auto", "medium", 1, (63_000, 63_000)),
        ("dall-e-3", "1792x1024", "hd", 1, (120_000, 120_000)),
        ("dall-e-2", "256x256", "standard", 10, (16_000, 160_000)),
    ],
)
def test_an_explicit_quality_is_quoted_at_its_own_price(model, size, quality, n, expected):
    quoted = quote(TABLE, model=model, size=size, quality=quality, n=n)

    assert (quoted.unit, quoted.total) == expected
    assert quoted.quality_held == quality


@pytest.mark.parametrize(
    ("model", "size", "unit", "held"),
    [
        ("gpt-image-2", "1024x1024", 210_720, "high"),
        ("gpt-image-2-auto", "auto", 428_160, "high"),
        ("gpt-image-1", "auto", 250_000, "high"),
        ("dall-e-2", "512x512", 18_000, "standard"),
        ("dall-e-3", "1024x1024", 80_000, "hd"),
    ],
)
def test_quality_auto_is_held_at_the_dearest(model, size, unit, held):
    quoted = quote(TABLE, model=model, size=size, quality="auto", n=1)

    assert (quoted.unit, quoted.quality_held) == (unit, held)


@pytest.mark.parametrize(
    ("model", "size", "quality"),
    [
        ("gpt-image-9", "1024x1024", "low"),
        ("gpt-image-2", "1000x1000", "low"),
        ("gpt-image-2", "1024x1024", "hd"),
        ("gpt-image-9", "1024x1024", "auto"),
    ],
)
def test_a_request_without_a_price_is_refused(model, size, quality):
    with pytest.raises(PriceMissing):
        quote(TABLE, model=model, size=size, quality=quality, n=1)


@pytest.mark.parametrize("word", ["xhigh", "1K", "default"])
def test_any_word_of_quality_is_priced(word):
    rows = {
        ("flux", "1024x1024", word): PriceRow(Micros(70_000), Decimal(1), 1024, 1024),
        ("flux", "1024x1024", "low"): PriceRow(Micros(30_000), Decimal(1), 1024, 1024),
    }
    table = PriceTable(books=(1,), rows=rows)

    explicit = quote(table, model="flux", size="1024x1024", quality=word, n=2)
    automatic = quote(table, model="flux", size="1024x1024", quality="auto", n=2)
    bill = due(
        table,
        priced=automatic.priced,
        delivered=[SQUARE, SQUARE],
        reported_quality=word,
        output_tokens=None,
        hold=automatic.total,
    )

    assert (explicit.total, automatic.total, automatic.quality_held) == (140_000, 140_000, word)
    assert (bill.quality_billed, bill.quality_source, bill.total) == (word, "reported", 140_000)


def test_quality_auto_is_held_at_the_dearest_that_is_sold():
    rows = {
        ("flux", "1024x1024", word): PriceRow(Micros(micros), Decimal(1), 1024, 1024)
        for word, micros in (("low", 10), ("high", 30), ("xhigh", 90), ("auto", 99), ("input", 99))
    }
    table = PriceTable(books=(1,), rows=rows)

    quoted = quote(
        table, model="flux", size="1024x1024", quality="auto", n=1, sold=["low", "high", "auto"]
    )

    assert (quoted.total, sorted(quoted.priced.rows)) == (30, ["high", "low"])


def test_a_word_that_the_formula_lacks_is_charged_as_a_fixed_price():
    row = PriceRow(Micros(80_000), Decimal(1), 1024, 1024, "formula")
    table = PriceTable(books=(1,), rows={("flux", "1024x1024", "ultra"): row})

    bill = charge("flux", "1024x1024", "ultra", [Delivered(512, 1024)], table=table)

    assert bill.total == 40_000


def test_a_markup_is_rounded_half_up_once_per_image():
    table = price_table(markup="1.2345")

    quoted = quote(table, model="gpt-image-2", size="1024x1024", quality="low", n=3)

    assert (quoted.unit, quoted.total) == (7_259, 21_777)  # 5,880 x 1.2345 = 7,258.86


def test_a_priced_request_survives_json():
    priced = quote(TABLE, model="gpt-image-1", size="auto", quality="auto", n=2).priced

    assert PricedRequest.from_json(priced.as_json()) == priced


# --- due: sizes -------------------------------------------------------------------------------


def test_the_size_asked_for_costs_its_quote():
    bill = charge("gpt-image-2-origin", "1024x1536", "medium", [PORTRAIT, PORTRAIT], n=2)

    assert (bill.total, bill.excess) == (82_320, 0)


def test_a_smaller_listed_size_costs_its_own_lower_price():
    bill = charge("dall-e-2", "1024x1024", "standard", [Delivered(256, 256)])

    assert bill.total == 16_000


def test_a_larger_listed_size_costs_what_was_asked_for():
    bill = charge("gpt-image-2-origin", "1024x1024", "high", [Delivered(3840, 2160)])

    assert bill.total == 210_720


def test_an_unlisted_size_is_charged_by_its_share_of_the_pixels():
    bill = charge("gpt-image-2-origin", "1024x1024", "high", [Delivered(1000, 1000)])

    assert bill.total == 200_958  # 210,720 x 1,000,000 / 1,048,576 = 200,958.25


def test_a_share_of_exactly_half_a_micro_is_rounded_up():
    row = PriceRow(Micros(5), Decimal(1), 10, 10)
    table = PriceTable(books=(1,), rows={("m", "10x10", "low"): row})

    bill = charge("m", "10x10", "low", [Delivered(10, 5)], table=table)

    assert bill.total == 3  # 5 x 50 / 100 = 2.5


def test_an_unlisted_larger_size_costs_what_was_asked_for():
    bill = charge("gpt-image-2-origin", "1024x1024", "high", [Delivered(1100, 1100)])

    assert bill.total == 210_720


def test_pixels_and_markup_are_rounded_together():
    table = price_table(markup="1.2345")

    bill = charge("gpt-image-2-origin", "1024x1024", "low", [Delivered(512, 512)], table=table)

    assert bill.total == 1_815  # 5,880 / 4 x 1.2345 = 1,814.715


def test_images_not_delivered_cost_nothing():
    bill = charge("gpt-image-2-origin", "1024x1024", "low", [SQUARE], n=4)

    assert bill.total == 5_880


def test_nothing_delivered_costs_nothing():
    bill = charge("gpt-image-2-origin", "1024x1024", "auto", [])

    assert bill.total == 0


def test_images_beyond_the_number_asked_for_cost_nothing():
    bill = charge("gpt-image-2-origin", "1024x1024", "low", [SQUARE] * 3, n=2)

    assert bill.total == 11_760


def test_size_auto_of_a_listed_model_costs_the_delivered_size():
    bill = charge("gpt-image-1", "auto", "high", [SQUARE])

    assert bill.total == 167_000


def test_size_auto_of_a_listed_model_scales_an_unlisted_size_from_its_dearest():
    bill = charge("gpt-image-1", "auto", "high", [Delivered(768, 1024)])

    assert bill.total == 125_000  # 250,000 x 786,432 / 1,572,864


# --- due: models billed by the delivered size --------------------------------------------------


def test_the_auto_model_costs_exactly_what_came_back():
    bill = charge("gpt-image-2-auto", "auto", "auto", [SQUARE], reported="medium")

    assert (bill.total, bill.quality_billed) == (52_680, "medium")


def test_the_auto_model_prices_every_size_by_the_formula():
    bill = charge("gpt-image-2-auto", "auto", "high", [Delivered(1920, 1088), PORTRAIT], n=2)

    assert bill.total == 159_000 + 164_640


def test_size_auto_uses_a_listed_price_before_the_formula():
    bill = charge("gpt-image-2", "auto", "medium", [Delivered(1920, 1080)])

    assert bill.total == 39_750  # the formula on 1920x1080 itself would say 39,600


def test_the_hold_is_the_most_that_is_charged_and_the_rest_is_reported():
    bill = charge("gpt-image-2-auto", "auto", "high", [Delivered(2880, 2880)])

    assert (bill.total, bill.excess) == (428_160, 283_410)  # worth 711,570


def test_a_large_image_may_use_what_small_ones_left_of_the_hold():
    bill = charge("gpt-image-2-auto", "auto", "high", [Delivered(2880, 2880), SQUARE], n=2)

    assert (bill.total, bill.excess) == (856_320, 65_970)  # worth 922,290


def test_the_auto_models_formula_price_takes_the_markup():
    table = price_table(markup="1.5")

    bill = charge("gpt-image-2-auto", "auto", "low", [SQUARE], table=table)

    assert bill.total == 8_820


# --- due: quality -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quality", "reported", "tokens", "expected"),
    [
        ("high", "low", 196, ("high", "explicit", 210_720)),
        ("low", "high", 7024, ("low", "explicit", 5_880)),
        ("auto", "low", 7024, ("low", "reported", 5_880)),
        ("auto", None, 7024, ("high", "inferred", 210_720)),
        ("auto", "auto", 1756, ("medium", "inferred", 52_680)),
        ("auto", "xhigh", 196, ("low", "inferred", 5_880)),
        ("auto", None, None, ("medium", "assumed", 52_680)),
        ("auto", None, 0, ("medium", "assumed", 52_680)),
        ("auto", None, -5, ("medium", "assumed", 52_680)),
        ("auto", None, 60, ("medium", "assumed", 52_680)),  # 196 / 60 > 3: no evidence
        ("auto", None, 66, ("low", "inferred", 5_880)),  # 196 / 66 < 3
        ("auto", None, 30_000, ("medium", "assumed", 52_680)),
    ],
)
def test_the_quality_billed_is_asked_for_reported_inferred_or_medium(
    quality, reported, tokens, expected
):
    bill = charge("gpt-image-2", "1024x1024", quality, [SQUARE], reported=reported, tokens=tokens)

    assert (bill.quality_billed, bill.quality_source, bill.total) == expected


def test_tokens_prove_no_quality_of_a_model_without_the_rule():
    asked = quote(
        TABLE, model="gpt-image-2", size="1024x1024", quality="auto", n=1, infers=False
    ).priced
    stored = PricedRequest.from_json(json.loads(json.dumps(asked.as_json())))
    before = {name: value for name, value in asked.as_json().items() if name != "infers"}

    def billed(priced: PricedRequest) -> tuple[str, str]:
        bill = due(
            TABLE, priced=priced, delivered=[SQUARE], reported_quality=None, output_tokens=196,
            hold=Micros(210_720),
        )  # fmt: skip
        return bill.quality_billed, bill.quality_source

    assert billed(stored) == ("medium", "assumed")
    assert billed(PricedRequest.from_json(before)) == ("low", "inferred")


def test_usage_of_several_images_is_compared_with_all_of_them():
    bill = charge("gpt-image-2", "1024x1024", "auto", [SQUARE, PORTRAIT], n=2, tokens=3128)

    assert (bill.quality_billed, bill.total) == ("medium", 52_680 + 41_160)


def test_a_strip_without_tokens_of_its_own_is_no_evidence():
    bill = charge("gpt-image-2", "auto", "auto", [Delivered(4096, 16)], tokens=196)

    assert (bill.quality_billed, bill.quality_source, bill.total) == ("medium", "assumed", 0)


def test_without_a_medium_price_the_held_quality_is_assumed():
    bill = charge("dall-e-2", "256x256", "auto", [Delivered(256, 256)], tokens=196)

    assert (bill.quality_billed, bill.quality_source) == ("standard", "assumed")


def test_a_request_is_settled_only_at_the_prices_it_was_quoted_at():
    quoted = quote(TABLE, model="gpt-image-2", size="1024x1024", quality="low", n=1)

    with pytest.raises(ValueError, match="quoted at"):
        due(
            price_table(books=(2,)),
            priced=quoted.priced,
            delivered=[SQUARE],
            reported_quality=None,
            output_tokens=None,
            hold=quoted.total,
        )
