"""Sizes in pixels and the tokens they cost.

Source of the token formula: the vendor's published image token calculator, checked against its
price table (1024x1024 medium is 1,756 tokens, high 7,024; 1024x1536 medium 1,372).
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from typing_extensions import override

MIN_EDGE: Final = 16
MAX_EDGE: Final = 4096
"""Pixels. Two edges of it make 16.8 megapixels, the largest picture drawn."""

_PATTERN: Final = re.compile(r"([1-9][0-9]{1,3})x([1-9][0-9]{1,3})")
_LONG_SIDE_CELLS: Final = {"low": 16, "medium": 48, "high": 96, "standard": 48, "hd": 96}
_BASE_PIXELS: Final = 2_000_000
_PIXELS_PER_CELL: Final = 4_000_000
_CELLS_OF_OTHERS: Final = 48
"""Of a quality that is none of OpenAI's words."""
INPUT_IMAGE_TOKENS: Final = 256
"""The number reported for each input image, of any size."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels; its text is `1024x1536`."""

    width: int
    height: int

    @override
    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """'1024x1536' as a size; None for anything else and for edges out of bounds."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            return None
        width, height = int(match[1]), int(match[2])
        in_bounds = min(width, height) >= MIN_EDGE and max(width, height) <= MAX_EDGE
        return cls(width, height) if in_bounds else None


DEFAULT_SIZE: Final = Size(1024, 1024)


def output_tokens(size: Size, quality: str) -> int:
    """Tokens of one image: a grid of cells shaped like the image, weighted by its pixels."""
    long, short = max(size.width, size.height), min(size.width, size.height)
    long_cells = _LONG_SIDE_CELLS.get(quality, _CELLS_OF_OTHERS)
    short_cells = (2 * long_cells * short + long) // (2 * long)  # rounded half up
    weighted = long_cells * short_cells * (_BASE_PIXELS + size.width * size.height)
    return -(-weighted // _PIXELS_PER_CELL)


def text_tokens(prompt: str) -> int:
    """About four bytes of UTF-8 a token, at least one."""
    return max(1, -(-len(prompt.encode("utf-8", "replace")) // 4))
