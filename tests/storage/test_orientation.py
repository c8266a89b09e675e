"""A picture turned by its EXIF is measured and passed on upright, without the EXIF."""

import io
import struct
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageOps

from pictor.kit.bytes.spool import ReadableAt, reader_of
from storage.convert import as_sent, converted
from storage.probe import ImageFacts, NotAtOnce, clean_image, is_quick, verify
from tests.storage.containers import (
    PROFILE,
    jpeg_segment,
    jpeg_with,
    png_chunk,
    png_with,
    riff,
    webp_chunk,
)

TURNED = ("turned_upright",)
CORNERS = Image.new("RGB", (48, 32), "white")
"""A red, a green and a blue corner: each of the eight turns looks different."""
CORNERS.paste((220, 30, 30), (0, 0, 16, 16))
CORNERS.paste((30, 160, 30), (32, 0, 48, 16))
CORNERS.paste((30, 30, 220), (0, 16, 16, 32))


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = "at home"
    return found


def turned(image_format: str, orientation: int, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    CORNERS.convert(mode).save(file, image_format, exif=exif(orientation), **options)
    return file.getvalue()


def opened(file: ReadableAt) -> Any:
    image = Image.open(reader_of(file))
    image.load()
    return image


def as_viewers_show(data: bytes) -> Any:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data)))


def differ_by(image: Any, other: Any) -> int:
    difference = ImageChops.difference(image.convert("RGBA"), other.convert("RGBA"))
    extremes: list[tuple[int, int]] = difference.getextrema()  # type: ignore[assignment]  # of bands
    return max(most for _, most in extremes)


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize(
    ("image_format", "into"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "png")]
)
def test_a_reference_image_is_sent_as_viewers_show_it(image_format, into, orientation, spooled):
    data = turned(image_format, orientation)

    sent, facts = as_sent(spooled(data))

    size = (48, 32) if orientation < 5 else (32, 48)
    assert facts == ImageFacts(into, *size)
    assert opened(sent).format == into.upper()
    assert opened(sent).size == size
    assert opened(sent).getexif() == {}
    assert differ_by(opened(sent), as_viewers_show(data)) < 12
    assert clean_image(sent)[1:4] == (facts, 1, ())
    sent.close()


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
def test_a_jpeg_loses_little_when_it_is_turned(orientation, spooled):
    file = io.BytesIO()
    photo = Image.radial_gradient("L").resize((320, 200)).convert("RGB")
    photo.save(file, "JPEG", quality=92, exif=exif(orientation))

    sent, _ = as_sent(spooled(file.getvalue()))

    assert differ_by(opened(sent), as_viewers_show(file.getvalue())) < 5
    assert sent.size < 2 * len(file.getvalue())
    sent.close()


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P"])
def test_a_turned_png_keeps_its_mode(mode, spooled):
    data = turned("PNG", 6, mode)

    sent, facts = as_sent(spooled(data))

    assert facts.size == "32x48"
    assert facts.has_alpha is ("A" in mode)
    assert differ_by(opened(sent), as_viewers_show(data)) == 0
    sent.close()


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_the_colour_profile_of_what_is_turned_stays(image_format, spooled):
    sent, _ = as_sent(spooled(turned(image_format, 6, icc_profile=PROFILE)))

    assert opened(sent).info["icc_profile"] == PROFILE
    sent.close()


@pytest.mark.parametrize("into", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_a_result_is_turned_as_it_is_converted(image_format, into, spooled, spools):
    data = turned(image_format, 8)
    clean, facts, orientation, mended, _ = clean_image(spooled(data))

    result = converted(clean, facts, into, spools=spools, orientation=orientation)

    assert mended == TURNED
    assert verify(result) == ImageFacts(into, 32, 48)
    assert differ_by(opened(result).reduce(16), as_viewers_show(data).reduce(16)) < 12
    result.close()


def test_a_result_is_turned_before_it_is_cropped(spooled, spools):
    data = turned("PNG", 6)
    clean, facts, orientation, *_ = clean_image(spooled(data))

    cropped = converted(clean, facts, "png", size=(32, 32), spools=spools, orientation=orientation)

    assert differ_by(opened(cropped), as_viewers_show(data).crop((0, 8, 32, 40))) == 0
    cropped.close()


def tiff(*entries: bytes, order: str = "MM", first: int = 8) -> bytes:
    """EXIF with these entries in its first directory."""
    sign = "<" if order == "II" else ">"
    head = order.encode() + struct.pack(f"{sign}HI", 42, first) + bytes(first - 8)
    return head + struct.pack(f"{sign}H", len(entries)) + b"".join(entries) + bytes(4)


def entry(
    value: int, *, tag: int = 0x0112, kind: int = 3, count: int = 1, sign: str = ">"
) -> bytes:
    return struct.pack(f"{sign}HHIHxx", tag, kind, count, value)


def app1(data: bytes) -> bytes:
    return jpeg_segment(0xE1, b"Exif\0\0" + data)


SIX = tiff(entry(6))
OTHER = tiff(entry(1))


def extended_webp(*chunks: bytes) -> bytes:
    file = io.BytesIO()
    CORNERS.resize((61, 47)).save(file, "WEBP")
    vp8x = struct.pack("<B3x", 0x08) + (60).to_bytes(3, "little") + (46).to_bytes(3, "little")
    return riff(webp_chunk(b"VP8X", vp8x), file.getvalue()[12:], *chunks)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg_with(app1(SIX)), id="jpeg"),
        pytest.param(jpeg_with(app1(SIX), progressive=True), id="progressive"),
        pytest.param(jpeg_with(app1(tiff(entry(6, sign="<"), order="II"))), id="little endian"),
        pytest.param(jpeg_with(app1(tiff(entry(6), first=900))), id="a directory further on"),
        pytest.param(jpeg_with(app1(tiff(entry(1, tag=0x0100), entry(6)))), id="second entry"),
        pytest.param(jpeg_with(app1(SIX[:-4])), id="cut right after it"),
        pytest.param(jpeg_with(jpeg_segment(0xE1, b"http://ns"), app1(SIX)), id="after XMP"),
        pytest.param(jpeg_with(app1(SIX), app1(OTHER)), id="the first of two"),
        pytest.param(png_with(png_chunk(b"eXIf", SIX)), id="png"),
        pytest.param(png_with(png_chunk(b"eXIf", SIX), before=b"IEND"), id="png, at its end"),
        pytest.param(png_with(png_chunk(b"eXIf", SIX + bytes(300_000))), id="png, long"),
        pytest.param(extended_webp(webp_chunk(b"EXIF", SIX)), id="webp"),
        pytest.param(extended_webp(webp_chunk(b"EXIF", b"Exif\0\0" + SIX)), id="webp, prefixed"),
    ],
)
def test_exif_is_found_where_encoders_write_it(data, spooled):
    clean, facts, orientation, mended, _ = clean_image(spooled(data))

    assert facts.size == "47x61"
    assert (orientation, mended) == (6, TURNED)
    assert opened(clean).size == (61, 47)


