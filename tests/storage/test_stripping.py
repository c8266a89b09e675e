"""Only the parts of an image that decoding needs are kept."""

import io
import zlib
from random import Random
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from pictor.kit.bytes.spool import ReadableAt, SpoolBudget, SpoolFull, Spools, reader_of
from storage.containers import jpeg
from storage.containers.pieces import ByteSpan, NotAnImage, joined
from storage.convert import as_sent
from storage.probe import ImageFacts, clean_image
from storage.stripping import strip
from tests.storage.containers import (
    PICTURE,
    PROFILE,
    jpeg_segment,
    jpeg_with,
    picture,
    png_chunk,
    png_with,
    riff,
    webp_chunk,
)

SECRET = b"47.3769 N, 8.5417 E"
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + SECRET


def opened(file: ReadableAt) -> Any:
    image = Image.open(reader_of(file))
    image.load()
    return image


def content(file: ReadableAt) -> bytes:
    return file.read_at(0, file.size)


def text_chunk(kind: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if kind == "iTXt":
        info.add_itxt("place", SECRET.decode(), zip=False)
    else:
        info.add_text("place", SECRET.decode(), zip=False)
    return info


@pytest.mark.parametrize(
    ("image_format", "dirty"),
    [
        ("png", picture("PNG", pnginfo=text_chunk("tEXt"))),
        ("png", picture("PNG", pnginfo=text_chunk("iTXt"))),
        ("png", picture("PNG", exif=EXIF)),
        ("png", png_with(png_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"A")))),
        ("png", png_with(png_chunk(b"tIME", b"\x07\xea\x0b\x14\x10\0\0"))),
        ("png", png_with(png_chunk(b"prVt", SECRET))),
        ("png", picture("PNG") + SECRET),
        ("png", png_with(png_chunk(b"gAMA", SECRET))),
        ("png", png_with(png_chunk(b"eXIf", SECRET), before=b"IEND")),
        ("jpeg", picture("JPEG", exif=EXIF)),
        ("jpeg", picture("JPEG", comment=SECRET)),
        ("jpeg", picture("JPEG") + SECRET),
        ("jpeg", jpeg_with(jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET))),
        ("jpeg", jpeg_with(jpeg_segment(0xED, b"Photoshop 3.0\0" + SECRET))),
        ("jpeg", jpeg_with(jpeg_segment(0xE2, b"FPXR\0" + SECRET))),
        ("jpeg", jpeg_with(jpeg_segment(0xE0, b"JFXX\0" + SECRET))),
        ("jpeg", jpeg_with(jpeg_segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\1\6" + SECRET[:18]))),
        ("jpeg", jpeg_with(jpeg_segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET))),
        ("webp", picture("WEBP", exif=EXIF)),
        ("webp", picture("WEBP", xmp=SECRET, icc_profile=PROFILE)),
        ("webp", picture("WEBP", "RGBA", xmp=SECRET)),
        ("webp", picture("WEBP", lossless=True, exif=EXIF)),
        ("webp", picture("WEBP") + SECRET),
        ("webp", riff(picture("WEBP")[12:], webp_chunk(b"note", SECRET))),
    ],
)
def test_metadata_is_dropped_and_the_picture_stays(image_format, dirty, spooled):
    spool = spooled(dirty)

    clean, facts, *_ = clean_image(spool)

    assert facts == ImageFacts(image_format, 61, 47)
    assert clean is not spool
    assert clean.size < spool.size
    assert SECRET not in content(clean)
    assert opened(clean).tobytes() == opened(spool).tobytes()
    assert opened(clean).getexif() == {}
    again = spooled(content(clean))
    assert strip(again)[:2] == (again, image_format)


@pytest.mark.parametrize(
    ("image_format", "data"),
    [
        ("png", picture("PNG")),
        ("png", picture("PNG", "P", transparency=3)),
        ("png", picture("PNG", "RGBA", icc_profile=PROFILE)),
        ("png", png_with(png_chunk(b"sRGB", b"\0"), png_chunk(b"gAMA", b"\0\0\xb1\x8f"))),
        ("jpeg", picture("JPEG", progressive=True, icc_profile=PROFILE)),
        ("jpeg", picture("JPEG", "CMYK")),
        ("jpeg", picture("JPEG", restart_marker_rows=1)),
        ("webp", picture("WEBP")),
        ("webp", picture("WEBP", lossless=True)),
        ("webp", picture("WEBP", "RGBA", icc_profile=PROFILE)),
    ],
)
def test_an_image_with_nothing_to_drop_is_not_copied(image_format, data, spooled):
    spool = spooled(data)

    assert strip(spool)[:2] == (spool, image_format)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_a_colour_profile_is_kept_without_what_was_beside_it(image_format, spooled):
    clean, *_ = strip(spooled(picture(image_format, icc_profile=PROFILE, exif=EXIF)))

    assert opened(clean).info["icc_profile"] == PROFILE


@pytest.mark.parametrize(
    "data",
    [
        png_with(png_chunk(b"iCCP", b"p\0\0" + zlib.compress(b"A" * 4_194_305))),
        png_with(png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(1_048_577), 0))),
        png_with(png_chunk(b"iCCP", b"p\0\0" + zlib.compress(PROFILE)[:-9])),
        png_with(png_chunk(b"iCCP", b"p\0\0not zlib")),
        png_with(png_chunk(b"iCCP", b"p\0\1" + zlib.compress(PROFILE))),
        jpeg_with(*[jpeg_segment(0xE2, b"ICC_PROFILE\0\1\x11" + bytes(65_000))] * 17),
        picture("WEBP", icc_profile=PROFILE + bytes(1_048_576)),
    ],
)
def test_a_profile_too_large_or_broken_is_dropped_whole(data, spooled):
    clean, facts, *_ = clean_image(spooled(data))

    assert facts.size == "61x47"
    assert "icc_profile" not in opened(clean).info
    assert clean.size < 10_000


