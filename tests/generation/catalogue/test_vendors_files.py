"""The files of other vendors' models: each amount is the vendor's, and none is a guess."""

import pytest

from billing.pricing import PriceTable, quote
from generation.catalogue import services
from tests.making.seeds import sow


def each(micros: int, sizes: str) -> dict[str, int]:
    return dict.fromkeys(sizes.split(), micros)


AMOUNTS = {
    # github.com/black-forest-labs/skills, bfl-api/SKILL.md: 0.03 and 0.015 for each further MP
    "flux-2-pro": {
        **each(30_000, "1024x1024 1152x864 864x1152 1248x832 832x1248 1280x720 720x1280"),
        **each(45_000, "1440x1440 1600x1200 1200x1600 1728x1152 1152x1728 1792x1008 1008x1792"),
        **each(75_000, "2048x2048 2304x1728 1728x2304 2448x1632 1632x2448 2560x1440 1440x2560"),
    },
    # docs.bfl.ai/release-notes, 1 October 2026: 768sq 0.041, 1k 0.048, 2k 0.100, 4k 0.607
    "flux-3": {
        **each(41_000, "768x768 1168x496 1088x544 1024x576 944x624 912x656 880x672 864x688"),
        **each(41_000, "688x864 672x880 656x912 624x944 576x1024 544x1088 496x1168"),
        **each(48_000, "1024x1024 1568x672 1440x720 1360x768 1248x832 1216x864 1184x880 1152x912"),
        **each(48_000, "912x1152 880x1184 864x1216 832x1248 768x1360 720x1440 672x1568"),
        **each(
            100_000,
            "2048x2048 3136x1344 2896x1440 2736x1536 2512x1664 2416x1728 2368x1776 2288x1824",
        ),
        **each(100_000, "1824x2288 1776x2368 1728x2416 1664x2512 1536x2736 1440x2896 1344x3136"),
        **each(
            607_000,
            "4096x4096 6256x2688 5792x2896 5456x3072 5024x3344 4848x3456 4736x3552 4576x3664",
        ),
        **each(607_000, "3664x4576 3552x4736 3456x4848 3344x5024 3072x5456 2896x5792 2688x6256"),
    },
    # docs.byteplus.com/en/docs/ModelArk/1544106: 0.04 an image
    "seedream-4.5": {
        **each(40_000, "2048x2048 2304x1728 1728x2304 2560x1440 1440x2560"),
        **each(40_000, "2496x1664 1664x2496 3024x1296"),
        **each(40_000, "4096x4096 4704x3520 3520x4704 5504x3040 3040x5504"),
        **each(40_000, "4992x3328 3328x4992 6240x2656"),
    },
    # ai.google.dev/gemini-api/docs/pricing: 120 USD a million; 1K and 2K 1,120 tokens, 4K 2,000
    "nano-banana-pro": {
        **each(134_400, "1024x1024 848x1264 1264x848 896x1200 1200x896"),
        **each(134_400, "928x1152 1152x928 768x1376 1376x768 1584x672"),
        **each(134_400, "2048x2048 1696x2528 2528x1696 1792x2400 2400x1792"),
        **each(134_400, "1856x2304 2304x1856 1536x2752 2752x1536 3168x1344"),
        **each(240_000, "4096x4096 3392x5056 5056x3392 3584x4800 4800x3584"),
        **each(240_000, "3712x4608 4608x3712 3072x5504 5504x3072 6336x2688"),
    },
}
"""By model, the micros of an image by size: every cell that the file promises."""
OF_A_REFERENCE = {
    "flux-2-pro": 60_000,  # 0.015 a megapixel, up to 4
    "flux-3": 0,
    "seedream-4.5": 0,
    "nano-banana-pro": 1_120,  # 560 tokens at 2 USD a million
}
BY_QUALITY = {
    # docs.x.ai/developers/pricing, 29 September 2026: 1k and 2k, low and medium
    ("1024x1024", "low"): 40_000,
    ("1408x704", "medium"): 60_000,
    ("2048x2048", "low"): 60_000,
    ("2048x2048", "medium"): 80_000,
}
"""Of grok-imagine-2.0."""
WITHOUT_PRICES = ("flux-1-schnell", "nano-banana-2.1", "qwen-image-3", "seedream-5.5")


def table_of(model: str) -> PriceTable:
    return PriceTable.of_rows(services.shipped(model).prices)


@pytest.mark.parametrize("model", AMOUNTS)
def test_each_cell_is_quoted_as_the_vendor_charges_it(model):
    sizes = [row["size"] for row in services.shipped(model).columns["sizes"]]

    quoted = {
        size: quote(table_of(model), model=model, size=size, quality="standard", n=2).total
        for size in sizes
    }

    assert quoted == {size: 2 * micros for size, micros in AMOUNTS[model].items()}


@pytest.mark.parametrize(("cell", "micros"), BY_QUALITY.items())
def test_grok_is_quoted_by_class_and_quality_and_a_cent_for_a_reference(cell, micros):
    size, quality = cell
    asked = {"model": "grok-imagine-2.0", "size": size, "quality": quality, "n": 1}

    quoted = quote(table_of("grok-imagine-2.0"), **asked, references=2)

    assert quoted.total == micros + 20_000


@pytest.mark.parametrize(("model", "micros"), OF_A_REFERENCE.items())
def test_a_reference_image_is_quoted_as_the_vendor_charges_it(model, micros):
    square = {"model": model, "size": "2048x2048", "quality": "standard", "n": 1}

    without = quote(table_of(model), **square)
    quoted = quote(table_of(model), **square, references=3)

    assert quoted.total - without.total == 3 * micros


@pytest.mark.parametrize("model", WITHOUT_PRICES)
def test_a_file_without_the_vendors_price_has_none_and_says_so(model):
    file = services.shipped(model)

    assert file.prices == []
    assert file.columns["source"].endswith("was not found")
    assert "# Without prices: " in services.shipped_files()[model]


@pytest.mark.django_db
@pytest.mark.parametrize("model", [*AMOUNTS, *WITHOUT_PRICES, "grok-imagine-2.0"])
def test_a_vendors_file_can_be_imported(model):
    sow()

    planned = services.import_of(services.shipped(model))

    assert planned.stored is None
    assert planned.columns["is_enabled"] is False
    assert len(planned.columns["source"]) <= 200
