"""The EXIF orientation: how stored pixels have to be turned to appear as the camera saw them.

Pure. EXIF that is silent or broken gives UPRIGHT; no image is refused for it.

Source: TIFF 6.0, section 2; EXIF 2.32, 4.6.4 (Orientation).
"""

import struct
from typing import Literal

from storage.containers.pieces import ByteSource, ByteSpan

Orientation = Literal[1, 2, 3, 4, 5, 6, 7, 8]
"""EXIF's own numbers: from 5 on the sides change places."""
UPRIGHT: Orientation = 1
FIRST_ON_ITS_SIDE: Orientation = 5

_PREFIX = b"Exif\0\0"
"""The prefix in a JPEG's APP1, which some encoders write into a WebP, too."""
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_HEAD_BYTES, _COUNT_BYTES, _ENTRY_BYTES = 8, 2, 12
_TAG, _SHORT = 0x0112, 3
_KNOWN: dict[int, Orientation] = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8}


def orientation(file: ByteSource, exif: ByteSpan | None) -> Orientation:
    """Read the orientation from the first TIFF directory of the EXIF at this place."""
    if exif is None:
        return UPRIGHT
    if _read(file, exif, 0, len(_PREFIX)) == _PREFIX:
        exif = ByteSpan(exif.offset + len(_PREFIX), exif.size - len(_PREFIX))
    head = _read(file, exif, 0, _HEAD_BYTES)
    order = _BYTE_ORDERS.get(head[:4])
    if order is None or len(head) < _HEAD_BYTES:
        return UPRIGHT
    (directory,) = struct.unpack(f"{order}I", head[4:])
    count = _read(file, exif, directory, _COUNT_BYTES)
    if len(count) < _COUNT_BYTES:
        return UPRIGHT
    size = struct.unpack(f"{order}H", count)[0] * _ENTRY_BYTES
    entries = _read(file, exif, directory + _COUNT_BYTES, size)
    whole = len(entries) - len(entries) % _ENTRY_BYTES
    for tag, kind, number, value in struct.iter_unpack(f"{order}HHIHxx", entries[:whole]):
        if (tag, kind, number) == (_TAG, _SHORT, 1):
            return _KNOWN.get(value, UPRIGHT)
    return UPRIGHT


def _read(file: ByteSource, exif: ByteSpan, offset: int, size: int) -> bytes:
    """Read bytes of the EXIF; fewer if it ends before them."""
    return file.read_at(exif.offset + offset, max(0, min(size, exif.size - offset)))
