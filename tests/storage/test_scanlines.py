"""A PNG is proved by inflating it: compared with libpng, which decodes its pixels."""

import struct
import zlib
from collections.abc import Callable
from itertools import product
from random import Random

import pytest

from pictor.kit.bytes.spool import SpoolFile
from storage import vips
from storage.containers.pieces import NotAnImage, View
from storage.containers.png import Header
from storage.probe import MAX_PIXELS, ImageFacts, TooManyPixels, clean_image, verify
from storage.scanlines import PIECE_BYTES
from tests.storage.pngs import (
    CHANNELS,
    KINDS,
    SIGNATURE,
    Kind,
    chunk,
    dice_of,
    is_taken_by_libpng,
    png,
    scanlines,
)

Spooled = Callable[[bytes], SpoolFile]


@pytest.mark.parametrize(("depth", "colour_type"), KINDS)
@pytest.mark.parametrize("adam7", [False, True])
def test_every_kind_of_png_is_proved(depth, colour_type, adam7, spooled):
    dice, kind = dice_of(1), Kind(depth=depth, colour_type=colour_type, adam7=adam7)

    def drawn(width: int, height: int) -> SpoolFile:
        data = zlib.compress(scanlines(dice, width, height, **kind), dice.randrange(10))
        spool: SpoolFile = spooled(png(data, width, height, **kind))
        return spool

    spools = [drawn(*sides) for sides in ((1, 1), (1, 9), (3, 2), (8, 8), (61, 47), (5, 70))]

    assert [is_taken_by_libpng(spool) for spool in spools] == [True] * 6
    sizes = [verify(spool).size for spool in spools]
    assert sizes == ["1x1", "1x9", "3x2", "8x8", "61x47", "5x70"]


HEADERS = {
    *product(range(18), range(9), range(3), [(0, 0)]),
    *product((8, 255), (0, 2, 6, 255), (0, 1, 255), [(0, 0), (1, 0), (0, 1), (0, 64), (255, 255)]),
}


def of_header(fields: bytes, image_data: bytes) -> bytes:
    """A PNG with only this header and this image data."""
    return SIGNATURE + b"".join(
        [chunk(b"IHDR", fields), chunk(b"IDAT", zlib.compress(image_data)), chunk(b"IEND")]
    )


def is_verified(spool: SpoolFile) -> bool:
    try:
        verify(spool)
    except NotAnImage:
        return False
    return True


def test_a_header_is_taken_where_libvips_takes_it(spooled):
    dice = dice_of(7)
    ours, theirs = set(), set()

    for header in sorted(HEADERS):
        depth, colour_type, interlaced, methods = header
        fields = struct.pack(">IIBBBBB", 5, 3, depth, colour_type, *methods, interlaced)
        kind = Kind(depth=depth, colour_type=colour_type, adam7=interlaced == 1)
        known = colour_type in CHANNELS
        spool = spooled(of_header(fields, scanlines(dice, 5, 3, **kind) if known else bytes(99)))
        ours |= {header} if is_verified(spool) else set()
        theirs |= {header} if is_taken_by_libpng(spool) else set()

    assert ours == theirs
    assert len(ours) == 2 * len([kind for kind in KINDS if kind[1] != 3])


