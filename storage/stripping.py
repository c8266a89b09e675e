"""An image without what is not needed to decode it, before any decoder sees it.

Metadata is dropped from every image that comes from outside: text, EXIF, XMP, comments, thumbnails,
profiles above 1 MB, and whatever follows the image's end. It is not part of what was bought, it may
tell of people and places, and decoders unpack it into memory: 1.5 MB of PNG text took 2.4 GB.
Memory stays flat. Raises NotAnImage, and SpoolError where a copy cannot be kept.
"""

from collections.abc import Callable, Iterator

from pictor.kit.spool import CHUNK_BYTES, SpoolFile
from storage.containers import jpeg, png, webp
from storage.containers.pieces import Format, NotAnImage, Piece, Source, Span, joined

_CONTAINERS: tuple[tuple[bytes, Format, Callable[[Source], Iterator[Piece]]], ...] = (
    (png.SIGNATURE, "png", png.kept),
    (jpeg.SIGNATURE, "jpeg", jpeg.kept),
    (webp.SIGNATURE, "webp", webp.kept),
)
_MOST_SIGNATURE_BYTES = 8


def stripped(spool: SpoolFile) -> tuple[SpoolFile, Format]:
    """What is needed of an image, and its format by its first bytes.

    The very spool where there is nothing to drop; otherwise a new one, in the scope of the first.
    """
    head = spool.read_at(0, _MOST_SIGNATURE_BYTES)
    for signature, image_format, kept in _CONTAINERS:
        if head.startswith(signature):
            pieces = list(joined(kept(spool)))
            if pieces == [Span(0, spool.size)]:
                return spool, image_format
            return _copy(spool, pieces), image_format
    raise NotAnImage("neither png, jpeg nor webp")


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
