"""Sizes in pixels, listed or by a rule of steps and ranges. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from typing_extensions import override

MAX_DIGITS = 5


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Pixels, width x height; the narrower sorts first."""

    width: int
    height: int

    @override
    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def ratio(self) -> str:
        """The lowest terms: 1920x1080 -> '16:9'."""
        divisor = math.gcd(self.width, self.height)
        return f"{self.width // divisor}:{self.height // divisor}"

    def covers(self, other: "Size") -> bool:
        """True if `other` can be cut out of this size."""
        return self.width >= other.width and self.height >= other.height

    @classmethod
    def parse(cls, text: str) -> "Size":
        """'1024x768' -> Size(1024, 768). Raises ValueError for anything else."""
        size = cls.of(text)
        if size is None:
            raise ValueError(f"{text!r} is not a size")
        return size

    @classmethod
    def of(cls, text: str) -> "Size | None":
        """Like `parse`, but None for anything else."""
        width, separator, height = text.partition("x")
        is_size = separator and _is_number(width) and _is_number(height)
        return cls(int(width), int(height)) if is_size else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and text[0] != "0"


@dataclass(frozen=True)
class SizeRule:
    """Sizes that a contract takes besides the listed ones: their tier is ANY.

    Sides are multiples of `step`; the longer is at most `max_ratio` times the shorter.
    """

    step: int
    min_side: int
    max_side: int
    min_pixels: int
    max_pixels: int
    max_ratio: float

    def allows(self, size: Size) -> bool:
        """True if a request may ask for it."""
        shorter, longer = sorted((size.width, size.height))
        return (
            size.width % self.step == size.height % self.step == 0
            and self.min_side <= shorter <= longer <= self.max_side
            and self.min_pixels <= size.pixels <= self.max_pixels
            and longer <= shorter * self.max_ratio
        )

    @cached_property
    def largest(self) -> Size | None:
        """The allowed size of most pixels, an upright one; None if it allows none."""
        sizes = []
        for width in range(self.step, math.isqrt(self.max_pixels) + 1, self.step):
            height = min(self.max_side, self.max_pixels // width, int(width * self.max_ratio))
            sizes.append(Size(width, height // self.step * self.step))
        return max(filter(self.allows, sizes), key=attrgetter("pixels"), default=None)

    def near(self, size: Size) -> Iterator[Size]:
        """Allowed sizes of this ratio, or of the nearest, one or two of each width."""
        ratio = min(max(size.height / size.width, 1 / self.max_ratio), self.max_ratio)
        for width in range(self.step, self.max_side + 1, self.step):
            below = int(width * ratio) // self.step * self.step
            both = (Size(width, below), Size(width, below + self.step))
            yield from filter(self.allows, both)

    @override
    def __str__(self) -> str:
        """`width and height divisible by 16, from 256 to 4096, …`."""
        divisible = f"divisible by {self.step}, " if self.step > 1 else ""
        return (
            f"width and height {divisible}from {self.min_side} to {self.max_side},"
            f" from {self.min_pixels} to {self.max_pixels} pixels, at most {self.max_ratio:g}:1"
        )
