"""Pieces of a file, and the protocol for reading the file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Format = Literal["png", "jpeg", "webp"]
Mended = Literal["turned_upright", "trailing_data_cut", "end_marker_added"]
"""Defects that were mended, in an image that every viewer shows."""

MAX_PROFILE_BYTES = 1024**2
"""A colour profile longer than this in the file is dropped."""
MAX_PIECES = 65_536
"""The most chunks or segments of one file; more would only be endless work."""


class NotAnImage(ValueError):
    """Not a png, jpeg or webp, or a broken one."""


class UnknownFormat(NotAnImage):
    """Neither a png, nor a jpeg, nor a webp."""


class Animated(NotAnImage):
    """Several pictures in one file, which readers treat differently."""


class CutShort(NotAnImage):
    """The file ends inside a piece, or before the image does."""

    def __init__(self) -> None:
        super().__init__("an image cut short")


class ByteSource(Protocol):
    """A file that a walk can read from."""

    size: int

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """Bytes of the file that are kept as they are."""

    offset: int
    size: int

    def __len__(self) -> int:
        return self.size

    @property
    def end(self) -> int:
        """The offset of the next byte."""
        return self.offset + self.size


Piece: TypeAlias = ByteSpan | bytes
"""A kept piece: a span of the file, or other bytes in its place."""


def exactly(file: ByteSource, offset: int, size: int) -> bytes:
    """Read exactly these bytes of the file. Raises CutShort."""
    data = file.read_at(offset, size)
    if len(data) < size:
        raise CutShort
    return data


def replaced(file: ByteSource, offset: int, data: bytes) -> Piece:
    """Bytes to keep at an offset: a ByteSpan if the file has the same bytes there."""
    return ByteSpan(offset, len(data)) if file.read_at(offset, len(data)) == data else data


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join pieces that touch: an image with nothing to drop becomes one ByteSpan."""
    last: ByteSpan | None = None
    for piece in pieces:
        if isinstance(piece, ByteSpan) and last is not None and piece.offset == last.end:
            last = ByteSpan(last.offset, last.size + piece.size)
            continue
        if last is not None:
            yield last
        last = piece if isinstance(piece, ByteSpan) else None
        if not isinstance(piece, ByteSpan):
            yield piece
    if last is not None:
        yield last
