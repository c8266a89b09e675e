"""Pieces of a file, and what is asked of the file they are in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Format = Literal["png", "jpeg", "webp"]
Mended = Literal["turned_upright", "trailing_data_cut", "end_marker_added"]
"""What was put right in an image that every viewer shows, though it was not as it should be."""

MAX_PROFILE_BYTES = 1024**2
"""A colour profile longer than this, as it is in the file, is dropped."""
MAX_PIECES = 65_536
"""Chunks or segments of one file; more is no picture, but work without end."""


class NotAnImage(ValueError):
    """Not a png, jpeg or webp, or a broken one."""


class Animated(NotAnImage):
    """More pictures than one, which no two readers agree on."""


class CutShort(NotAnImage):
    """The file ends inside a piece, or before the image does."""

    def __init__(self) -> None:
        super().__init__("an image cut short")


class ByteSource(Protocol):
    """What a walk needs of a file."""

    size: int

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """Bytes of the file, to be kept as they are."""

    offset: int
    size: int

    def __len__(self) -> int:
        return self.size

    @property
    def end(self) -> int:
        """Where the next byte is."""
        return self.offset + self.size


Piece: TypeAlias = ByteSpan | bytes
"""What is kept: bytes of the file, or others in their place."""


def exactly(file: ByteSource, offset: int, size: int) -> bytes:
    """These bytes of the file. Raises CutShort."""
    data = file.read_at(offset, size)
    if len(data) < size:
        raise CutShort
    return data


def written(file: ByteSource, offset: int, data: bytes) -> Piece:
    """Bytes to be kept at an offset: a Span where the file has the very same there."""
    return ByteSpan(offset, len(data)) if file.read_at(offset, len(data)) == data else data


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces, those that touch as one: an image with nothing to drop is one Span."""
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
