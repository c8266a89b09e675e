"""A JPEG's segments: marker, length, data; after a start of scan, coded data up to a marker.

Kept are frames of the types that are decoded here (baseline, extended, progressive), tables, scans,
JFIF's APP0 without its thumbnail, Adobe's APP14, and a colour profile in APP2. All other APPn
segments (EXIF, XMP, IPTC, other pictures), comments, and bytes after the end are dropped; APP11
holds Content Credentials. A file that ends with its only scan of all colours gets the end marker it
lacks, as every viewer accepts it; a decoder checks whether that scan is whole. If there are several
scans, the last one may be missing.

Source: JPEG (ITU-T T.81) B.1 and B.2; JFIF 1.02; ICC.1 annex B.4; JPEG XT (ISO/IEC 18477-3) annex B
and C2PA 2.2, A.3.1 (embedding in JPEG).
"""

import re
from collections.abc import Iterator

from storage.containers.pieces import (
    MAX_OTHERS,
    MAX_PIECES,
    MAX_PROFILE_BYTES,
    ByteSource,
    ByteSpan,
    CutShort,
    NotAnImage,
    Parts,
    Piece,
    exactly,
    inserted,
    replaced,
)

SIGNATURE = b"\xff\xd8"
END = b"\xff\xd9"
"""The end marker. Among the kept pieces it is bytes, not a span, if it was added to the file."""

_FILLER = 0xFF
_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE
_DAC, _DNL, _APP11 = 0xCC, 0xDC, 0xEB
_TABLES_AND_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, _SOS})
"""SOF0 to SOF2, DHT, DQT, DRI, SOS. The other frame types are refused."""
_SEQUENTIAL, _COMPONENTS_AT = frozenset({0xC0, 0xC1}), 9
"""Frames with only one scan if it has all components, and the offset of their number."""
_DROPPED = frozenset({_DAC, _DNL, *range(0xE0, 0xF0), 0xFE})
"""DAC, DNL, APPn and COM, unless they are kept."""
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8), _EOI})
_LENGTH_BYTES = 2
_HEAD_BYTES = 4
"""Marker and length."""
_NO_THUMBNAIL = b"\0\0"
_JFIF, _ADOBE, _PROFILE = b"JFIF\0", b"Adobe", b"ICC_PROFILE\0"
"""The first bytes of the APPn segments that are kept."""
_EXIF = b"Exif\0\0"
_BOXES = b"JP"
"""The first bytes of an APP11 with a part of a box: instance, number and box follow them."""
_BOX_AT, _BOX_BYTES, _LONG_BOX_BYTES, _LONG_BOX = 8, 8, 16, b"\0\0\0\1"
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


def walk(file: ByteSource) -> Parts:
    """Find the needed segments, up to the image's end, and what else there is.

    A profile is needed wholly or not at all.
    """
    found, pieces, of_scans, end = Parts(), list[tuple[int, Piece]](), 0, 0
    for marker, segment, piece in _parts(file):
        end = segment.end
        if piece is None:
            _drop(found, file, marker, segment, is_late=of_scans > 0)
            continue
        if isinstance(piece, bytes):
            found.spoil("mended")
        pieces.append((marker, piece))
        of_scans += marker == _SOS
        if (
            of_scans > MAX_SCANS * _PIECES_OF_SCAN
        ):  # now: a scan may be two bytes, and is searched for
            raise NotAnImage("a jpeg of too many scans")
    if file.size > end:
        found.spoil("malformed")
    profile_bytes = sum(len(piece) for marker, piece in pieces if marker == _APP2)
    if profile_bytes > MAX_PROFILE_BYTES:
        found.spoil("mended")
        pieces = [(marker, piece) for marker, piece in pieces if marker != _APP2]
    found.pieces = [piece for _, piece in pieces]
    _join_store(found, file)
    return found


def _drop(found: Parts, file: ByteSource, marker: int, segment: ByteSpan, *, is_late: bool) -> None:
    data = ByteSpan(segment.offset + _HEAD_BYTES, segment.size - _HEAD_BYTES)
    if marker == _APP11 and file.read_at(data.offset, len(_BOXES)) == _BOXES:
        if is_late or len(found.store) == MAX_OTHERS:
            found.spoil("malformed")
        if len(found.store) < MAX_OTHERS:
            found.store.append(segment)
    else:
        if marker == _APP1 and not is_late and file.read_at(data.offset, len(_EXIF)) == _EXIF:
            found.exif = found.exif or data
        shows = marker in {_DAC, _DNL, _APP0}
        found.drop(bytes([marker]), data, is_store=False, shows=shows)


def _join_store(found: Parts, file: ByteSource) -> None:
    """Join the parts of the box in these segments; each is numbered, and repeats the box's head."""
    segments, found.store = found.store, []
    heads, end = set[bytes](), 0
    for number, segment in enumerate(segments, 1):
        head = file.read_at(segment.offset + _HEAD_BYTES, _BOX_AT + _LONG_BOX_BYTES)
        size = _BOX_BYTES if head[_BOX_AT : _BOX_AT + 4] != _LONG_BOX else _LONG_BOX_BYTES
        heads.add(head[2:4] + head[_BOX_AT : _BOX_AT + size])
        is_next = int.from_bytes(head[4:_BOX_AT], "big") == number and end in {0, segment.offset}
        if not is_next or len(heads) > 1:
            found.spoil("malformed")
        begin = segment.offset + _HEAD_BYTES + _BOX_AT + (size if found.store else 0)
        found.store.append(ByteSpan(begin, max(segment.end - begin, 0)))
        end = segment.end


def with_xmp(file: ByteSource, xmp: bytes) -> list[Piece]:
    """The pieces of a stripped jpeg with an XMP packet, which fits into one segment."""
    data = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    length = (len(data) + _LENGTH_BYTES).to_bytes(_LENGTH_BYTES, "big")
    begins_with_jfif = file.read_at(len(SIGNATURE), 2) == bytes([_FILLER, _APP0])
    at = len(SIGNATURE) + (_JFIF_BYTES if begins_with_jfif else 0)
    return inserted(file, at, bytes([_FILLER, _APP1]) + length + data)


def _parts(file: ByteSource) -> Iterator[tuple[int, ByteSpan, Piece | None]]:
    """Yield each marker with its segment, and the piece of it that may be needed."""
    begin = ByteSpan(0, len(SIGNATURE))
    yield _SOI, begin, begin
    position, components = len(SIGNATURE), b""
    for _ in range(MAX_PIECES):
        marker, segment = _segment(file, position)
        if marker in _SEQUENTIAL:
            components = file.read_at(segment.offset + _COMPONENTS_AT, 1)
        yield marker, segment, _kept_part(file, segment, marker)
        if marker == _EOI:
            return
        position = segment.end
        if marker == _SOS:
            position = _end_of_scan(file, segment.end)
            coded = ByteSpan(segment.end, position - segment.end)
            yield marker, coded, coded
            if position == file.size:
                if components != exactly(file, segment.offset + _HEAD_BYTES, 1):
                    raise CutShort
                yield _EOI, coded, END
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
