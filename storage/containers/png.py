"""A PNG's chunks: length, type, data, checksum. scanlines.py verifies the checksums.

Kept are IHDR, PLTE, IDAT and IEND, and the first tRNS, gAMA, cHRM, sRGB and iCCP if they come
before the first IDAT and have a permitted length. All other ancillary chunks are dropped; `exif`
finds the eXIf. The frames of an animated PNG (acTL, fcTL, fdAT) are dropped, too: without them it
is, by its own specification, the still picture shown by decoders without animation, and that
picture was verified.

Source: PNG (ISO/IEC 15948) 5, 11 and 12.
"""

import zlib
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
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
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
_MAX_NAME_BYTES = 79
"""The longest name of a profile; a zero byte and the compression method, also zero, follow it."""


def kept_pieces(file: ByteSource) -> Iterator[Piece]:
    """Yield the signature and every needed chunk, up to IEND."""
    yield ByteSpan(0, len(SIGNATURE))
    position = len(SIGNATURE)
    seen: set[bytes] = set()
    for _ in range(MAX_PIECES):
        head = exactly(file, position, _LENGTH_TYPE_BYTES)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        chunk = ByteSpan(position, _AROUND_DATA_BYTES + size)
        if (kind == b"IHDR") is bool(seen):
            raise NotAnImage("a png whose header is not its first chunk")
        if chunk.end > file.size:
            raise CutShort
        if _is_kept(file, chunk, kind, seen):
            yield chunk
        if kind == b"IEND":
            return
        seen.add(kind)
        position = chunk.end
    raise NotAnImage("a png of too many chunks")


def is_animated(file: ByteSource) -> bool:
    """True if a png that `kept_pieces` accepts has frames: their control chunk comes first."""
    return _first(file, b"acTL", until=b"IDAT") is not None


def exif(file: ByteSource) -> ByteSpan | None:
    """The place of the EXIF in a png that `kept_pieces` accepts. None if its checksum is wrong."""
    data = _first(file, b"eXIf", until=b"IEND")
    if data is None:
        return None
    checksum = zlib.crc32(b"eXIf")
    for offset in range(data.offset, data.end, _PIECE_BYTES):
        checksum = zlib.crc32(file.read_at(offset, min(_PIECE_BYTES, data.end - offset)), checksum)
    is_right = checksum.to_bytes(_CHECKSUM_BYTES, "big") == file.read_at(data.end, _CHECKSUM_BYTES)
    return data if is_right else None


def _first(file: ByteSource, wanted: bytes, *, until: bytes) -> ByteSpan | None:
    """The data of the first chunk of this kind; None if `until` or IEND comes before it."""
    position, kind = len(SIGNATURE), b""
    while kind not in {until, b"IEND"}:
        head = exactly(file, position, _LENGTH_TYPE_BYTES)
        kind, size = head[4:], int.from_bytes(head[:4], "big")
        if kind == wanted:
            return ByteSpan(position + _LENGTH_TYPE_BYTES, size)
        position += _AROUND_DATA_BYTES + size
    return None


def _is_kept(file: ByteSource, chunk: ByteSpan, kind: bytes, seen: set[bytes]) -> bool:
    size = chunk.size - _AROUND_DATA_BYTES
    if not kind[0] & _IS_ANCILLARY:
        if size > _CRITICAL.get(kind, -1):
            raise NotAnImage(f"a png with an impossible {kind!r}")
        return True
    if kind in seen or b"IDAT" in seen:
        return False
    if size > _ANCILLARY.get(kind, -1) and size != _EXACTLY.get(kind):
        return False
    return kind != b"iCCP" or _is_small(file, chunk.offset + _LENGTH_TYPE_BYTES, size)


def _is_small(file: ByteSource, offset: int, size: int) -> bool:
    """True if a profile is whole and inflates to a small size. Memory: at most both, 2 MB."""
    data = file.read_at(offset, size)
    name, _, compressed = data.partition(b"\0")
    if len(name) > _MAX_NAME_BYTES or compressed[:1] != b"\0":
        return False
    inflater = zlib.decompressobj()
    try:
        # One byte more than allowed tells that it is too long.
        profile = inflater.decompress(compressed[1:], MAX_INFLATED_PROFILE_BYTES + 1)
    except zlib.error:
        return False
    return inflater.eof and len(profile) <= MAX_INFLATED_PROFILE_BYTES
