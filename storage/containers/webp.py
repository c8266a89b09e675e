"""A WebP's chunks: type, length, data, a byte of padding if the length is odd.

Kept are one picture (VP8 or VP8L) and, in the extended format, VP8X, ALPH and a colour profile
(ICCP). EXIF, XMP and unknown chunks are dropped, and their flags in VP8X cleared; C2PA holds
Content Credentials. Animations are refused: they hold no still picture.

Source: the WebP container specification (RFC 9649), 2; C2PA 2.2, A.3.7 (embedding in RIFF).
"""

import struct
from collections.abc import Iterator

from storage.containers.pieces import (
    MAX_PIECES,
    MAX_PROFILE_BYTES,
    Animated,
    ByteSource,
    ByteSpan,
    Chunk,
    CutShort,
    NotAnImage,
    Parts,
    Piece,
    exactly,
    replaced,
)

SIGNATURE = b"RIFF"

_RIFF_BYTES = 12
_HEAD_BYTES = 8
_PICTURES = frozenset({b"VP8 ", b"VP8L"})
_NEEDED = _PICTURES | {b"VP8X", b"ALPH", b"ICCP"}
_ANIMATED = frozenset({b"ANIM", b"ANMF"})
_STORE = b"C2PA"
_VP8X_BYTES = 10
_ALPHA, _PROFILE, _ANIMATION, _XMP = 0x10, 0x20, 0x02, 0x04
"""Flags in the first byte of VP8X. The other one announces EXIF."""
_SIDE = 0x3FFF
"""The bits of a side, in VP8L less one as in VP8X."""


def walk(file: ByteSource) -> Parts:
    """Find the needed chunks, after a header with the right length, and what else there is."""
    head = exactly(file, 0, _RIFF_BYTES)
    end = _HEAD_BYTES + int.from_bytes(head[4:8], "little")
    if head[8:] != b"WEBP":
        raise NotAnImage("a RIFF file that is not a webp")
    if end > file.size:
        raise CutShort
    found, rest = Parts(), _chunks(file, end)
    chunks = list(_first_of_each_kind(rest, found))
    body = [
        _new_vp8x(file, chunk, chunks) if chunk.kind == b"VP8X" else chunk.span for chunk in chunks
    ]
    size = len(b"WEBP") + sum(map(len, body))
    found.pieces = [replaced(file, 0, SIGNATURE + size.to_bytes(4, "little") + b"WEBP"), *body]
    try:
        for chunk in rest:
            _drop(found, chunk)
    except NotAnImage:
        found.spoil("malformed")  # broken after its picture, where no viewer looks
    if file.size > end:
        found.spoil("malformed")
    return found


def _drop(found: Parts, chunk: Chunk) -> None:
    kind, shows = chunk.kind, chunk.kind in _NEEDED | _ANIMATED
    if kind == b"EXIF":
        found.exif = found.exif or chunk.data
    found.drop(kind, chunk.data, is_store=kind == _STORE, shows=shows)


def _chunks(file: ByteSource, end: int) -> Iterator[Chunk]:
    position = _RIFF_BYTES
    for _ in range(MAX_PIECES):
        if position + _HEAD_BYTES > end:
            return
        head = exactly(file, position, _HEAD_BYTES)
        size = _HEAD_BYTES + int.from_bytes(head[4:], "little")
        if position + size > end:
            raise CutShort
        # The last chunk's padding may be missing.
        span = ByteSpan(position, min(size + size % 2, end - position))
        yield Chunk(head[:4], span, ByteSpan(position + _HEAD_BYTES, size - _HEAD_BYTES))
        position = span.end
    raise NotAnImage("a webp of too many chunks")


def _first_of_each_kind(chunks: Iterator[Chunk], found: Parts) -> Iterator[Chunk]:
    """Yield the first chunk of each kept kind, up to the picture; note the others."""
    seen: set[bytes] = set()
    for chunk in chunks:
        if chunk.kind in _ANIMATED:
            raise Animated("an animated webp")
        if not seen and chunk.kind not in _PICTURES | {b"VP8X"}:
            raise NotAnImage("an unknown kind of webp")
        if _is_kept(chunk) and chunk.kind not in seen:
            yield chunk
        else:
            _drop(found, chunk)
        if chunk.kind in _PICTURES:
            return
        seen.add(chunk.kind)
    raise NotAnImage("a webp without a picture")


def _is_kept(chunk: Chunk) -> bool:
    if chunk.kind == b"ICCP":
        return len(chunk.span) <= _HEAD_BYTES + MAX_PROFILE_BYTES
    return chunk.kind in _NEEDED


def with_xmp(file: ByteSource, xmp: bytes) -> list[Piece]:
    """The pieces of a stripped webp in the extended format, with XMP at its end."""
    head = file.read_at(_RIFF_BYTES, _HEAD_BYTES + _VP8X_BYTES)
    at = _RIFF_BYTES + (len(head) if head[:4] == b"VP8X" else 0)
    vp8x = head[_HEAD_BYTES:] if at > _RIFF_BYTES else _vp8x_for(head[:4], head[_HEAD_BYTES:])
    begin = _chunk(b"VP8X", bytes([vp8x[0] | _XMP]) + vp8x[1:])
    end = bytes(file.size % 2) + _chunk(b"XMP ", xmp)
    size = len(b"WEBP") + len(begin) + file.size - at + len(end)
    begin = SIGNATURE + size.to_bytes(4, "little") + b"WEBP" + begin
    return [begin, ByteSpan(at, file.size - at), end]


def _vp8x_for(kind: bytes, data: bytes) -> bytes:
    """VP8X for a picture that has none, by its first ten bytes (RFC 6386, 9.1; RFC 9649, 3.4)."""
    bits = int.from_bytes(data[1:5], "little")
    flags, sides = bits >> 24 & _ALPHA, [bits & _SIDE, bits >> 14 & _SIDE]
    if kind == b"VP8 ":
        flags, sides = 0, [(side & _SIDE) - 1 for side in struct.unpack("<6xHH", data)]
    return struct.pack("<I", flags) + b"".join(side.to_bytes(3, "little") for side in sides)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def _new_vp8x(file: ByteSource, vp8x: Chunk, chunks: list[Chunk]) -> Piece:
    """VP8X with only the flags of the kept chunks."""
    data = file.read_at(vp8x.span.offset, vp8x.span.size)
    if len(data) != _HEAD_BYTES + _VP8X_BYTES:
        raise NotAnImage("an unknown kind of webp")
    if data[_HEAD_BYTES] & _ANIMATION:
        raise Animated("an animated webp")
    has_profile = any(chunk.kind == b"ICCP" for chunk in chunks)
    flags = data[_HEAD_BYTES] & (_ALPHA | (_PROFILE if has_profile else 0))
    return replaced(file, vp8x.span.offset, data[:8] + bytes([flags]) + data[9:])