def test_an_animated_png_becomes_its_still_picture(spooled):
    file = io.BytesIO()
    PICTURE.save(file, "PNG", save_all=True, append_images=[PICTURE.rotate(90), PICTURE.rotate(9)])

    clean, facts, *_ = clean_image(spooled(file.getvalue()))

    assert facts == ImageFacts("png", 61, 47)
    assert not any(kind in content(clean) for kind in (b"acTL", b"fcTL", b"fdAT"))
    assert opened(clean).tobytes() == PICTURE.tobytes()


@pytest.mark.parametrize("scan_bytes", [0, 262_143, 262_144, 262_145, 524_287])
def test_a_scan_may_end_anywhere_however_it_is_read(spooled, scan_bytes):
    data = b"\xff\xd8" + jpeg_segment(0xDA, b"") + bytes(scan_bytes) + b"\xff\xd9"

    pieces = list(joined(jpeg.walk(spooled(data + SECRET)).pieces))

    assert pieces == [ByteSpan(0, len(data))]


def test_a_jpeg_without_an_end_marker_gets_one(spooled):
    whole = picture("JPEG")

    clean, facts, _, mended, _ = clean_image(spooled(whole[:-2]))

    assert facts.size == "61x47"
    assert content(clean) == whole
    assert mended == ("end_marker_added",)
    assert clean_image(spooled(whole)).mended == clean_image(spooled(whole + SECRET)).mended == ()


SCAN = jpeg_segment(0xDA, bytes(10))
HEADER = png_chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (picture("PNG")[:-12], "cut short"),
        (picture("PNG")[:-5], "cut short"),
        (picture("JPEG", progressive=True)[:-2], "cut short"),
        (picture("WEBP")[:-2], "cut short"),
        (picture("WEBP")[:5], "cut short"),
        (png_with(png_chunk(b"ABCD")), "impossible b'ABCD'"),
        (png_with(png_chunk(b"PLTE", bytes(769))), "impossible b'PLTE'"),
        (png_with(HEADER), "not its first chunk"),
        (b"\x89PNG\r\n\x1a\n" + png_chunk(b"tEXt"), "not its first chunk"),
        (png_with(png_chunk(b"tEXt") * 65_536), "too many chunks"),
        (jpeg_with(jpeg_segment(0xFE, b"") * 65_536), "too many segments"),
        (jpeg_with(b"\xff\xd0" * 65_536), "too many segments"),
        (jpeg_with(SCAN * 101), "too many scans"),
        (jpeg_with(b"\xff\xda\0\2" * 101 + b"\xff\xd8"), "too many scans"),  # not the 0xd8 behind
        (jpeg_with(b"\xff\xd8"), "not decoded here: 0xd8"),
        (jpeg_with(jpeg_segment(0xF7, b"")), "not decoded here: 0xf7"),
        (jpeg_with(jpeg_segment(0xC9, bytes(15))), "not decoded here: 0xc9"),
        (jpeg_with(b"\0"), "a broken jpeg"),
        (riff(webp_chunk(b"EXIF", EXIF), picture("WEBP")[12:]), "unknown kind of webp"),
        (riff(webp_chunk(b"VP8X", b"\0" * 9)), "without a picture"),
        (riff(webp_chunk(b"VP8X", b"\0" * 8), picture("WEBP")[12:]), "unknown kind of webp"),
        (riff(webp_chunk(b"VP8X", b"\0" * 10), webp_chunk(b"ANIM", b"")), "an animated webp"),
        (
            riff(webp_chunk(b"VP8X", bytes(10)), webp_chunk(b"xxxx", b"") * 65_537),
            "too many chunks",
        ),
    ],
)
def test_a_file_not_built_as_its_format_says_is_no_image(data, words, spooled):
    with pytest.raises(NotAnImage, match=words):
        clean_image(spooled(data))


def test_a_copy_that_finds_no_room_says_so_and_leaves_nothing_behind(tmp_path):
    file = io.BytesIO()
    noise = Image.frombytes("RGB", (400, 400), Random(5).randbytes(480_000))  # noqa: S311 - chance
    noise.save(file, "WEBP", lossless=True, xmp=SECRET)
    data = file.getvalue()
    tight = Spools(tmp_path / "tight", SpoolBudget(700_000))
    spool = tight.new(max_bytes=1_000_000)
    spool.write(data)

    with pytest.raises(SpoolFull):
        as_sent(spool)

    assert tight.budget.used_bytes == len(data)
    spool.close()


def test_a_stripped_copy_that_does_not_decode_is_freed(spooled, spools):
    spool = spooled(png_with(png_chunk(b"IDAT", bytes(300_000)), png_chunk(b"tEXt", SECRET)))
    used_bytes = spools.budget.used_bytes

    with pytest.raises(NotAnImage, match="does not decode"):
        clean_image(spool)

    assert spools.budget.used_bytes == used_bytes


def test_a_reference_image_is_sent_without_its_place(spooled):
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    xmp = jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET)
    data = picture("JPEG", exif=exif, comment=SECRET)
    spool = spooled(data[:2] + xmp + data[2:] + SECRET)

    sent, _ = as_sent(spool)

    assert b"Exif" in data
    assert not any(word in content(sent) for word in (b"Exif", b"ns.adobe.com", SECRET))
    assert opened(sent).tobytes() == opened(spooled(data)).tobytes()
