"""Amounts that follow from an image's pixels: by megapixel, or in steps. Pure; in micros."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType

from pictor.kit.words.money import Micros, to_decimal
from pictor.kit.words.untyped import Json

MEGAPIXEL = 1_048_576
"""The pixels of a megapixel, 1024 x 1024, unless the terms say otherwise."""
MAX_PIXELS = 10**9
MAX_STEPS = 20
NUMBER = re.compile(r"[1-9]\d{0,9}", re.ASCII)
ROUNDED: Mapping[str, Callable[[Fraction], Fraction]] = MappingProxyType(
    {
        "up": lambda number: Fraction(math.ceil(number)),
        "nearest": lambda number: Fraction(math.floor(number + Fraction(1, 2))),
        "none": lambda number: number,
    }
)


@dataclass(frozen=True, slots=True)
class PixelTerms:
    """The amount of the first megapixel and of each further one; or, with steps, by those alone.

    A step is the most pixels it covers, and its amount; they rise. `rounds` says how a part of a
    megapixel counts; no image has less than one.
    """

    first: Micros
    further: Micros
    megapixel: int = MEGAPIXEL
    rounds: str = "up"
    steps: tuple[tuple[int, Micros], ...] = ()

    def micros(self, pixels: int) -> Micros | None:
        """The amount for so many pixels, rounded half up; None if no step covers them."""
        if self.steps:
            return next((amount for most, amount in self.steps if pixels <= most), None)
        number = max(ROUNDED[self.rounds](Fraction(pixels, self.megapixel)), Fraction(1))
        return Micros(math.floor(self.first + self.further * (number - 1) + Fraction(1, 2)))

    def scaled(self, change: Callable[[Micros], Micros]) -> "PixelTerms":
        """These terms with each amount changed."""
        steps = tuple((most, change(amount)) for most, amount in self.steps)
        first, further = change(self.first), change(self.further)
        return PixelTerms(first, further, self.megapixel, self.rounds, steps)

    @property
    def least(self) -> Micros:
        """The amount of the smallest image."""
        return self.steps[0][1] if self.steps else self.first

    @property
    def most(self) -> Micros:
        """The amount of the largest image that can be asked for."""
        return self.steps[-1][1] if self.steps else self.micros(MAX_PIXELS) or self.first

    @property
    def words(self) -> str:
        """`0.030000 USD the first megapixel, 0.015000 USD each further one`."""
        return self.said(in_usd)

    def said(self, usd: Callable[[Micros], str]) -> str:
        """The same, with each amount in those words."""
        if self.steps:
            return ", ".join(f"{usd(amount)} up to {most} px" for most, amount in self.steps)
        of = "" if self.megapixel == MEGAPIXEL else f" of {self.megapixel} px"
        rounds = "" if self.rounds == "up" else f", rounded {self.rounds}"
        further = f"{usd(self.further)} each further one"
        if self.first == self.further:
            return f"{usd(self.first)} each megapixel{of}{rounds}"
        return f"{usd(self.first)} the first megapixel{of}, {further}{rounds}"

    def as_json(self) -> dict[str, object]:
        """These terms as JSON; `terms_from` reads it back."""
        return {**asdict(self), "steps": [[most, amount] for most, amount in self.steps]}


def terms_from(stored: Json | None) -> PixelTerms | None:
    """The terms of what `as_json` wrote."""
    if stored is None:
        return None
    return PixelTerms(
        **{**stored, "steps": tuple((most, amount) for most, amount in stored["steps"])}
    )


def by_megapixels(
    amounts: Sequence[Micros], *, rounds: object = "up", megapixel: object = MEGAPIXEL
) -> PixelTerms:
    """Terms by megapixel: the first, and each further one's amount if it is another.

    Raises ValueError.
    """
    if type(megapixel) is not int or not 0 < megapixel <= MAX_PIXELS or str(rounds) not in ROUNDED:
        raise ValueError(f"needs round ({', '.join(ROUNDED)}) and the pixels of a megapixel")
    return PixelTerms(amounts[0], amounts[-1], megapixel, str(rounds))


def by_steps(steps: Mapping[str, Micros]) -> PixelTerms:
    """Terms by the most pixels of each step. Raises ValueError."""
    if not 0 < len(steps) <= MAX_STEPS or not all(map(NUMBER.fullmatch, steps)):
        raise ValueError(f"needs 1 to {MAX_STEPS} steps, each up to a number of pixels")
    rising = sorted((int(most), amount) for most, amount in steps.items())
    if any(one[1] > after[1] for one, after in pairwise(rising)):
        raise ValueError("a larger step may not cost less")
    return PixelTerms(rising[0][1], Micros(0), steps=tuple(rising))


def megapixels(width: int, height: int) -> int:
    """The number of megapixels of an image, rounded up."""
    return -(-width * height // MEGAPIXEL)


def sides_of(size: str) -> tuple[int, int] | None:
    """The width and height of a size 'WxH'; None for any other word."""
    width, _, height = size.partition("x")
    is_size = NUMBER.fullmatch(width) and NUMBER.fullmatch(height)
    return (int(width), int(height)) if is_size else None


def in_usd(micros: Micros) -> str:
    """`0.030000 USD`."""
    return f"{to_decimal(micros)} USD"