BROKEN = png_chunk(b"eXIf", SIX)[:-1] + b"x"


@pytest.mark.parametrize(
    "data",
    [
        *(pytest.param(jpeg_with(app1(tiff(entry(n)))), id=f"{n}") for n in (0, 1, 9, 65_535)),
        pytest.param(jpeg_with(app1(tiff(entry(6, kind=4)))), id="no short"),
        pytest.param(jpeg_with(app1(tiff(entry(6, count=2)))), id="two of them"),
        pytest.param(jpeg_with(app1(tiff(entry(6, tag=0x0113)))), id="another tag"),
        pytest.param(jpeg_with(app1(tiff())), id="an empty directory"),
        pytest.param(jpeg_with(app1(SIX[:-7])), id="half an entry"),
        pytest.param(jpeg_with(app1(SIX[:9])), id="half a directory"),
        pytest.param(jpeg_with(app1(SIX[:6])), id="half a header"),
        pytest.param(jpeg_with(app1(b"")), id="nothing"),
        pytest.param(jpeg_with(app1(b"XX" + SIX[2:])), id="no order of bytes"),
        pytest.param(jpeg_with(app1(SIX[:4] + b"\xff" * 4)), id="a directory nowhere"),
        pytest.param(
            jpeg_with(app1(SIX[:4] + b"\0\0\0\x0c"), jpeg_segment(0xFE, SIX[8:])),
            id="a directory in the next segment",
        ),
        pytest.param(jpeg_with(app1(SIX[:8] + b"\xff\xff" + bytes(60_000))), id="no end"),
        pytest.param(jpeg_with(app1(tiff(entry(9), entry(6)))), id="wrong, then right"),
        pytest.param(jpeg_with(jpeg_segment(0xE1, b"Exif\0" + SIX)), id="no prefix"),
        pytest.param(jpeg_with(jpeg_segment(0xE2, b"Exif\0\0" + SIX)), id="another segment"),
        pytest.param(png_with(BROKEN), id="png, against its checksum"),
        pytest.param(png_with(png_chunk(b"eXIf")), id="png, nothing"),
        pytest.param(png_with() + png_chunk(b"eXIf", SIX), id="png, after its end"),
        pytest.param(extended_webp(webp_chunk(b"EXIF", b"")), id="webp, nothing"),
        pytest.param(extended_webp(b"EXIF\xff\0\0\0" + SIX), id="webp, cut short"),
        pytest.param(extended_webp() + webp_chunk(b"EXIF", SIX), id="webp, after its end"),
    ],
)
def test_exif_that_says_nothing_right_turns_nothing(data, spooled):
    assert clean_image(spooled(data))[2:4] == (1, ())

    sent, facts = as_sent(spooled(data))

    assert facts.size == "61x47"
    assert (opened(sent).size, opened(sent).getexif()) == ((61, 47), {})


def test_a_turned_image_is_mended_too(spooled):
    data = turned("JPEG", 6)[:-2]

    sent, facts = as_sent(spooled(data))

    assert clean_image(spooled(data)).mended == ("end_marker_added", "turned_upright")
    assert facts.size == "32x48"
    assert differ_by(opened(sent), as_viewers_show(data + b"\xff\xd9")) < 12
    sent.close()


@pytest.mark.parametrize(
    ("mode", "image_format", "oddity"),
    [("CMYK", "JPEG", "CMYK"), ("I;16", "PNG", "of 16 bits a channel")],
)
def test_a_picture_that_will_be_refused_is_not_turned(mode, image_format, oddity, spooled):
    spool = spooled(turned(image_format, 6, mode))

    sent, facts = as_sent(spool)

    assert sent is spool
    assert (facts.size, facts.oddity) == ("32x48", oddity)


def test_the_turned_picture_replaces_the_original(spools):
    file = io.BytesIO()
    Image.effect_noise((700, 600), 90).save(file, "PNG", exif=exif(6))
    spool = spools.new(max_bytes=10_000_000)
    spool.write(file.getvalue())

    sent, _ = as_sent(spool)

    assert spool.is_closed
    assert spools.budget.used_bytes == sent.size
    sent.close()


def test_a_small_png_is_not_turned_at_once(spooled):
    spool = spooled(png_with(png_chunk(b"eXIf", SIX), before=b"IEND"))

    assert is_quick(spool)
    with pytest.raises(NotAtOnce):
        clean_image(spool, at_once=True)
