"""Pictures that every viewer shows although they are malformed or turned."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIX = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06" + bytes(6)
"""EXIF: to be turned by 90 degrees."""


def photo(
    image_format: str,
    orientation: int | None = 6,
    *,
    stored: tuple[int, int] = (600, 400),
    **options: Any,
) -> bytes:
    """A blue picture, red in the left half of its top; turned by 6, red is at its right."""
    image = Image.new("RGB", stored, "blue")
    image.paste((220, 30, 30), (0, 0, stored[0] // 2, stored[1] // 2))
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
        options["exif"] = exif
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def with_tail(data: bytes, tail: bytes = bytes(9)) -> bytes:
    """A PNG of one IDAT, with these bytes after its compressed stream."""
    place = data.index(b"IDAT")
    (size,) = struct.unpack(">I", data[place - 4 : place])
    longer = chunk(b"IDAT", data[place + 4 : place + 4 + size] + tail)
    return data[: place - 4] + longer + data[place + 8 + size :]


def with_exif_at_its_end(data: bytes) -> bytes:
    """A PNG that is to be turned by 90 degrees."""
    return data[:-12] + chunk(b"eXIf", SIX) + data[-12:]


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