def of_sides(width: int, height: int) -> bytes:
    fields = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = (b"\0" + bytes(-(-width // 8))) * height if width * height <= MAX_PIXELS else b""
    return of_header(fields, rows)


@pytest.mark.parametrize(
    ("width", "height"),
    [(1, 1), (MAX_PIXELS, 1), (1, 1_000_001), (0, 1), (1, 0), (0, 0)],
)
def test_a_side_is_taken_where_libvips_takes_it(width, height, spooled):
    spool = spooled(of_sides(width, height))

    assert is_verified(spool) is is_taken_by_libpng(spool) is (width * height > 0)


@pytest.mark.parametrize("side", [MAX_PIXELS + 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_side_is_not_believed_beyond_the_most_pixels(side, spooled):
    assert not is_verified(spooled(of_sides(side, 1)))
    assert not is_verified(spooled(of_sides(1, side)))
    assert not is_verified(spooled(of_sides(side, side)))


def test_an_interlaced_image_is_capped_by_what_its_samples_take(spooled):
    def of_kind(*, depth: int, adam7: bool) -> bytes:
        return of_header(struct.pack(">IIBBBBB", 4000, 2900, depth, 6, 0, 0, adam7), b"")

    with pytest.raises(TooManyPixels, match="an interlaced png"):
        verify(spooled(of_kind(depth=16, adam7=True)))
    with pytest.raises(NotAnImage, match="fewer rows"):
        verify(spooled(of_kind(depth=16, adam7=False)))
    with pytest.raises(NotAnImage, match="fewer rows"):
        verify(spooled(of_kind(depth=8, adam7=True)))


@pytest.mark.parametrize("size", range(13))
def test_a_header_that_is_too_short_is_refused(size, spooled):
    fields = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)

    assert not is_verified(spooled(of_header(fields[:size], b"\0\0")))


def test_a_header_against_its_checksum_is_refused_before_it_is_believed(spooled):
    huge = struct.pack(">IIBBBBB", 900_000, 900_000, 8, 0, 0, 0, 0)
    data = of_header(huge, b"\0\0").replace(struct.pack(">I", zlib.crc32(b"IHDR" + huge)), bytes(4))

    with pytest.raises(NotAnImage, match="IHDR"):
        verify(spooled(data))


@pytest.mark.parametrize(("depth", "colour_type"), KINDS)
@pytest.mark.parametrize("adam7", [False, True])
def test_a_header_says_what_libvips_says(depth, colour_type, adam7, spooled):
    kind = Kind(depth=depth, colour_type=colour_type, adam7=adam7)
    spool = spooled(png(zlib.compress(scanlines(dice_of(8), 61, 47, **kind)), 61, 47, **kind))
    fields = struct.pack(">IIBBBBB", 61, 47, depth, colour_type, 0, 0, int(adam7))
    header = Header.read(fields)

    with vips.open_image(spool, "png") as image:
        facts = ImageFacts("png", image.width, image.height)
        alpha, oddity = bool(image.hasalpha()), vips.oddity(image)
        whole_bytes = vips.whole_bytes(image, "png")
    assert verify(spool) == facts == ImageFacts("png", header.width, header.height)
    assert (verify(spool).has_alpha, verify(spool).oddity) == (alpha, oddity)
    # a decoder reads the samples of type 3 as its palette's colours
    expected = (alpha, adam7, header.decoded_bytes if adam7 else 0)
    assert colour_type == 3 or (header.has_alpha, header.is_interlaced, whole_bytes) == expected


def test_a_picture_larger_than_a_piece_is_proved(spooled):
    width, height = 520, 1_050
    noise = dice_of(2).randbytes(3 * width)
    turned = b"".join(b"\4" + noise[at:] + noise[:at] for at in range(height))
    pictures = [
        png(zlib.compress(pixels, level), width, height)
        for pixels in (turned, bytes(len(turned)))
        for level in (0, 6)
    ]

    assert len(turned) > 3 * PIECE_BYTES
    assert [verify(spooled(picture)).size for picture in pictures] == ["520x1050"] * 4


RAW = b"".join(b"\0" + bytes(range(30)) for _ in range(20))
FAR = dice_of(3).randbytes(3_000)


def with_window(stream: bytes, bits: int) -> bytes:
    """The same zlib stream with another window in its header."""
    first = (bits - 8) << 4 | 8
    return bytes([first, 31 - first * 256 % 31]) + stream[2:]


IHDR_OF_PALETTE = chunk(b"IHDR", struct.pack(">IIBBBBB", 30, 20, 8, 3, 0, 0, 0))
EMPTY_BLOCKS = (
    zlib.compress(b"")[:2] + zlib.compressobj(0, wbits=-15).flush(zlib.Z_SYNC_FLUSH) * 20_000
)
"""The beginning of a stream: empty blocks of 5 bytes that cost time."""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(zlib.compress(RAW[:-1]), 10, 20), "fewer rows"),
        (png(zlib.compress(RAW[:-1]), 10, 20, adam7=True), "unknown filter|fewer rows"),
        (png(zlib.compress(RAW + bytes(65_537)), 10, 20), "more rows"),
        (png(zlib.compress(RAW + b"\0")[:-1], 10, 20), "cut short"),
        (png(zlib.compress(RAW + b"\0")[:-4] + b"\0\0\0\1", 10, 20), "does not decode"),
        (png(zlib.compress(b"\5" + RAW[1:]), 10, 20), "unknown filter"),
        (png(zlib.compress(RAW[:-31] + b"\xff" + RAW[-30:]), 10, 20), "unknown filter"),
        (png(zlib.compress(RAW) + bytes(65_537), 10, 20), "data after"),
        (
            png(zlib.compress(RAW) + b"\0", 10, 20)[:-12]
            + chunk(b"IDAT", bytes(65_536))
            + chunk(b"IEND"),
            "data after",
        ),
        (png(zlib.compress(RAW)[:-1], 10, 20), "cut short"),
        (png(zlib.compress(RAW)[:-4] + b"\0\0\0\1", 10, 20), "does not decode"),
        (png(b"", 10, 20)[:-12] + chunk(b"IDAT") + chunk(b"IEND"), "cut short"),
        (png(b"\x78\x9d" + zlib.compress(RAW)[2:], 10, 20), "does not decode"),
        (png(b"\x78\xbb" + zlib.compress(RAW)[2:], 10, 20), "does not decode"),
        (
            png(with_window(zlib.compress(FAR[:999] * 9), 8), 332, 9),
            "does not decode|unknown filter",
        ),
        (png(zlib.compress(RAW), 10, 20)[:-1] + b"\0", "broken b'IEND'"),
        (png(zlib.compress(RAW), 10, 20)[:-13] + b"\0" + chunk(b"IEND"), "broken b'IDAT'"),
        *(
            (png(zlib.compress(RAW), 30, 20, colour_type=3).replace(one, one[:-1] + b"x"), words)
            for one, words in (
                (IHDR_OF_PALETTE, "IHDR"),
                (chunk(b"PLTE", bytes(768)), "PLTE"),
            )
        ),
        (png(b"\x98" + zlib.compress(RAW)[1:], 10, 20), "window"),
        (png(EMPTY_BLOCKS + zlib.compress(RAW)[2:], 10, 20), "more data than it has pixels"),
        (
            png(zlib.compress(RAW), 10, 20)[:-12] + chunk(b"PLTE", bytes(9)) + chunk(b"IEND"),
            "b'PLTE' after its image",
        ),
    ],
)
def test_a_png_that_is_not_whole_is_refused_by_name(data, words, spooled):
    with pytest.raises(NotAnImage, match=words):
        verify(spooled(data))


@pytest.mark.parametrize("colours", [30, 256])
def test_a_palette_with_every_colour_of_the_picture_is_proved(colours, spooled):
    spool = spooled(png(zlib.compress(RAW), 30, 20, colour_type=3, colours=colours))

    assert is_taken_by_libpng(spool)
    assert verify(spool).size == "30x20"


def test_a_colour_that_the_palette_has_not_is_refused(spooled):
    spool = spooled(png(zlib.compress(RAW), 30, 20, colour_type=3, colours=29))

    assert is_taken_by_libpng(spool)
    with pytest.raises(NotAnImage, match="colour 29 of a palette of 29"):
        verify(spool)


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(2_000_000))),
        *(chunk(kind, b"") for kind in (b"gAMA", b"cHRM", b"sRGB")),
    ],
)
def test_a_short_palette_is_looked_up_beside_what_some_decoders_refuse(odd, spooled):
    data = png(zlib.compress(RAW), 30, 20, colour_type=3, colours=30)
    place = data.index(b"PLTE") - 4

    assert verify(spooled(data[:place] + odd + data[place:])).size == "30x20"


