import io
import os
import zlib
from typing import Any

import pytest
from PIL import Image

from pictor.kit.bytes.spool import MEMORY_BYTES
from storage.containers.pieces import NotAnImage
from storage.probe import QUICK_BYTES, ImageFacts, is_quick, verify

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def picture(
    image_format: str, width: int = 61, height: int = 47, mode: str = "RGB", **options: Any
) -> bytes:
    image = Image.linear_gradient("L").resize((width, height)).convert(mode)
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def with_empty_chunks(png: bytes, count: int) -> bytes:
    """The image with IDATs of no bytes before its own."""
    at = png.index(b"IDAT") - 4
    empty = bytes(4) + b"IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")
    return png[:at] + empty * count + png[at:]


GOOD = [
    ("png", picture("PNG")),
    ("png", picture("PNG", mode="RGBA")),
    ("png", picture("PNG", mode="P")),
    ("png", picture("PNG", mode="1")),
    ("png", picture("PNG", mode="L")),
    ("jpeg", picture("JPEG")),
    ("jpeg", picture("JPEG", progressive=True)),
    ("jpeg", picture("JPEG", mode="L")),
    ("jpeg", picture("JPEG", mode="CMYK")),
    ("jpeg", picture("JPEG", exif=b"Exif\0\0" + b"x" * 60_000, icc_profile=b"i" * 300_000)),
    ("webp", picture("WEBP")),
    ("webp", picture("WEBP", lossless=True)),
    ("webp", picture("WEBP", mode="RGBA", exif=b"Exif\0\0MM\0*")),
]


@pytest.mark.parametrize(("image_format", "data"), GOOD)
def test_whole_images_are_verified(image_format, data, spooled):
    facts = verify(spooled(data))

    assert facts == ImageFacts(image_format, 61, 47)
    assert facts.size == "61x47"


@pytest.mark.parametrize(
    "data",
    [
        picture("PNG"),
        with_empty_chunks(picture("PNG"), 60),
        picture("PNG", 1536, 1024),
        picture("PNG", 2000, 2000, "L"),
    ],
)
def test_a_small_png_is_quick(data, spooled):
    assert is_quick(spooled(data))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(picture("PNG", 1700, 1000), id="many pixels"),
        pytest.param(picture("PNG", 2000, 2000, "I;16"), id="deep pixels"),
        pytest.param(picture("PNG") + bytes(QUICK_BYTES), id="many bytes"),
        pytest.param(picture("PNG", mode="P"), id="a palette"),
        pytest.param(picture("PNG", icc_profile=b"i" * 100), id="a profile"),
        pytest.param(with_empty_chunks(picture("PNG"), 64), id="many chunks"),
        pytest.param(picture("JPEG"), id="jpeg"),
        pytest.param(picture("WEBP"), id="webp"),
        pytest.param(picture("PNG")[:30], id="half a header"),
        pytest.param(picture("PNG")[:33], id="nothing but a header"),
        pytest.param(picture("PNG")[:24] + b"\7" + picture("PNG")[25:], id="a broken header"),
        pytest.param(PNG_HEAD + b"\0\0\0\0IEND\xaeB`\x82", id="nothing but an end"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_large_picture_or_another_format_is_not_quick(data, spooled):
    assert not is_quick(spooled(data))


@pytest.mark.parametrize(
    ("data", "oddity"),
    [
        (picture("PNG"), ""),
        (picture("PNG", mode="P"), ""),
        (picture("JPEG", mode="L"), ""),
        (picture("PNG", mode="I;16"), "of 16 bits a channel"),
        (picture("JPEG", mode="CMYK"), "CMYK"),
        (
            picture("PNG", save_all=True, append_images=[Image.new("RGB", (61, 47), "red")]),
            "animated",
        ),
    ],
)
def test_an_oddity_that_decoders_read_differently_is_named(data, oddity, spooled):
    assert verify(spooled(data)).oddity == oddity


def test_a_large_image_on_disk_is_verified(spooled):
    image = Image.frombytes("RGB", (700, 500), os.urandom(700 * 500 * 3))
    file = io.BytesIO()
    image.save(file, "PNG")
    spool = spooled(file.getvalue())

    assert spool.size > MEMORY_BYTES
    assert verify(spool) == ImageFacts("png", 700, 500)
    assert verify(spool) == ImageFacts("png", 700, 500)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"<html></html>",
        b"GIF89a" + b"\0" * 50,
        b"BM" + b"\0" * 50,
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%PDF-1.7",
        PNG_HEAD,
        PNG_HEAD + b"\x00\x00\x00\rIHDR" + b"\0" * 17,
        PNG_HEAD + b"\x00\x00\x00\rIHDR\0\0\0\x05\0\0\0\x05\x07\x02\0\0\0\0\0\0\0",
        PNG_HEAD + b"\x00\x00\x00\rIDAT\0\0\0\x05\0\0\0\x05\x08\x02\0\0\0\0\0\0\0",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x00\xff\xc0",
        b"\xff\xd8\xff\xda\x00\x02",
        b"\xff\xd8\xff\xc9\x00\x11\x08\x00\x05\x00\x05\x03" + b"\0" * 20,
        b"\xff\xd8\xff\xc0\x00\x11\x0c\x00\x05\x00\x05\x03" + b"\0" * 20,
        b"\xff\xd8" + b"\xff\xe0\xff\xff" * 5,
        b"RIFF\x00\x00\x00\x00WAVE" + b"\0" * 40,
        b"RIFF\xff\x00\x00\x00WEBPVP8 " + b"\0" * 40,
        b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"\0" * 40,
        b"RIFF\x10\x00\x00\x00WEBPVP8X" + b"\0\0\0\0\x02" + b"\0" * 40,
    ],
)
def test_anything_else_is_no_image(data, spooled):
    with pytest.raises(NotAnImage):
        verify(spooled(data))


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


NOISE = Image.frombytes("RGB", (200, 150), bytes(range(256)) * 351 + b"\0" * 144)


def noise(image_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    NOISE.save(file, image_format, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        cut(noise("PNG")),
        cut(noise("JPEG")),
        cut(noise("JPEG", progressive=True)),
        cut(noise("WEBP")),
        cut(noise("WEBP", lossless=True)),
        flipped(noise("PNG")),
        noise("PNG").replace(b"IDAT", b"xxAT"),
    ],
)
def test_an_image_that_does_not_decode_to_its_end_is_no_image(data, spooled):
    with pytest.raises(NotAnImage):
        verify(spooled(data))


def test_a_pixel_bomb_is_refused_before_it_is_decoded(spooled):
    header = b"IHDR" + (30_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    bomb = PNG_HEAD + b"\0\0\0\r" + header + zlib.crc32(header).to_bytes(4, "big")
    bomb += picture("PNG")[33:]

    with pytest.raises(NotAnImage, match="more than 16 megapixels"):
        verify(spooled(bomb))


def test_a_header_that_lies_about_its_pixels_is_no_image(spooled):
    data = picture("PNG", 64, 64)
    header = b"IHDR" + (64).to_bytes(4, "big") + (65).to_bytes(4, "big") + data[24:29]
    lying = data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]

    with pytest.raises(NotAnImage):
        verify(spooled(lying))
