"""A WebP's chunks: type, length, data, a byte of padding if the length is odd.

Kept are one picture (VP8 or VP8L) and, in the extended format, VP8X, ALPH and a colour profile
(ICCP). EXIF, XMP and unknown chunks are dropped, and their flags in VP8X cleared; `exif` finds the
EXIF. Animations are refused: they hold no still picture.

Source: the WebP container specification (RFC 9649), 2.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from storage.containers.pieces import (
    MAX_PIECES,
    MAX_PROFILE_BYTES,
    Animated,
    ByteSource,
    ByteSpan,
    CutShort,
    NotAnImage,
    Piece,
    exactly,
    replaced,
)

SIGNATURE = b"RIFF"

_RIFF_BYTES = 12
_HEAD_BYTES = 8
_PICTURES = frozenset({b"VP8 ", b"VP8L"})
_ANIMATED = frozenset({b"ANIM", b"ANMF"})
_VP8X_BYTES = 10
_ALPHA, _PROFILE, _ANIMATION = 0x10, 0x20, 0x02
"""Flags in the first byte of VP8X. The other ones announce EXIF or XMP."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    span: ByteSpan


def exif(file: ByteSource) -> ByteSpan | None:
    """The place of the EXIF in a webp that `kept_pieces` accepts: usually after its picture."""
    end = _HEAD_BYTES + int.from_bytes(file.read_at(4, 4), "little")
    try:
        for chunk in _chunks(file, end):
            if chunk.kind == b"EXIF":
                return ByteSpan(chunk.span.offset + _HEAD_BYTES, chunk.span.size - _HEAD_BYTES)
    except NotAnImage:
        return None  # broken after its picture, where no viewer looks
    return None


def kept_pieces(file: ByteSource) -> Iterator[Piece]:
    """Yield a header with the right length, and the needed chunks."""
    head = exactly(file, 0, _RIFF_BYTES)
    end = _HEAD_BYTES + int.from_bytes(head[4:8], "little")
    if head[8:] != b"WEBP":
        raise NotAnImage("a RIFF file that is not a webp")
    if end > file.size:
        raise CutShort
    chunks = list(_first_of_each_kind(_chunks(file, end)))
    body = [
        _new_vp8x(file, chunk, chunks) if chunk.kind == b"VP8X" else chunk.span for chunk in chunks
    ]
    size = len(b"WEBP") + sum(map(len, body))
    yield replaced(file, 0, SIGNATURE + size.to_bytes(4, "little") + b"WEBP")
    yield from body


def _chunks(file: ByteSource, end: int) -> Iterator[_Chunk]:
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
        yield _Chunk(head[:4], span)
        position = span.end
    raise NotAnImage("a webp of too many chunks")


def _first_of_each_kind(chunks: Iterator[_Chunk]) -> Iterator[_Chunk]:
    """Yield the first chunk of each kept kind, up to the picture."""
    seen: set[bytes] = set()
    for chunk in chunks:
        if chunk.kind in _ANIMATED:
            raise Animated("an animated webp")
        if not seen and chunk.kind not in _PICTURES | {b"VP8X"}:
            raise NotAnImage("an unknown kind of webp")
        if _is_kept(chunk) and chunk.kind not in seen:
            yield chunk
        if chunk.kind in _PICTURES:
            return
        seen.add(chunk.kind)
    raise NotAnImage("a webp without a picture")


def _is_kept(chunk: _Chunk) -> bool:
    if chunk.kind == b"ICCP":
        return len(chunk.span) <= _HEAD_BYTES + MAX_PROFILE_BYTES
    return chunk.kind in _PICTURES | {b"VP8X", b"ALPH"}


def _new_vp8x(file: ByteSource, vp8x: _Chunk, chunks: list[_Chunk]) -> Piece:
    """VP8X with only the flags of the kept chunks."""
    data = file.read_at(vp8x.span.offset, vp8x.span.size)
    if len(data) != _HEAD_BYTES + _VP8X_BYTES:
        raise NotAnImage("an unknown kind of webp")
    if data[_HEAD_BYTES] & _ANIMATION:
        raise Animated("an animated webp")
    has_profile = any(chunk.kind == b"ICCP" for chunk in chunks)
    flags = data[_HEAD_BYTES] & (_ALPHA | (_PROFILE if has_profile else 0))
    return replaced(file, vp8x.span.offset, data[:8] + bytes([flags]) + data[9:])
