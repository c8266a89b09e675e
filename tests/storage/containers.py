"""One small picture in each format, and the parts to put into its file."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PICTURE = Image.linear_gradient("L").resize((61, 47)).convert("RGB")


def picture(image_format: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    PICTURE.convert(mode).save(file, image_format, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_with(*chunks: bytes, before: bytes = b"IDAT") -> bytes:
    data = picture("PNG")
    place = data.index(before) - 4
    return data[:place] + b"".join(chunks) + data[place:]


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg_with(*segments: bytes, **options: Any) -> bytes:
    data = picture("JPEG", **options)
    return data[:2] + b"".join(segments) + data[2:]


def webp_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body
