"""The header in a PNG's first chunk. Raises NotAnImage.

Source: PNG (ISO/IEC 15948) 7.1, 8.2 and 11.2.2.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from storage.containers.pieces import NotAnImage

MAX_SIDE = 2**31 - 1
PALETTE = 3
"""The colour type whose samples are indices."""

_BYTES = 13
_CHANNELS = {0: 1, 2: 3, PALETTE: 1, 4: 2, 6: 4}
"""Samples per pixel, by colour type."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""The bits per sample that each colour type allows."""
_BITS_OF_A_BYTE = 8
_WITH_ALPHA = frozenset({4, 6})
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
"""The first column and row of each pass, and the steps to the next ones."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of an IHDR that leave a choice."""

    width: int
    height: int
    depth: int
    """Bits per sample."""
    colour_type: int
    is_interlaced: bool

    @classmethod
    def read(cls, data: bytes) -> "Header":
        """Parse a chunk's data as strictly as libpng."""
        if len(data) != _BYTES:
            raise NotAnImage("a png whose header has another length")
        width, height, depth, colour_type, *methods, interlaced = struct.unpack(">IIBBBBB", data)
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise NotAnImage(f"a png of {width}x{height}")
        if depth not in _DEPTHS.get(colour_type, ()):
            raise NotAnImage(f"a png of colour type {colour_type} in {depth} bits")
        if any(methods) or interlaced > 1:
            raise NotAnImage("a png by a method that there is not")
        return cls(width, height, depth, colour_type, bool(interlaced))

    @property
    def is_deep(self) -> bool:
        """True if a sample takes more than a byte."""
        return self.depth > _BITS_OF_A_BYTE

    @property
    def has_alpha(self) -> bool:
        """True if each pixel has an alpha sample. A tRNS chunk may give some pixels one."""
        return self.colour_type in _WITH_ALPHA

    @property
    def decoded_bytes(self) -> int:
        """The bytes of its samples in memory, where each takes at least one."""
        samples = self.width * self.height * _CHANNELS[self.colour_type]
        return samples * 2 if self.is_deep else samples

    def passes(self) -> Iterator[tuple[int, int]]:
        """Yield the bytes of a row with its filter, and the number of rows, per nonempty pass."""
        for left, top, across, down in _ADAM7 if self.is_interlaced else _WHOLE:
            columns, rows = -(-(self.width - left) // across), -(-(self.height - top) // down)
            if columns > 0 and rows > 0:
                bits = columns * self.depth * _CHANNELS[self.colour_type]
                yield 1 + -(-bits // _BITS_OF_A_BYTE), rows
