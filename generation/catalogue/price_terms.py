"""A price in a model's file: an amount, one by the token formula, or one by pixels. Pure.

"1024x1024" = { 1K = "0.03", 2K = { price = "0.06", by = "formula" } }
any = { 1K = { megapixels = ["0.03", "0.015"], round = "up", pixels = 1048576 } }
any = { 1K = { steps = { 2359296 = "0.04", 16777216 = "0.08" } } }
"""

import re
from collections.abc import Mapping
from typing import Any

from billing.pixel_prices import MEGAPIXEL, by_megapixels, by_steps, sides_of
from billing.price_rows import ANY, AUTO, INPUT, REFERENCE, BookRow, Kind, PriceKey, row_by
from billing.token_formula import TOKEN_AXES
from pictor.kit.words.money import Micros, from_decimal, to_decimal

_PRICE = frozenset({"price", "up_to", "by"})
_BY_MEGAPIXELS = frozenset({"megapixels", "round", "pixels", "up_to"})
_BY_STEPS = frozenset({"steps", "up_to"})
_LARGEST = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}", re.ASCII)
_ONE_MEGAPIXEL = "1024x1024"


def price_row(key: PriceKey, terms: Mapping[str, Any]) -> BookRow:
    """The row of a price in a file. Raises ValueError."""
    known = _BY_STEPS if "steps" in terms else _PRICE
    known = _BY_MEGAPIXELS if "megapixels" in terms else known
    if unknown := sorted(terms.keys() - known):
        by = "" if known is _PRICE else f" by {'steps' if known is _BY_STEPS else 'megapixels'}"
        raise ValueError(f"{unknown[0]} is no key of a price{by}")
    return _by_amount(key, terms) if known is _PRICE else _by_pixels(key, terms)


def _by_amount(key: PriceKey, terms: Mapping[str, Any]) -> BookRow:
    _, size, quality = key
    micros = _amount(terms.get("price"))
    rule, words = ("tokens", {INPUT}) if size == REFERENCE else ("formula", {*TOKEN_AXES})
    if "by" in terms and (terms["by"] != rule or quality not in words or size == ANY):
        raise ValueError(f"{quality} is not charged by {terms['by']!r}")
    if size == REFERENCE:
        if "up_to" in terms:
            raise ValueError("up_to is no key of references by the piece")
        return BookRow(*key, micros, 1, 1, "formula" if "by" in terms else "each")
    kind: Kind = "formula" if "by" in terms else "fixed"
    return BookRow(*key, micros, *_sides(size, terms), kind)


def _by_pixels(key: PriceKey, terms: Mapping[str, Any]) -> BookRow:
    _, size, _ = key
    if size == AUTO:
        raise ValueError("a price of auto is an amount: the most that an image of any size costs")
    if "steps" in terms:
        steps = terms["steps"]
        if not isinstance(steps, dict):
            raise ValueError('needs steps = { "2359296" = "0.04" }: an amount up to so many pixels')
        by_pixels = by_steps({most: _amount(price) for most, price in steps.items()})
    else:
        amounts = terms["megapixels"]
        if not isinstance(amounts, list) or len(amounts) not in {1, 2}:
            raise ValueError(
                'needs megapixels = ["0.03", "0.015"]: the first, and each further one'
            )
        rounds, megapixel = terms.get("round", "up"), terms.get("pixels", MEGAPIXEL)
        by_pixels = by_megapixels([*map(_amount, amounts)], rounds=rounds, megapixel=megapixel)
    return row_by(BookRow(*key, Micros(0), *_sides(size, terms)), by_pixels)


def _sides(size: str, terms: Mapping[str, Any]) -> tuple[int, int]:
    """The sides of the priced size: named, or the largest that the price covers."""
    largest = terms.get("up_to", _ONE_MEGAPIXEL if size == ANY else size)
    found = isinstance(largest, str) and _LARGEST.fullmatch(largest) and sides_of(largest)
    if not found:
        raise ValueError('it needs up_to = "WIDTHxHEIGHT", the largest size it covers')
    return found


def _amount(text: object) -> Micros:
    micros = from_decimal(text) if isinstance(text, str) else None
    if micros is None:
        raise ValueError('a price is a text such as "0.04"')
    if micros < 0:
        raise ValueError(f"{text} is below 0")
    return micros


def terms_of(row: BookRow) -> dict[str, Any]:
    """A row as a price in a file, which `price_row` reads back."""
    by = row.terms
    terms: dict[str, Any]
    if by is None:
        terms = {"price": _usd(row.micros)}
    elif by.steps:
        terms = {"steps": {str(most): _usd(amount) for most, amount in by.steps}}
    else:
        amounts = [by.first] if by.first == by.further else [by.first, by.further]
        terms = {"megapixels": [*map(_usd, amounts)]}
        terms |= {} if by.rounds == "up" else {"round": by.rounds}
        terms |= {} if by.megapixel == MEGAPIXEL else {"pixels": by.megapixel}
    own = {"1x1"} if row.size == REFERENCE else {row.size}
    if row.pixels not in ({_ONE_MEGAPIXEL} if row.size == ANY else own):
        terms["up_to"] = row.pixels
    if row.kind == "formula":
        terms["by"] = "tokens" if row.size == REFERENCE else "formula"
    return terms


def _usd(micros: Micros) -> str:
    whole, _, places = to_decimal(micros).partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
