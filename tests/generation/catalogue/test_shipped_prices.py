"""The prices in the files of OpenAI's models against the published tables."""

import pytest

from billing.price_rows import BookRow
from generation.catalogue.services import shipped
from pictor.kit.words.money import Micros

PUBLISHED = [
    # size, low, medium, high: in micros, rounded to $0.0001 as the document prints them
    ("1024x1024", 5_900, 52_700, 210_700),
    ("1536x1152", 5_400, 48_900, 195_400),
    ("1536x1024", 4_700, 41_200, 164_600),
    ("1920x1080", 4_400, 39_800, 159_000),
    ("1024x768", 4_000, 36_100, 144_400),
    ("1344x1024", 4_900, 45_000, 177_500),
    ("1280x1024", 5_200, 45_300, 183_600),
    ("1360x768", 3_300, 29_600, 118_400),
    ("1536x864", 3_600, 32_300, 129_400),
    ("2048x1024", 4_000, 35_400, 141_600),
    ("2016x864", 3_200, 28_300, 110_500),
    ("2048x1152", 4_700, 42_400, 169_500),
    ("2560x1440", 6_200, 55_300, 221_100),
    ("1536x1536", 8_400, 75_300, 301_300),
    ("2048x1360", 6_300, 55_100, 220_500),
    ("2160x1440", 6_700, 58_900, 235_500),
    ("2048x1536", 7_400, 66_700, 266_800),
    ("2560x1712", 8_400, 73_500, 294_100),
    ("2688x1344", 5_400, 48_500, 194_000),
    ("2688x1152", 4_300, 38_600, 150_500),
    ("2560x2048", 11_300, 99_100, 401_600),
    ("2048x2048", 11_900, 107_000, 428_200),
    ("2880x2880", 19_800, 177_900, 711_600),
    ("3264x2448", 14_400, 129_500, 517_900),
    ("3504x2336", 13_500, 117_400, 469_300),
    ("3840x1920", 9_000, 81_000, 323_900),
    ("3840x1648", 7_000, 63_000, 245_900),
    ("3840x2160", 11_100, 100_100, 400_300),
    ("3840x2880", 14_400, 129_500, 517_900),
    ("3840x2560", 13_500, 117_400, 469_300),
]


def by_quality(model: str, size: str) -> dict[str, BookRow]:
    return {row.quality: row for row in shipped(model).prices if row.size == size}


def prints_as(row: BookRow, published_micros: int) -> bool:
    """True if this price, shown to $0.0001, is the published one."""
    return abs(row.micros - published_micros) <= 50


@pytest.mark.parametrize(("size", "low", "medium", "high"), PUBLISHED)
def test_a_size_costs_what_the_published_table_says_either_way_round(size, low, medium, high):
    width, height = size.split("x")
    found = [
        by_quality(model, one)
        for model in ("gpt-image-2", "gpt-image-2-pro", "gpt-image-2-origin")
        for one in {size, f"{height}x{width}"}
    ]
    sold = [rows for rows in found if rows]

    assert sold
    for rows in sold:
        assert prints_as(rows["low"], low)
        assert prints_as(rows["medium"], medium)
        assert prints_as(rows["high"], high)


@pytest.mark.parametrize(
    ("model", "size", "quality", "micros"),
    [
        ("dall-e-2", "256x256", "standard", 16_000),
        ("dall-e-2", "512x512", "standard", 18_000),
        ("dall-e-2", "1024x1024", "standard", 20_000),
        ("dall-e-3", "1024x1024", "standard", 40_000),
        ("dall-e-3", "1792x1024", "standard", 80_000),
        ("dall-e-3", "1024x1024", "hd", 80_000),
        ("dall-e-3", "1024x1792", "hd", 120_000),
        ("gpt-image-1", "1024x1024", "low", 11_000),
        ("gpt-image-1", "1536x1024", "low", 16_000),
        ("gpt-image-1", "1024x1024", "medium", 42_000),
        ("gpt-image-1", "1024x1536", "medium", 63_000),
        ("gpt-image-1", "1024x1024", "high", 167_000),
        ("gpt-image-1", "1536x1024", "high", 250_000),
        ("gpt-image-1", "1536x1024", "medium", 63_000),
        ("gpt-image-1", "1024x1536", "high", 250_000),
        ("gpt-image-2", "1024x1024", "medium", 52_680),
        ("gpt-image-2", "1024x1024", "high", 210_720),
        ("gpt-image-2-origin", "1024x1024", "high", 210_720),
        ("gpt-image-2", "1920x1080", "medium", 39_750),
    ],
)
def test_a_price_is_known_to_the_micro(model, size, quality, micros):
    assert by_quality(model, size)[quality].micros == micros


@pytest.mark.parametrize("model", ["gpt-image-2", "gpt-image-2-pro", "gpt-image-2-auto"])
def test_size_auto_is_held_at_2048_square_and_charged_by_the_formula(model):
    high = by_quality(model, "auto")["high"]

    assert (high.micros, high.width, high.height, high.kind) == (428_160, 2048, 2048, "formula")


def test_size_auto_of_gpt_image_1_is_held_at_its_dearest_size():
    medium = by_quality("gpt-image-1", "auto")["medium"]

    assert (medium.micros, medium.width, medium.height, medium.kind) == (
        63_000,
        1536,
        1024,
        "fixed",
    )


def test_a_reference_image_holds_6700_tokens_of_8_micros():
    (row,) = [row for row in shipped("gpt-image-2").prices if row.size == "reference"]

    assert row == BookRow("gpt-image-2", "reference", "input", Micros(53_600), 1, 1, "formula")


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1"])
def test_reference_images_are_included_in_the_retired_models_prices(model):
    assert "reference" not in {row.size for row in shipped(model).prices}
