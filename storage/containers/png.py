"""A PNG's chunks: length, type, data, checksum, and its header. scanlines.py verifies checksums.

Kept are IHDR, PLTE, IDAT and IEND, and the first tRNS, gAMA, cHRM, sRGB and iCCP if they come
before the first IDAT and have a permitted length. All other ancillary chunks are dropped; caBX
holds Content Credentials. The frames of an animated PNG (acTL, fcTL, fdAT) are dropped, too:
without them it is, by its own specification, the still picture shown by decoders without animation,
and that picture was verified.

Source: PNG (ISO/IEC 15948) 5, 7.1, 8.2, 11 and 12; C2PA 2.2, A.3.3 (embedding in PNG).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from storage.containers.pieces import (
    MAX_PIECES,
    MAX_PROFILE_BYTES,
    ByteSource,
    ByteSpan,
    Chunk,
    CutShort,
    NotAnImage,
    Parts,
    Piece,
    exactly,
    inserted,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33
"""Where the second chunk begins."""
MAX_INFLATED_PROFILE_BYTES = 1024**2
"""Every decoder of the image holds the profile in memory; some accept no longer one."""

_LENGTH_TYPE_BYTES = 8
_AROUND_DATA_BYTES, _CHECKSUM_BYTES = 12, 4
_PIECE_BYTES = 256 * 1024
"""The bytes of a long chunk that are read at a time."""
_MAX_CHUNK_BYTES = 2**31 - 1
_CRITICAL = {b"IHDR": 13, b"PLTE": 768, b"IDAT": _MAX_CHUNK_BYTES, b"IEND": 0}
_ANCILLARY = {b"tRNS": 256, b"iCCP": MAX_PROFILE_BYTES}
_EXACTLY = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1}
_IS_ANCILLARY = 0x20
"""The bit in the first letter of a chunk's type that makes it lower case."""
_SHOWN = frozenset({b"acTL", b"fcTL", b"fdAT", *_ANCILLARY, *_EXACTLY})
"""Frames, and what changes colours."""
_STORE = b"caBX"
_MAX_NAME_BYTES = 79
"""The longest name of a profile; a zero byte and the compression method, also zero, follow it."""

MAX_SIDE = 2**31 - 1
PALETTE = 3
"""The colour type whose samples are indices."""

_HEADER_BYTES = 13
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
        if len(data) != _HEADER_BYTES:
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


def walk(file: ByteSource) -> Parts:
    """Find the signature and every needed chunk, up to IEND, and what else there is."""
    found = Parts([ByteSpan(0, len(SIGNATURE))], is_plain=_is_plain)
    seen: set[bytes] = set()
    for chunk in islice(chunks(file), MAX_PIECES):
        if (chunk.kind == b"IHDR") is bool(seen):
            raise NotAnImage("a png whose header is not its first chunk")
        if chunk.span.end > file.size:
            raise CutShort
        if _is_kept(file, chunk, seen):
            found.pieces.append(chunk.span)
        else:
            _drop(found, file, chunk, has_pixels=b"IDAT" in seen)
        seen.add(chunk.kind)
    if b"IEND" not in seen:
        raise NotAnImage("a png of too many chunks")
    if file.size > chunk.span.end:
        found.spoil("malformed")
        if file.read_at(chunk.span.end + len(_STORE), len(_STORE)) == _STORE:
            found.store.append(ByteSpan(file.size, 0))
    return found


def chunks(file: ByteSource) -> Iterator[Chunk]:
    """Yield each chunk up to IEND, even one that the file ends in. Raises CutShort."""
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        head = exactly(file, position, _LENGTH_TYPE_BYTES)
        kind, size = head[4:], int.from_bytes(head[:4], "big")
        span = ByteSpan(position, _AROUND_DATA_BYTES + size)
        yield Chunk(kind, span, ByteSpan(position + _LENGTH_TYPE_BYTES, size))
        position = span.end


def _drop(found: Parts, file: ByteSource, chunk: Chunk, *, has_pixels: bool) -> None:
    kind, data = chunk.kind, chunk.data
    if kind == b"eXIf" and _is_whole(file, kind, data):
        found.exif = found.exif or data
    found.is_animated |= kind == b"acTL" and not has_pixels
    is_store = kind == _STORE
    is_late = is_store and (has_pixels or not _is_whole(file, kind, data))
    found.drop(kind, data, is_store=is_store, shows=kind in _SHOWN, is_late=is_late)


def _is_plain(file: ByteSource, kind: bytes, data: ByteSpan) -> bool:
    if not _is_whole(file, kind, data) or kind == b"zTXt":
        return False
    if kind != b"iTXt":
        return True
    _, _, rest = file.read_at(data.offset, data.size).partition(b"\0")
    return rest[:1] == b"\0"


def with_xmp(file: ByteSource, xmp: bytes) -> list[Piece]:
    """The pieces of a stripped png with an XMP packet after its header, not compressed."""
    chunk = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + xmp
    size, checksum = len(chunk) - len(b"iTXt"), zlib.crc32(chunk)
    return inserted(file, _HEADER_END, struct.pack(f">I{len(chunk)}sI", size, chunk, checksum))


def _is_whole(file: ByteSource, kind: bytes, data: ByteSpan) -> bool:
    checksum = zlib.crc32(kind)
    for offset in range(data.offset, data.end, _PIECE_BYTES):
        checksum = zlib.crc32(file.read_at(offset, min(_PIECE_BYTES, data.end - offset)), checksum)
    return checksum.to_bytes(_CHECKSUM_BYTES, "big") == file.read_at(data.end, _CHECKSUM_BYTES)


def _is_kept(file: ByteSource, chunk: Chunk, seen: set[bytes]) -> bool:
    kind, size = chunk.kind, chunk.data.size
    if not kind[0] & _IS_ANCILLARY:
        if size > _CRITICAL.get(kind, -1):
            raise NotAnImage(f"a png with an impossible {kind!r}")
        return True
    if kind in seen or b"IDAT" in seen:
        return False
    if size > _ANCILLARY.get(kind, -1) and size != _EXACTLY.get(kind):
        return False
    return kind != b"iCCP" or _is_small(file, chunk.data)


def _is_small(file: ByteSource, data: ByteSpan) -> bool:
    """True if a profile is whole and inflates to a small size. Memory: at most both, 2 MB."""
    name, _, compressed = file.read_at(data.offset, data.size).partition(b"\0")
    if len(name) > _MAX_NAME_BYTES or compressed[:1] != b"\0":
        return False
    inflater = zlib.decompressobj()
    try:
        # One byte more than allowed tells that it is too long.
        profile = inflater.decompress(compressed[1:], MAX_INFLATED_PROFILE_BYTES + 1)
    except zlib.error:
        return False
    return inflater.eof and len(profile) <= MAX_INFLATED_PROFILE_BYTES