def test_an_empty_piece_of_the_image_is_none(spooled):
    data = zlib.compress(RAW)
    empty = png(data[:9], 10, 20)[:-12] + chunk(b"IDAT") + chunk(b"IDAT", data[9:]) + chunk(b"IEND")

    assert verify(spooled(empty)).size == "10x20"


def hurt(dice: Random, raw: bytes) -> bytes:
    """The zlib stream of these scanlines, or of something near them."""
    raw = dice.choice(
        (raw, raw, raw, raw[: dice.randrange(len(raw))], raw + b"\0", b"\7" + raw[1:])
    )
    stream = zlib.compress(raw, dice.randrange(10))
    place = dice.randrange(len(stream))
    flipped = bytes([stream[place] ^ 1 << dice.randrange(8)])
    return dice.choice(
        (
            *(stream, stream, stream, stream[:place], stream + b"tail", with_window(stream, 9)),
            *(stream[:place] + new + stream[place + 1 :] for new in (flipped, b"", b"\0\0")),
        )
    )


def is_whole(stream: bytes, raw: bytes) -> bool:
    """True if a zlib stream ends rightly, with rows like these and perhaps a little more."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(stream)
    except zlib.error:
        return False
    return inflater.eof and len(found) >= len(raw) and found[0] < 5


def proved_by(spool: SpoolFile) -> SpoolFile | View | None:
    """The file without its tail; None if it is no image."""
    try:
        return clean_image(spool).source
    except NotAnImage:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_a_proved_picture_is_whole_and_libpng_takes_it_without_its_tail(seed, spooled):
    dice = dice_of(seed)
    proved, right = [], []

    for depth, colour_type in KINDS * 20:
        kind = Kind(depth=depth, colour_type=colour_type, adam7=dice.random() < 0.3)
        width, height = dice.randrange(1, 40), dice.randrange(1, 40)
        raw = scanlines(dice, width, height, **kind)
        stream = hurt(dice, raw)
        spool = spooled(png(stream, width, height, **kind))
        cleaned = proved_by(spool)
        proved.append(cleaned is not None)
        right.append(is_whole(stream, raw) and is_taken_by_libpng(cleaned or spool))

    assert proved == right
    assert min(proved.count(True), proved.count(False)) > 40
