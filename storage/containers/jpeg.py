"""A JPEG's segments: marker, length, data; after a start of scan, coded data up to a marker.

Kept are frames of the types that are decoded here (baseline, extended, progressive), tables, scans,
JFIF's APP0 without its thumbnail, Adobe's APP14, and a colour profile in APP2. All other APPn
segments (EXIF, XMP, IPTC, other pictures), comments, and bytes after the end are dropped; `exif`
finds the EXIF. A file that ends with its only scan of all colours gets the end marker it lacks, as
every viewer accepts it; a decoder checks whether that scan is whole. If there are several scans,
the last one may be missing.

Source: JPEG (ITU-T T.81) B.1 and B.2; JFIF 1.02; ICC.1 annex B.4.
"""

import re
from collections.abc import Iterator

from storage.containers.pieces import (
    MAX_PIECES,
    MAX_PROFILE_BYTES,
    ByteSource,
    ByteSpan,
    CutShort,
    NotAnImage,
    Piece,
    exactly,
    replaced,
)

SIGNATURE = b"\xff\xd8"
END = b"\xff\xd9"
"""The end marker. Among the kept pieces it is bytes, not a span, if it was added to the file."""

_FILLER = 0xFF
_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE
_TABLES_AND_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, _SOS})
"""SOF0 to SOF2, DHT, DQT, DRI, SOS. The other frame types are refused."""
_SEQUENTIAL, _COMPONENTS_AT = frozenset({0xC0, 0xC1}), 9
"""Frames with only one scan if it has all components, and the offset of their number."""
_DROPPED = frozenset({0xCC, 0xDC, *range(0xE0, 0xF0), 0xFE})
"""DAC, DNL, APPn and COM, unless they are kept."""
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8), _EOI})
_LENGTH_BYTES = 2
_HEAD_BYTES = 4
"""Marker and length."""
_NO_THUMBNAIL = b"\0\0"
_JFIF, _ADOBE, _PROFILE = b"JFIF\0", b"Adobe", b"ICC_PROFILE\0"
"""The first bytes of the APPn segments that are kept."""
_EXIF = b"Exif\0\0"
_JFIF_BYTES, _ADOBE_BYTES = 18, 16
"""The length of a whole segment with its marker, without a thumbnail."""
MAX_SCANS = 100
"""Encoders write about ten. A decoder goes through the whole picture for each: 1 ms for 8
megapixels, so the 2,646 that a file of 100 KB can have would take 3 s."""
_PIECES_OF_SCAN = 2
"""Its header and its coded data."""
_WINDOW_BYTES = 256 * 1024
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In coded data a 0xFF is stuffed with 0x00, or begins one of eight restart markers."""


def kept_pieces(file: ByteSource) -> Iterator[Piece]:
    """Yield the needed segments, up to the end of the image; a profile wholly or not at all."""
    pieces, of_scans = list[tuple[int, Piece]](), 0
    for marker, piece in _walk(file):
        pieces.append((marker, piece))
        of_scans += marker == _SOS
        if (
            of_scans > MAX_SCANS * _PIECES_OF_SCAN
        ):  # now: a scan may be two bytes, and is searched for
            raise NotAnImage("a jpeg of too many scans")
    profile_bytes = sum(len(piece) for marker, piece in pieces if marker == _APP2)
    for marker, piece in pieces:
        if marker != _APP2 or profile_bytes <= MAX_PROFILE_BYTES:
            yield piece


def exif(file: ByteSource) -> ByteSpan | None:
    """The place of the EXIF in a jpeg that `kept_pieces` accepts: the first before its pixels."""
    position, marker = len(SIGNATURE), _SOI
    while marker not in {_SOS, _EOI}:
        marker, segment = _segment(file, position)
        data = ByteSpan(segment.offset + _HEAD_BYTES, segment.size - _HEAD_BYTES)
        if marker == _APP1 and file.read_at(data.offset, len(_EXIF)) == _EXIF:
            return data
        position = segment.end
    return None


def _walk(file: ByteSource) -> Iterator[tuple[int, Piece]]:
    """Yield the pieces that may be kept, each with its marker."""
    yield _SOI, ByteSpan(0, len(SIGNATURE))
    position, components = len(SIGNATURE), b""
    for _ in range(MAX_PIECES):
        marker, segment = _segment(file, position)
        if marker in _SEQUENTIAL:
            components = file.read_at(segment.offset + _COMPONENTS_AT, 1)
        piece = _kept_part(file, segment, marker)
        if piece is not None:
            yield marker, piece
        if marker == _EOI:
            return
        position = segment.end
        if marker == _SOS:
            position = _end_of_scan(file, segment.end)
            yield marker, ByteSpan(segment.end, position - segment.end)
            if position == file.size:
                if components != exactly(file, segment.offset + _HEAD_BYTES, 1):
                    raise CutShort
                yield _EOI, END
                return
    raise NotAnImage("a jpeg of too many segments")


def _segment(file: ByteSource, position: int) -> tuple[int, ByteSpan]:
    """The marker here and its segment. Fill bytes before one (B.1.1.2) are legal but never seen."""
    filler, marker = exactly(file, position, len(SIGNATURE))
    if filler != _FILLER:
        raise NotAnImage("a broken jpeg")
    if marker in _NO_LENGTH:
        return marker, ByteSpan(position, len(SIGNATURE))
    if marker not in _TABLES_AND_FRAMES | _DROPPED:
        raise NotAnImage(f"a jpeg with a marker that is not decoded here: {marker:#x}")
    length = int.from_bytes(exactly(file, position + len(SIGNATURE), _LENGTH_BYTES), "big")
    segment = ByteSpan(position, len(SIGNATURE) + length)
    if length < _LENGTH_BYTES:
        raise NotAnImage("a broken jpeg")
    if segment.end > file.size:
        raise CutShort
    return marker, segment


def _kept_part(file: ByteSource, segment: ByteSpan, marker: int) -> Piece | None:
    """The part of a segment to keep, without what applications added after its known fields."""
    if marker in _TABLES_AND_FRAMES or marker == _EOI:
        return segment
    head = file.read_at(segment.offset, min(segment.size, _JFIF_BYTES))
    data = head[_HEAD_BYTES:]
    if marker == _APP0 and data.startswith(_JFIF) and len(head) == _JFIF_BYTES:
        return _shorten(file, segment, head[: -len(_NO_THUMBNAIL)] + _NO_THUMBNAIL)
    if marker == _APP14 and data.startswith(_ADOBE) and len(head) >= _ADOBE_BYTES:
        return _shorten(file, segment, head[:_ADOBE_BYTES])
    return segment if marker == _APP2 and data.startswith(_PROFILE) else None


def _shorten(file: ByteSource, segment: ByteSpan, head: bytes) -> Piece:
    """A segment of only these bytes, with its length corrected."""
    length = (len(head) - len(SIGNATURE)).to_bytes(_LENGTH_BYTES, "big")
    return replaced(file, segment.offset, head[:2] + length + head[_HEAD_BYTES:])


def _end_of_scan(file: ByteSource, position: int) -> int:
    """The position of the next marker, or the file's end."""
    while window := file.read_at(position, _WINDOW_BYTES):
        if match := _END_OF_SCAN.search(window):
            return position + match.start()
        position += max(len(window) - 1, 1)  # a 0xFF may be the last byte
    return file.size
