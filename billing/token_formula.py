"""gpt-image-2's published token formula: an image's tokens, their price, what they prove. Pure.

A contract has it as its token rule, or has none: then tokens that a vendor reports are our cost,
and no evidence of a quality. docs/pricing.md has worked numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from pictor.kit.words.money import Micros

GPT_IMAGE_2 = "gpt-image-2"
"""The rule's name in contracts; an empty one is no rule."""
MICROS_PER_INPUT_TOKEN = 8
MICROS_PER_TOKEN = 30
TOKEN_AXES = MappingProxyType({"low": 16, "medium": 48, "high": 96})
"""Tokens along the long edge, by quality, in the published token formula."""

# Reported tokens further than this factor from every quality's formula are no evidence. Qualities
# lie a factor of about 9 and 4 apart, so nearly any count between two is within 3 of one of them.
# For some sizes the rounded short edge makes the first factor more than 9: low and medium of a
# 3072x1024 lie 9.6 apart, and the counts in the middle are evidence of neither.
_PLAUSIBLE_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Delivered:
    """The size of one delivered image in pixels, read from its bytes."""

    width: int
    height: int

    @property
    def size(self) -> str:
        """The size as price rows name it: 'WxH'."""
        return f"{self.width}x{self.height}"


def formula_tokens(width: int, height: int, *, quality: str) -> int:
    """Return an image's output tokens by the published formula; quality low, medium or high."""
    axis = TOKEN_AXES[quality]
    short, long = sorted((width, height))
    across = round(Fraction(axis * short, long))
    return -(-axis * across * (2_000_000 + width * height) // 4_000_000)


def formula_price(width: int, height: int, *, quality: str) -> Micros:
    return Micros(MICROS_PER_TOKEN * formula_tokens(width, height, quality=quality))


def infer_quality(delivered: Sequence[Delivered], tokens: int | None) -> str | None:
    """Return the quality whose formula comes nearest to the reported tokens by factor, or None."""
    if not delivered or not tokens or tokens < 0:
        return None

    factors: dict[str, Fraction] = {}
    for quality in TOKEN_AXES:
        expected = sum(
            formula_tokens(image.width, image.height, quality=quality) for image in delivered
        )
        if expected:  # a strip of 4096x16 has none
            factors[quality] = Fraction(max(expected, tokens), min(expected, tokens))
    nearest = min(factors, key=factors.__getitem__, default=None)
    return nearest if nearest and factors[nearest] <= _PLAUSIBLE_FACTOR else None
