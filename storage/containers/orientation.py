"""The EXIF orientation: how stored pixels have to be turned to appear as the camera saw them.

Pure. EXIF that is silent or broken gives UPRIGHT; no image is refused for it.

Source: TIFF 6.0, section 2; EXIF 2.32, 4.6.4 (Orientation).
"""

import struct
from collections.abc import Iterator
from typing import Literal

from storage.containers.pieces import ByteSource, ByteSpan

Orientation = Literal[1, 2, 3, 4, 5, 6, 7, 8]
"""EXIF's own numbers: from 5 on the sides change places."""
UPRIGHT: Orientation = 1
FIRST_ON_ITS_SIDE: Orientation = 5

_PREFIX = b"Exif\0\0"
"""The prefix in a JPEG's APP1, which some encoders write into a WebP, too."""
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_HEAD_BYTES, _COUNT_BYTES, _ENTRY_BYTES, _NEXT_BYTES = 8, 2, 12, 4
_TAG, _SHORT = 0x0112, 3
_KNOWN: dict[int, Orientation] = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8}


def directory(file: ByteSource, exif: ByteSpan) -> tuple[Iterator[tuple[int, int, int, int]], int]:
    """Read the first TIFF directory of what may be an EXIF; it is empty if it is none, or broken.

    Returns tag, type, count and first short of the value of each entry, and the offset of the next
    directory, that of a thumbnail; 0 if there is none.
    """
    if _read(file, exif, 0, len(_PREFIX)) == _PREFIX:
        exif = ByteSpan(exif.offset + len(_PREFIX), exif.size - len(_PREFIX))
    head = _read(file, exif, 0, _HEAD_BYTES)
    order = _BYTE_ORDERS.get(head[:4])
    if order is None or len(head) < _HEAD_BYTES:
        return iter(()), 0
    (begin,) = struct.unpack(f"{order}I", head[4:])
    count = _read(file, exif, begin, _COUNT_BYTES)
    if len(count) < _COUNT_BYTES:
        return iter(()), 0
    size = struct.unpack(f"{order}H", count)[0] * _ENTRY_BYTES
    entries = _read(file, exif, begin + _COUNT_BYTES, size + _NEXT_BYTES)
    next_at = int.from_bytes(entries[size:], "little" if order == "<" else "big")
    whole = min(size, len(entries) - len(entries) % _ENTRY_BYTES)
    return struct.iter_unpack(f"{order}HHIHxx", entries[:whole]), next_at


def orientation(file: ByteSource, exif: ByteSpan | None) -> Orientation:
    """Read the orientation from the first directory of the EXIF at this place."""
    for tag, kind, number, value in directory(file, exif)[0] if exif else ():
        if (tag, kind, number) == (_TAG, _SHORT, 1):
            return _KNOWN.get(value, UPRIGHT)
    return UPRIGHT


def _read(file: ByteSource, exif: ByteSpan, offset: int, size: int) -> bytes:
    """Read bytes of the EXIF; fewer if it ends before them."""
    return file.read_at(exif.offset + offset, max(0, min(size, exif.size - offset)))
