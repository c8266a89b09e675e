"""Pieces of a file, and a view of them as a file."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, NamedTuple, TypeAlias

from pictor.kit.bytes.spool import ReadableAt

ByteSource: TypeAlias = ReadableAt
Format = Literal["png", "jpeg", "webp"]
Mended = Literal["turned_upright", "trailing_data_cut", "end_marker_added"]
"""Defects that were mended, in an image that every viewer shows."""

Spoiled = Literal["mended", "too_large", "malformed"]
"""Why a file with Content Credentials cannot stay as it came (content_credentials.py)."""

MAX_PROFILE_BYTES = 1024**2
"""A colour profile longer than this in the file is dropped."""
MAX_PIECES = 65_536
"""The most chunks or segments of one file; more would only be endless work."""
MAX_OTHERS = 256
"""The most pieces of metadata of a file that stays as it came."""


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


class Chunk(NamedTuple):
    """A part of a png or a webp: what it is, and where."""

    kind: bytes
    span: ByteSpan
    """With its head, and its checksum or padding."""
    data: ByteSpan


@dataclass(slots=True)
class Parts:
    """The parts of a file.

    Attributes:
        pieces: those that decoding needs.
        store: the data of the C2PA manifest store, in order; mostly none.
        others: kind and data of each part that shows nothing, so that it may stay or go.
        spoiled: why the file cannot stay as it came; "" if it can.
        exif: the data of the first EXIF.
        is_animated: whether it is a png with frames; no others are accepted.
        is_plain: whether one of the others, of a kind at a place, is whole and not compressed.
    """

    pieces: list[Piece] = field(default_factory=list)
    store: list[ByteSpan] = field(default_factory=list)
    others: list[tuple[bytes, ByteSpan]] = field(default_factory=list)
    spoiled: Spoiled | Literal[""] = ""
    exif: ByteSpan | None = None
    is_animated: bool = False
    is_plain: Callable[[ByteSource, bytes, ByteSpan], bool] = lambda *_: True

    def spoil(self, why: Spoiled) -> None:
        """Note why it cannot stay as it came; the first reason counts."""
        self.spoiled = self.spoiled or why

    def drop(
        self, kind: bytes, data: ByteSpan, *, is_store: bool, shows: bool, is_late: bool = False
    ) -> None:
        """Note a part that decoding does not need: the store, what may show something, another."""
        if is_store:
            if self.store or is_late:
                self.spoil("malformed")
            self.store.append(data)
        elif shows:
            self.spoil("mended")
        elif len(self.others) == MAX_OTHERS:
            self.spoil("too_large")
        else:
            self.others.append((kind, data))


class View:
    """Pieces of a file, read as one file without a copy."""

    def __init__(self, file: ByteSource, pieces: Iterable[Piece]) -> None:
        self._file, self._pieces = file, list(pieces)
        self._ends = list(accumulate(map(len, self._pieces)))
        self.size = self._ends[-1] if self._ends else 0

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""
        found, wanted = list[bytes](), min(size, self.size - offset)
        index = bisect_right(self._ends, offset)
        while wanted > 0:
            piece = self._pieces[index]
            begin = offset - self._ends[index] + len(piece)
            part = _part(self._file, piece, begin, min(wanted, len(piece) - begin))
            found.append(part)
            offset, wanted, index = offset + len(part), wanted - len(part), index + 1
        return b"".join(found)


def _part(file: ByteSource, piece: Piece, begin: int, size: int) -> bytes:
    if isinstance(piece, ByteSpan):
        return exactly(file, piece.offset + begin, size)
    return piece[begin : begin + size]


def exactly(file: ByteSource, offset: int, size: int) -> bytes:
    """Read exactly these bytes of the file. Raises CutShort."""
    data = file.read_at(offset, size)
    if len(data) < size:
        raise CutShort
    return data


def replaced(file: ByteSource, offset: int, data: bytes) -> Piece:
    """Bytes to keep at an offset: a ByteSpan if the file has the same bytes there."""
    return ByteSpan(offset, len(data)) if file.read_at(offset, len(data)) == data else data


def inserted(file: ByteSource, at: int, data: bytes) -> list[Piece]:
    """The pieces of the file with these bytes in it."""
    return [ByteSpan(0, at), data, ByteSpan(at, file.size - at)]


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Join pieces that touch: an image with nothing to drop becomes one ByteSpan."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else b""
        if isinstance(piece, ByteSpan) and isinstance(last, ByteSpan) and last.end == piece.offset:
            found[-1] = ByteSpan(last.offset, last.size + piece.size)
        else:
            found.append(piece)
    return found
