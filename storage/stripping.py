"""Removal of everything in an image that decoding does not need, before any decoder sees it.

Metadata is dropped from every image that comes from outside: text, EXIF, XMP, comments, thumbnails,
profiles above 1 MB, and bytes after the image's end. Customers did not buy it, it may reveal people
and places, and decoders unpack it into memory: 1.5 MB of PNG text took 2.4 GB. The orientation in
its EXIF is kept. Memory stays flat. Raises NotAnImage, and SpoolError if a copy cannot be kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pictor.kit.bytes.spool import CHUNK_BYTES, SpoolFile
from storage.containers import jpeg, png, webp
from storage.containers.orientation import Orientation, orientation
from storage.containers.pieces import ByteSource, ByteSpan, Format, Piece, UnknownFormat, joined


@dataclass(frozen=True, slots=True)
class _Container:
    signature: bytes
    format: Format
    kept: Callable[[ByteSource], Iterator[Piece]]
    exif: Callable[[ByteSource], ByteSpan | None]


_CONTAINERS = (
    _Container(png.SIGNATURE, "png", png.kept_pieces, png.exif),
    _Container(jpeg.SIGNATURE, "jpeg", jpeg.kept_pieces, jpeg.exif),
    _Container(webp.SIGNATURE, "webp", webp.kept_pieces, webp.exif),
)
_MAX_SIGNATURE_BYTES = 8


class Stripped(NamedTuple):
    """An image without unneeded parts, with its format and its EXIF orientation."""

    spool: SpoolFile
    """The same spool if there was nothing to drop; otherwise a new one, in its scope."""
    format: Format
    orientation: Orientation
    """The turn that its pixels still need."""
    got_end: bool
    """True if it is a jpeg that got the end marker its file lacked."""


def strip(spool: SpoolFile) -> Stripped:
    """Return the image without unneeded parts."""
    head = spool.read_at(0, _MAX_SIGNATURE_BYTES)
    for container in _CONTAINERS:
        if head.startswith(container.signature):
            pieces = list(joined(container.kept(spool)))
            is_whole = pieces == [ByteSpan(0, spool.size)]
            return Stripped(
                spool if is_whole else _copy(spool, pieces),
                container.format,
                orientation(spool, container.exif(spool)),
                got_end=pieces[-1] == jpeg.END,
            )
    raise UnknownFormat("neither png, jpeg nor webp")


def _copy(spool: SpoolFile, pieces: list[Piece]) -> SpoolFile:
    copy = spool.sibling()
    for piece in pieces:
        for data in _data(spool, piece):
            copy.write(data)
    return copy


def _data(spool: SpoolFile, piece: Piece) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        yield piece
        return
    for offset in range(piece.offset, piece.end, CHUNK_BYTES):
        yield spool.read_at(offset, min(CHUNK_BYTES, piece.end - offset))
