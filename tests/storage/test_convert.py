import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from pictor.kit.bytes.spool import ReadableAt, SpoolBudget, SpoolFull, Spools, reader_of
from storage.containers.pieces import NotAnImage
from storage.convert import converted
from storage.probe import verify
from tests.storage.pngs import SIGNATURE, chunk

RED = (200, 30, 30)


def picture(
    image_format: str,
    width: int,
    height: int,
    mode: str = "RGB",
    colour: tuple[int, ...] = RED,
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), colour).save(file, image_format)
    return file.getvalue()


def opened(file: ReadableAt) -> Any:
    image = Image.open(reader_of(file))
    image.load()
    return image


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("target", ["png", "jpeg", "webp"])
def test_every_format_becomes_every_other(source, target, spooled, spools):
    spool = spooled(picture(source, 120, 80))

    result = converted(spool, verify(spool), target, spools=spools)

    image = opened(result)
    assert image.format == target.upper()
    assert image.size == (120, 80)
    assert all(
        abs(got - wanted) < 6
        for got, wanted in zip(image.convert("RGB").getpixel((60, 40)), (200, 30, 30), strict=True)
    )
    assert verify(result).size == "120x80"
    result.close()


def test_transparency_becomes_white_in_a_jpeg_and_stays_in_a_webp(spooled, spools):
    spool = spooled(picture("PNG", 50, 50, "RGBA", (0, 0, 0, 0)))
    facts = verify(spool)

    jpeg = converted(spool, facts, "jpeg", spools=spools)
    webp = converted(spool, facts, "webp", spools=spools)

    assert opened(jpeg).getpixel((25, 25)) == (255, 255, 255)
    assert opened(webp).getpixel((25, 25))[3] == 0
    jpeg.close()
    webp.close()


def test_less_compression_quality_makes_a_smaller_file(spooled, spools):
    image = Image.effect_noise((200, 200), 90).convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    spool = spooled(file.getvalue())
    facts = verify(spool)

    sizes = []
    for compression in (0, 50, 100, None):
        result = converted(spool, facts, "jpeg", compression=compression, spools=spools)
        sizes.append(result.size)
        result.close()

    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]


def test_transparency_in_sixteen_bits_becomes_white_in_a_jpeg(spooled, spools):
    header = struct.pack(">IIBBBBB", 50, 50, 16, 6, 0, 0, 0)  # 16 bits, with alpha
    rows = zlib.compress(bytes(50 * (1 + 50 * 8)))  # black, and all of it transparent
    spool = spooled(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND"))

    jpeg = converted(spool, verify(spool), "jpeg", spools=spools)

    assert opened(jpeg).getpixel((25, 25)) == (255, 255, 255)
    jpeg.close()


def test_a_cmyk_jpeg_becomes_an_rgb_webp(spooled, spools):
    spool = spooled(picture("JPEG", 40, 40, "CMYK", (0, 0, 0, 0)))

    result = converted(spool, verify(spool), "webp", spools=spools)

    assert opened(result).mode == "RGB"
    result.close()


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((1024, 1024), (256, 256)),
        ((1024, 1024), (512, 512)),
        ((1536, 1024), (1920, 1080)),
        ((1024, 1024), (333, 517)),
        ((1920, 1088), (1920, 1080)),
        ((999, 1001), (1001, 999)),
        ((64, 64), (64, 64)),
    ],
)
def test_the_size_is_exact_whatever_it_was(source, target, spooled, spools):
    spool = spooled(picture("PNG", *source))

    result = converted(spool, verify(spool), "png", size=target, spools=spools)

    assert opened(result).size == target
    result.close()


def test_a_side_too_long_is_cropped_around_its_middle(spooled, spools):
    image = Image.new("RGB", (100, 60), (255, 0, 0))
    image.paste((0, 0, 255), (0, 10, 100, 50))
    file = io.BytesIO()
    image.save(file, "PNG")
    spool = spooled(file.getvalue())

    result = converted(spool, verify(spool), "png", size=(100, 40), spools=spools)

    assert opened(result).getcolors() == [(4000, (0, 0, 255))]
    result.close()


def test_more_pixels_than_the_cap_are_refused(spooled, spools):
    spool = spooled(picture("PNG", 10, 10))

    with pytest.raises(NotAnImage, match="pixels"):
        converted(spool, verify(spool), "png", size=(5000, 5000), spools=spools)


def test_broken_pixels_are_a_clear_error_and_leave_nothing_behind(spooled, spools):
    whole = io.BytesIO()
    Image.effect_noise((900, 900), 90).convert("RGB").save(whole, "PNG")
    facts = verify(spooled(whole.getvalue()))
    used_bytes = spools.budget.used_bytes

    with pytest.raises(NotAnImage):
        converted(
            broken := spooled(whole.getvalue()[: len(whole.getvalue()) // 2]),
            facts,
            "jpeg",
            spools=spools,
        )

    assert spools.budget.used_bytes == used_bytes + broken.size


def test_a_result_that_finds_no_room_says_so(spooled, tmp_path):
    image = Image.effect_noise((900, 900), 90).convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    spool = spooled(file.getvalue())
    tiny = Spools(tmp_path / "tiny", SpoolBudget(100_000))

    with pytest.raises(SpoolFull):
        converted(spool, verify(spool), "webp", spools=tiny)

    assert tiny.budget.used_bytes == 0
