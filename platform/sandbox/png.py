"""PNG files put together from parts, so that the costly part of a picture is compressed once.

A picture is a scene above a caption. The scene's rows are deflated and end in a full flush, which
cuts every reference back, so the caption's rows can follow from another compressor: isal's, which
takes a tenth of zlib's time for what is new in each picture. Pixels are 8-bit RGB. Source: PNG
(third edition) sections 5 and 9, RFC 1950 and 1951.
"""

import os
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Final

from isal import isal_zlib
from PIL import Image, ImageChops

from sandbox.sizes import Size

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_ZLIB_HEADER: Final = b"\x78\x01"
_FILTER_NONE: Final = b"\x00"
_FILTER_UP: Final = b"\x02"
_RAW_DEFLATE: Final = -15
_FASTEST: Final = 1
_STORED: Final = 0
_NOISE_BYTES: Final = 1 << 20
_NOISE_STEP: Final = 7919


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first bytes of a PNG file, up to the last row of its scene."""

    data: bytes
    adler: int
    """The Adler-32 checksum of all rows so far; the rest of the file continues it."""


def begin(scene: Image.Image, *, size: Size) -> Beginning:
    """Compress the scene as the top rows of a picture of this size. Costly: keep the result."""
    deflate = zlib.compressobj(_FASTEST, zlib.DEFLATED, _RAW_DEFLATE)
    rows = _rows(scene)
    packed = _ZLIB_HEADER + deflate.compress(rows) + deflate.flush(zlib.Z_FULL_FLUSH)
    return Beginning(
        data=_SIGNATURE + _header(size) + _chunk(b"IDAT", packed), adler=zlib.adler32(rows)
    )


def finish(beginning: Beginning, *, caption: Image.Image | None) -> bytes:
    """The whole file: the beginning and the caption's rows below it."""
    rows = _rows(caption) if caption is not None else b""
    deflate = isal_zlib.compressobj(_FASTEST, isal_zlib.DEFLATED, _RAW_DEFLATE)
    packed = deflate.compress(rows) + deflate.flush()
    checksum = struct.pack(">I", isal_zlib.adler32(rows, beginning.adler))
    return b"".join((beginning.data, _chunk(b"IDAT", packed + checksum), _chunk(b"IEND", b"")))


def noise(size: Size) -> bytes:
    """A picture of random pixels in stored blocks: it weighs 3 bytes a pixel and is cheap."""
    deflate = zlib.compressobj(_STORED)
    packed = b"".join((deflate.compress(_noise_rows(size)), deflate.flush()))
    return b"".join((_SIGNATURE, _header(size), _chunk(b"IDAT", packed), _chunk(b"IEND", b"")))


def _rows(picture: Image.Image) -> bytes:
    """The rows as PNG wants them: each less the row above (smooth pictures become zeros)."""
    width, height = picture.size
    above = Image.new("RGB", picture.size)
    above.paste(picture, (0, 1))
    pixels = memoryview(ImageChops.subtract_modulo(picture, above).tobytes())
    stride = width * 3
    first = picture.crop((0, 0, width, 1)).tobytes()
    parts: list[bytes | memoryview] = [
        _FILTER_NONE,
        first,
    ]  # a full row: what lies above it belongs to another part
    for row in range(1, height):
        parts += (_FILTER_UP, pixels[row * stride : (row + 1) * stride])
    return b"".join(parts)


def _noise_rows(size: Size) -> bytes:
    pool = memoryview(_noise_pool())
    stride = size.width * 3
    parts: list[bytes | memoryview] = []
    for row in range(size.height):
        start = row * _NOISE_STEP % (_NOISE_BYTES - stride)
        parts += (_FILTER_NONE, pool[start : start + stride])
    return b"".join(parts)


@cache
def _noise_pool() -> bytes:
    return os.urandom(_NOISE_BYTES)


def _header(size: Size) -> bytes:
    bit_depth, truecolour = 8, 2
    fields = struct.pack(">IIBBBBB", size.width, size.height, bit_depth, truecolour, 0, 0, 0)
    return _chunk(b"IHDR", fields)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)))
