"""Memory for verifying the worst legal images, each in a process of its own."""

import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pyvips  # type: ignore[import-untyped] # it ships no types

ROOT = Path(__file__).parents[2]
MEGABYTE = 1024**2
VERIFYING_CEILING_BYTES = 150_000_000
"""The memory that verifying one image adds to a process, including the mapped file."""
TURNING_CEILING_BYTES = 180_000_000
"""The memory `as_sent` adds: 157 MB for a progressive jpeg of 12 megapixels, 69 for a baseline one
of 16."""
CONVERTING_CEILING_BYTES = 550_000_000
"""The memory one conversion adds to a process: 425 MB for the largest webp, and 90 MB if the source
has to be decoded whole."""

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc"
    ),
]


def drawn(width: int, height: int, bands: int, *, sample: str = "uchar", spread: int = 4) -> Any:
    """Noise round the middle: the larger its spread, the less it compresses."""
    noise = random.Random(width).randbytes(width * height)  # noqa: S311 - the same each time
    levels = noise.translate(bytes(128 - spread + n % (2 * spread + 1) for n in range(256)))
    step = {"uchar": 1, "ushort": 2}[sample]
    samples = bytearray(len(levels) * bands * step)
    for band in range(bands):
        samples[band * step + step - 1 :: bands * step] = levels[::-1] if band else levels
    spaces = {1: "b-w", 3: "srgb", 4: "srgb"} if sample == "uchar" else {3: "rgb16", 4: "rgb16"}
    image = pyvips.Image.new_from_memory(samples, width, height, bands, sample)
    return image.copy(interpretation=spaces[bands])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.fixture
def grown(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Return the peak memory that verifying an image adds to a process (bytes), and its output."""
    small = tmp_path / "small"
    small.write_bytes(drawn(64, 64, 3).pngsave_buffer())

    def weigh(data: bytes, *into: str) -> tuple[int, str]:
        (tmp_path / "weighed").write_bytes(data)
        ended = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, ROOT / "tests/storage/weigh.py", small, tmp_path / "weighed", *into],
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
            capture_output=True,
            text=True,
            check=True,
        )
        size_bytes, _, said = ended.stdout.strip().partition(" ")
        return int(size_bytes), said

    return weigh


def test_text_that_inflates_is_never_inflated(grown):
    text = zlib.compress(b"A" * 8 * MEGABYTE, 9)
    chunks = b"".join(chunk(b"zTXt", b"k%d\0\0" % number + text) for number in range(200))
    plain = drawn(64, 64, 3).pngsave_buffer()

    size_bytes, said = grown(plain[:33] + chunks + plain[33:])

    assert said == "64x64"
    assert size_bytes < 10 * MEGABYTE


def inks(width: int, height: int) -> Any:
    return drawn(width, height, 4, spread=40).copy(interpretation="cmyk")


@cache
def deepest() -> bytes:
    """The image that takes the most to convert."""
    image = drawn(4500, 2500, 4, sample="ushort")
    return bytes(image.pngsave_buffer(interlace=True, compression=1))


WORST: dict[str, Callable[[], bytes]] = {
    "webp, 30 MB of it": lambda: drawn(4500, 2500, 4, spread=40).webpsave_buffer(
        lossless=True, effort=0
    ),
    "webp with transparency": lambda: drawn(4500, 2500, 4).webpsave_buffer(Q=95, effort=0),
    "progressive jpeg": lambda: drawn(4000, 3000, 3, spread=40).jpegsave_buffer(
        Q=95, interlace=True, subsample_mode="off"
    ),
    "progressive jpeg in four inks": lambda: inks(3000, 3000).jpegsave_buffer(
        Q=95, interlace=True, subsample_mode="off"
    ),
    "interlaced png": lambda: drawn(4000, 4000, 4).pngsave_buffer(interlace=True, compression=1),
    "interlaced png of 16 bits": deepest,
    "png of 16 bits": lambda: drawn(4000, 4000, 3, sample="ushort").pngsave_buffer(compression=1),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_legal_images_stay_below_the_ceiling(grown, name):
    data = WORST[name]()

    size_bytes, said = grown(data)

    assert said in {"4500x2500", "4000x3000", "3000x3000", "4000x4000"}
    assert size_bytes < VERIFYING_CEILING_BYTES


def turned_by_exif(*, height: int, bands: int) -> Any:
    """An image 4000 pixels wide as stored, and shown on its side."""
    image = drawn(4000, height, bands, spread=40)
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    return image


TURNED: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: turned_by_exif(height=3999, bands=3).jpegsave_buffer(Q=95),
    "progressive jpeg": lambda: turned_by_exif(height=3000, bands=3).jpegsave_buffer(
        Q=95, interlace=True, subsample_mode="off"
    ),
    "png": lambda: turned_by_exif(height=3999, bands=4).pngsave_buffer(compression=1),
    "interlaced png": lambda: turned_by_exif(height=3999, bands=4).pngsave_buffer(
        interlace=True, compression=1
    ),
    "webp": lambda: turned_by_exif(height=2800, bands=4).webpsave_buffer(lossless=True, effort=0),
}


@pytest.mark.parametrize("name", TURNED)
def test_turning_the_worst_legal_images_stays_below_its_ceiling(grown, name):
    size_bytes, said = grown(TURNED[name](), "sent")

    assert said in {"3999x4000", "3000x4000", "2800x4000"}
    assert size_bytes < TURNING_CEILING_BYTES


def plain(width: int, height: int, bands: int, interpretation: str = "srgb") -> Any:
    """A black image, of which only the header is read."""
    image = pyvips.Image.black(width, height, bands=bands).copy(interpretation=interpretation)
    return image.cast("ushort") if interpretation == "rgb16" else image


LARGER = {
    "an interlaced png": lambda: plain(4500, 2501, 4, "rgb16").pngsave_buffer(interlace=True),
    "a webp": lambda: plain(4500, 2501, 3).webpsave_buffer(effort=0),
    "a progressive jpeg": lambda: plain(4001, 3000, 3).jpegsave_buffer(
        interlace=True, subsample_mode="off"
    ),
}


@pytest.mark.parametrize("name", LARGER)
def test_an_image_that_would_take_more_is_refused_by_its_header(grown, name):
    data = LARGER[name]()

    size_bytes, said = grown(data)

    assert said.endswith(f"megapixels, the most that {name} may have")
    assert size_bytes < 5 * MEGABYTE


@pytest.mark.parametrize("into", ["webp", "jpeg"])
def test_converting_the_worst_legal_image_stays_below_its_ceiling(grown, into):
    size_bytes, said = grown(deepest(), into)

    assert said == "4500x2500"
    assert size_bytes < CONVERTING_CEILING_BYTES


def test_more_pixels_than_any_size_has_become_no_webp(grown):
    size_bytes, said = grown(plain(4501, 2500, 1, "b-w").pngsave_buffer(), "webp")

    assert said == "more than 11250000 pixels"
    assert size_bytes < 5 * MEGABYTE
