"""Sizes, contracts and their snapshot."""

import pytest

from generation.catalogue.contracts import Catalogue, contract_from
from generation.catalogue.services import shipped
from generation.channels.size_rules import Size
from tests.making.factories import contract_of


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024x1024", Size(1024, 1024)),
        ("1x2", Size(1, 2)),
        ("3840x2160", Size(3840, 2160)),
        ("99999x99999", Size(99_999, 99_999)),
    ],
)
def test_a_size_is_read_from_its_pixels(text, size):
    assert Size.parse(text) == size
    assert str(size) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "auto",
        "1024",
        "1024x",
        "x1024",
        "1024X1024",
        "1024\u00d71024",
        "1024 x1024",
        " 1024x1024",
        "1024x1024x1",
        "-1x1",
        "+1x1",
        "0x1024",
        "01024x1024",
        "1.5x2",
        "100000x1",
        "\uff11\uff10x\uff11\uff10",
        "1_0x10",
        "²x2",
    ],
)
def test_anything_else_is_not_a_size(text):
    with pytest.raises(ValueError, match="is not a size"):
        Size.parse(text)


@pytest.mark.parametrize(
    ("size", "ratio", "pixels"),
    [
        (Size(1920, 1080), "16:9", 2_073_600),
        (Size(1024, 1024), "1:1", 1_048_576),
        (Size(1024, 1536), "2:3", 1_572_864),
        (Size(3840, 1648), "240:103", 6_328_320),
    ],
)
def test_a_size_knows_its_lowest_terms_and_its_pixels(size, ratio, pixels):
    assert (size.ratio, size.pixels) == (ratio, pixels)


@pytest.mark.parametrize(
    ("model", "sizes", "accepts_auto", "default_size"),
    [
        ("dall-e-2", 3, False, "1024x1024"),
        ("dall-e-3", 3, False, "1024x1024"),
        ("gpt-image-1", 3, True, "1024x1024"),
        ("gpt-image-2", 9, True, "1024x1024"),
        ("gpt-image-2-pro", 18, True, "1024x1024"),
        ("gpt-image-2-auto", 0, True, "auto"),
        ("gpt-image-2-origin", 48, False, "1024x1024"),
    ],
)
def test_each_model_has_its_sizes(model, sizes, accepts_auto, default_size):
    contract = contract_of(model)

    assert len(contract.options) == sizes
    assert (contract.accepts_auto, contract.default_size) == (accepts_auto, default_size)


@pytest.mark.parametrize(
    ("model", "size", "tier"),
    [
        ("gpt-image-2-pro", "2048x2048", "2K"),
        ("gpt-image-2-origin", "2048x2048", "4K"),
        ("gpt-image-2-pro", "1920x1080", "base"),
        ("gpt-image-2-origin", "1920x1080", "2K"),
        ("gpt-image-2-origin", "1024x768", "1K"),
        ("gpt-image-2-pro", "3840x2880", "4K"),
    ],
)
def test_a_sizes_tier_is_its_models_own(model, size, tier):
    assert contract_of(model).by_name[size].tier == tier


def test_a_preset_and_its_pixels_are_the_same_option():
    by_name = contract_of("gpt-image-2-pro").by_name

    assert by_name["16:9(4K)"] is by_name["3840x2160"]
    assert by_name["16:9(4K)"].ratio == "16:9"


def test_a_preset_names_the_ratio_though_its_pixels_only_come_near():
    assert contract_of("gpt-image-2-pro").by_name["2560x1712"].ratio == "3:2"


def test_the_names_of_all_sizes_are_presets_then_pixels_then_auto():
    assert contract_of("gpt-image-2").size_names == (
        "1:1", "4:3", "3:2", "2:3", "16:9", "9:16",
        "1024x1024", "1536x1152", "1536x1024", "1024x1536", "1920x1080", "1080x1920",
        "1024x768", "2560x1440", "3840x2160", "auto",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "word", "quality"),
    [
        ("gpt-image-2", "high", "high"),
        ("gpt-image-2", "standard", "medium"),
        ("gpt-image-2", "hd", "high"),
        ("gpt-image-2", "auto", "auto"),
        ("gpt-image-2", "HIGH", None),
        ("gpt-image-2", "ultra", None),
        ("dall-e-2", "auto", "standard"),
        ("dall-e-2", "hd", None),
        ("dall-e-3", "hd", "hd"),
        ("dall-e-3", "auto", "standard"),
        ("dall-e-3", "low", None),
    ],
)
def test_a_quality_is_the_contracts_word_or_none(model, word, quality):
    assert contract_of(model).quality(word) == quality


def test_a_disabled_contract_is_not_there():
    catalogue = Catalogue(
        revision=1,
        contracts={
            "dall-e-2": contract_of("dall-e-2"),
            "dall-e-3": contract_of("dall-e-3", is_enabled=False),
        },
    )

    assert catalogue.contract("dall-e-2") is catalogue.contracts["dall-e-2"]
    assert catalogue.contract("dall-e-3") is None
    assert catalogue.contract("gpt-image-9") is None


def test_a_contract_is_enabled_unless_its_row_says_otherwise():
    row = {"model": "dall-e-3", **shipped("dall-e-3").columns}

    assert contract_from(row).is_enabled is True
    assert contract_from({**row, "is_enabled": False}).is_enabled is False


def test_a_row_with_a_broken_size_is_refused():
    columns = {**shipped("dall-e-3").columns, "sizes": [{"size": "big"}]}

    with pytest.raises(ValueError, match="'big' is not a size"):
        contract_from({"model": "dall-e-3", **columns})
