"""The prices Pictor starts with: every row of the seven models. Pure.

The gpt-image-2 family is priced by the published token formula, the retired models at their last
published list prices. Amounts are micro-USD per image.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from billing.pricing import (
    AUTO,
    INPUT,
    MICROS_PER_INPUT_TOKEN,
    REFERENCE,
    TOKEN_AXES,
    BookRow,
    PriceMissing,
    formula_price,
)
from pictor.kit.words.money import Micros

MADE_FROM = MappingProxyType(
    {(1920, 1080): (1920, 1088), (3840, 2880): (3264, 2448), (3840, 2560): (3504, 2336)}
)
"""Sizes that no upstream makes (long edge first), and the size they are made from and sold at."""

AUTO_CAP = (2048, 2048)
"""The largest size a hold for size `auto` covers; a cap of 2880x2880 would lock small wallets."""

REFERENCE_TOKENS = 6_700
"""Tokens held for each reference image: the most the vendor counts for one, in high fidelity."""

FORMULA_MODELS = frozenset(
    {"gpt-image-2", "gpt-image-2-pro", "gpt-image-2-auto", "gpt-image-2-origin"}
)

_SQUARE, _OBLONG = "1024x1024", ("1536x1024", "1024x1536")
_WIDE = ("1792x1024", "1024x1792")


def _oblong(square: int, oblong: int, sizes: Sequence[str]) -> dict[str, int]:
    return {_SQUARE: square, **dict.fromkeys(sizes, oblong)}


LIST_PRICES: Mapping[str, Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "dall-e-2": {"standard": {"256x256": 16_000, "512x512": 18_000, _SQUARE: 20_000}},
        "dall-e-3": {
            "standard": _oblong(40_000, 80_000, _WIDE),
            "hd": _oblong(80_000, 120_000, _WIDE),
        },
        "gpt-image-1": {
            "low": _oblong(11_000, 16_000, _OBLONG),
            "medium": _oblong(42_000, 63_000, _OBLONG),
            "high": _oblong(167_000, 250_000, _OBLONG),
        },
    }
)
"""Published list prices: model, quality, size."""


def seed_prices(sizes: Mapping[str, Sequence[str]]) -> list[BookRow]:
    """Return every row for these models and their sizes ('WxH' or 'auto').

    Raises PriceMissing for a model or size that has no published price.
    """
    rows: list[BookRow] = []
    for model, wanted in sizes.items():
        rows_of = _formula_rows if model in FORMULA_MODELS else _listed_rows
        for size in wanted:
            rows.extend(rows_of(model, size))
        if model in FORMULA_MODELS:
            most = Micros(REFERENCE_TOKENS * MICROS_PER_INPUT_TOKEN)
            rows.append(BookRow(model, REFERENCE, INPUT, most, 1, 1, "formula"))
    return rows


def _formula_rows(model: str, size: str) -> Iterator[BookRow]:
    width, height = AUTO_CAP if size == AUTO else _pixels(size)
    made_from = _source_size(width, height)
    for quality in TOKEN_AXES:
        yield BookRow(
            model=model,
            size=size,
            quality=quality,
            micros=formula_price(*made_from, quality=quality),
            width=width,
            height=height,
            kind="formula" if size == AUTO else "fixed",
        )


def _listed_rows(model: str, size: str) -> Iterator[BookRow]:
    if model not in LIST_PRICES:
        raise PriceMissing(f"no published price for the model {model}")
    for quality, prices in LIST_PRICES[model].items():
        # `auto` may come back in any size, so the hold and the cap are the dearest size's.
        priced_as = max(prices, key=prices.__getitem__) if size == AUTO else size
        if priced_as not in prices:
            raise PriceMissing(f"no published price for {model} in {size}")
        width, height = _pixels(priced_as)
        yield BookRow(model, size, quality, Micros(prices[priced_as]), width, height)


def _pixels(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    return int(width), int(height)


def _source_size(width: int, height: int) -> tuple[int, int]:
    long, short = max(width, height), min(width, height)
    return MADE_FROM.get((long, short), (width, height))
