"""PNGs of every kind, written by hand, and libpng's opinion of them."""

import struct
import zlib
from random import Random
from typing import TypedDict

from pictor.kit.bytes.spool import SpoolFile
from storage import vips
from storage.containers.pieces import View

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KINDS = [
    *((depth, 0) for depth in (1, 2, 4, 8, 16)),
    *((depth, 3) for depth in (1, 2, 4, 8)),
    *((depth, colour_type) for depth in (8, 16) for colour_type in (2, 4, 6)),
]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class Kind(TypedDict):
    """Fields of a PNG's header besides its size."""

    depth: int
    colour_type: int
    adam7: bool


def dice_of(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - chance that can be repeated, no secret


def chunk(kind: bytes, data: bytes = b"", checksum: int | None = None) -> bytes:
    found = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", found)


def rows_of(dice: Random, width: int, height: int, bits: int) -> bytes:
    """Scanlines of any bytes, by any filter."""
    row_bytes = -(-width * bits // 8)
    return b"".join(
        bytes([dice.randrange(5)]) + dice.randbytes(row_bytes)
        for _ in range(height if width else 0)
    )


def scanlines(
    dice: Random, width: int, height: int, *, depth: int, colour_type: int, adam7: bool
) -> bytes:
    bits = depth * CHANNELS[colour_type]
    if not adam7:
        return rows_of(dice, width, height, bits)
    columns = [len(range(left, width, step)) for left, step in ADAM7_COLUMNS]
    rows = [len(range(top, height, step)) for top, step in ADAM7_ROWS]
    return b"".join(rows_of(dice, *of, bits) for of in zip(columns, rows, strict=True))


ADAM7_COLUMNS = ((0, 8), (4, 8), (0, 4), (2, 4), (0, 2), (1, 2), (0, 1))
ADAM7_ROWS = ((0, 8), (0, 8), (4, 8), (0, 4), (2, 4), (0, 2), (1, 2))


def png(
    image_data: bytes,
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour_type: int = 2,
    adam7: bool = False,
    colours: int = 256,
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(adam7))
    palette = chunk(b"PLTE", bytes(3 * min(colours, 1 << depth))) if colour_type == 3 else b""
    pieces = [image_data[at : at + 700] for at in range(0, len(image_data), 700)]
    return (
        SIGNATURE
        + chunk(b"IHDR", header)
        + palette
        + b"".join(chunk(b"IDAT", piece) for piece in pieces)
        + chunk(b"IEND")
    )


def is_taken_by_libpng(spool: SpoolFile | View) -> bool:
    try:
        with vips.open_image(spool, "png") as image:
            vips.decode(image, 64)
    except vips.Error:
        return False
    return True
